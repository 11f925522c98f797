/**
 * The network as a strip of maps from left to right, generated from NetworkInfo: one canvas a node, nodes in columns.
 *
 * Interface
 *   new Strip(root, lab)                 lab: {store, data, focus, cover}
 *   strip.figures                        Map from node name to Figure {node, view, element, legend, note, paint}
 *   strip.show({prefix, frame, kind, activations})   shows arrays "prefix<node>" of a frame in the place of the activations, "diff:" for example;
 *                                        activations: true for those of another network;
 *                                        nodes without an array are empty. strip.show(null) returns to the state's direction
 *   strip.values(node), strip.placeOf(figure, offset), strip.rove(canvas): the numbers shown, their places, the map that Tab reaches
 *   events: "drawn" (maps have other values), "built" (another network or size)
 *
 * Elements: [data-node] figures, [data-place-room] their canvases; the state's scale is chosen in #scale.
 */
import { largest, largestOf, themes } from "./colours.js";
import { h } from "./dom.js";
import { legend } from "./legend.js";
import { MapView } from "./mapview.js";
import { placeAt, roomOf, size } from "./places.js";
import { neighbour, watchMap } from "./pointer.js";
import { columnsOf, MOST, reveal, sideOf, tilesOf } from "./striplayout.js";
import { count, languages, shown, text } from "./text.js";

/**
 * @typedef {import("./places.js").NodeInfo} NodeInfo
 * @typedef {{node: NodeInfo, room: string, view: MapView, colour: MapView|null, element: HTMLElement, legend: HTMLElement,
 *   note: HTMLElement, limit: number|((channel: number) => number), kind: string, keys?: {select: (offset: number) => void}}} Figure
 */

export class Strip extends EventTarget {
  /**
   * @param {HTMLElement} root
   * @param {any} lab {store, data, focus, cover}
   */
  constructor(root, lab) {
    super();
    const { store, data, focus } = lab;
    this.lab = lab;
    this.root = root;
    this.store = store;
    this.data = data;
    this.focus = focus;
    this.inner = h("div", { class: "strip-inner" });
    root.append(this.inner);
    /** @type {Map<string, Figure>} */
    this.figures = new Map();
    /** @type {{prefix: string, frame: import("./frames.js").Frame, kind?: string, activations?: boolean}|null} */
    this.shown = null;
    this.locked = false;
    /** Steps of SIZES that maps are larger than what fits. */
    this.zoom = 0;
    /** Maps that each node draws: most active first. @type {Map<string, number[]>} */
    this.orders = new Map();
    this.due = false;
    this.wantsBuild = false;
    for (const event of ["image", "gradients"]) data.addEventListener(event, () => this.redraw());
    data.addEventListener("network", () => this.build());
    focus.addEventListener("pin", () => reveal(this));
    themes.addEventListener("change", () => this.redraw());
    languages.addEventListener("change", () => this.redraw());
    store.subscribe((/** @type {any} */ state, /** @type {any} */ old) => {
      if (state.direction !== old.direction || state.scale !== old.scale || state.covered !== old.covered) this.redraw();
    });
    new ResizeObserver(() => {
      if (this.size !== this.#size()) this.build();
    }).observe(root);
  }

  /** @param {{prefix: string, frame: import("./frames.js").Frame, kind?: string, activations?: boolean}|null} other */
  show(other) {
    this.shown = other;
    this.redraw();
  }

  /** Make maps larger or smaller than what fits. @param {number} by */
  magnify(by) {
    this.zoom = Math.min(4, Math.max(-4, this.zoom + by));
    this.build();
  }

  /** Draw again in the next picture. */
  redraw() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => {
      this.due = false;
      this.draw();
    });
  }

  /** Make the figures of the network. */
  build() {
    const { network } = this.data;
    if (!network) return;
    this.size = this.#size();
    this.figures.clear();
    const columns = columnsOf(network);
    const frame = { width: this.root.clientWidth, height: this.root.clientHeight };
    const side = sideOf(columns, frame, this.zoom);
    this.inner.replaceChildren(...columns.map((nodes) =>
      h("div", { class: "column" }, ...nodes.map((node) => this.#figure(node, tilesOf(node, side, nodes.length, frame.height))))));
    const first = this.figures.get(network.nodes[0]?.name) ?? this.figures.get("input");
    if (first) this.rove(first.view.canvas);
    this.draw();
    reveal(this);
    this.dispatchEvent(new Event("built"));
  }

  #size() { return `${Math.round(this.root.clientWidth)} ${Math.round(this.root.clientHeight)}`; }

  /**
   * @param {NodeInfo} node
   * @param {import("./striplayout.js").Tiles} tiles
   */
  #figure(node, { grid, scale, across, list }) {
    const network = /** @type {import("./places.js").NetworkInfo} */ (this.data.network);
    const room = roomOf(network, node);
    const canvas = h("canvas", { class: "map", tabindex: "-1", role: "application", data: { node: node.name, placeRoom: room, testid: `map-${node.name}` } });
    const view = new MapView(canvas);
    const isColour = node.name === "input" && node.shape[2] === 3;
    const colour = isColour ? new MapView(h("canvas", { class: "map colour", "aria-hidden": "true" })) : null;
    const note = h("p", { class: "note" });
    const bar = h("div", { class: "legend" });
    const element = h("figure", { class: "node", data: { node: node.name, title: node.title, kind: node.kind, testid: `node-${node.name}` } },
      h("figcaption", {}, h("span", { class: "node-title" }, room), node.mark ? h("span", { class: "shape", t: "strip.yours" }) : null, h("span", { class: "shape" }, node.shape.join(" × "))),
      colour?.canvas, canvas, bar, note);
    /** @type {Figure} */
    const figure = { node, room, view, colour, element, legend: bar, note, limit: 1, kind: "signed" };
    view.layout(grid, {
      scale, across, channels: this.#order(node, grid), listed: list ? (/** @type {number} */ i) => this.#listed(figure, i) : null,
    });
    colour?.layout({ ...grid, channels: 1 }, { scale: Math.max(1, Math.round(56 / Math.max(grid.width, grid.height))), across: 1 });
    this.figures.set(node.name, figure);
    figure.keys = watchMap(canvas, {
      lab: this.lab, view,
      placeAt: (offset) => this.placeOf(figure, offset),
      move: (offset, dx, dy, dc) => neighbour(view.grid, offset, dx, dy, dc, view.channels),
    });
    canvas.addEventListener("focus", () => this.rove(canvas));
    return element;
  }

  /**
   * Return the channels of a node that are drawn, the most active first if not all are.
   * @param {NodeInfo} node
   * @param {import("./mapview.js").Grid} grid
   */
  #order(node, grid) {
    const { channels } = grid;
    const all = Array.from({ length: channels }, (_, i) => i);
    if (channels <= MOST) return all;
    const values = this.data.image?.arrays[`act:${node.name}`]?.values;
    const activity = new Float64Array(channels);
    if (values) for (let i = 0; i < values.length; i++) activity[i % channels] += Math.abs(values[i]);
    const order = all.sort((a, b) => activity[b] - activity[a]).slice(0, MOST);
    const pinned = this.#pinnedChannel(node);
    if (pinned !== null && !order.includes(pinned)) order[MOST - 1] = pinned;
    return order;
  }

  /** @param {NodeInfo} node */
  #pinnedChannel(node) {
    const found = this.store.state.focus && /\[(?:.*,)?(\d+)\]$/.exec(this.store.state.focus);
    const { network } = this.data;
    return found && network && this.store.state.focus?.includes(`${roomOf(network, node)}[`) ? Number(found[1]) : null;
  }

  /**
   * @param {Figure} figure
   * @param {number} i
   * @returns {[string, string]}
   */
  #listed(figure, i) {
    const { network } = this.data;
    const name = figure.node.name === network?.logits ? network.classes[i] ?? i : i;
    const value = this.values(figure.node)?.[i] ?? null;
    return [String(name), this.lab.cover.any && Number.isNaN(value) ? "?" : shown(value)];
  }

  /**
   * Return the numbers that a node shows now; NaN in the place of covered ones.
   * @param {NodeInfo} node
   * @returns {ArrayLike<number>|null}
   */
  values(node) {
    const values = this.#values(node);
    const { network } = this.data;
    if (!values || !network || (this.shown && !this.shown.activations)) return values;
    const backward = this.store.state.direction === "backward" && !this.shown;
    return this.lab.cover.mask(roomOf(network, node), node.shape, values, backward);
  }

  /** @param {NodeInfo} node @returns {ArrayLike<number>|null} */
  #values(node) {
    const { image, gradients } = this.data;
    const array = this.shown ? this.shown.frame.arrays[`${this.shown.prefix}${node.name}`]
      : this.store.state.direction === "backward" ? gradients?.arrays[`grad:${node.name}`]
        : node.name === "input" ? image?.arrays.input : image?.arrays[`act:${node.name}`];
    return array?.values.length === size(node.shape) ? array.values : null; // the frame may still be that of another network
  }

  /** Make a map the one that Tab reaches. @param {HTMLCanvasElement} canvas */
  rove(canvas) {
    for (const { view } of this.figures.values()) view.canvas.tabIndex = view.canvas === canvas ? 0 : -1;
  }

  draw() {
    const backward = this.store.state.direction === "backward" && !this.shown;
    let network = 0;
    for (const { node } of this.figures.values()) {
      const values = node.name === "input" && !backward && (!this.shown || this.shown.activations) ? null : this.values(node);
      if (values) network = Math.max(network, largest(values));
    }
    this.root.classList.toggle("empty", !this.data.image && !this.shown);
    for (const figure of this.figures.values()) this.#drawFigure(figure, network, backward);
    this.dispatchEvent(new Event("drawn"));
  }

  /**
   * @param {Figure} figure
   * @param {number} network largest number of the network
   * @param {boolean} backward
   */
  #drawFigure(figure, network, backward) {
    const { node, view } = figure;
    const values = this.values(node);
    const { channels } = view.grid;
    figure.element.classList.toggle("empty", !values);
    if (!values) {
      view.clear();
      figure.colour?.clear();
      figure.legend.replaceChildren();
      this.#name(figure, null);
      return;
    }
    if (channels > MOST && !this.locked) {
      const { scale, gap, across, listed } = view;
      view.layout(view.grid, { scale, gap, across, listed, channels: this.#order(node, view.grid) });
    }
    const grey = node.name === "input" && !backward && (!this.shown || this.shown.activations) && isGrey(values);
    const kind = this.shown?.kind ?? (grey ? "grey" : "signed");
    figure.kind = kind;
    const { scale } = this.store.state;
    if (!this.locked || figure.limit === 1) {
      const perMap = scale === "map" && channels > 1;
      const most = grey ? Math.max(1, largest(values)) : scale === "network" && node.name !== "input" ? network : largest(values);
      const limits = perMap ? Array.from({ length: channels }, (_, k) => largestOf(values, channels, k)) : null;
      figure.limit = limits ? (channel) => limits[channel] : most;
    }
    const dead = backward ? this.data.gradients?.meta.dead?.[node.name] ?? this.data.gradients?.meta.dead?.[node.title] : null;
    view.draw(values, { kind, limit: figure.limit, dead: dead ? new Set(dead) : null });
    const raw = figure.colour && this.data.image?.arrays.raw;
    if (raw && figure.colour) {
      figure.colour.layout({ cells: raw.shape[0] * raw.shape[1], width: raw.shape[1], height: raw.shape[0], channels: 1, flat: false },
        { scale: Math.max(1, Math.round(56 / raw.shape[0])), across: 1 });
      figure.colour.drawColour(raw.values);
    }
    figure.legend.replaceChildren(...legend(kind, figure.limit));
    const notes = [];
    if (channels > MOST) notes.push(text("strip.most", { shown: MOST }));
    if (dead?.length) notes.push(text(view.grid.flat || view.grid.matrix ? "strip.deadUnits" : "strip.dead", { n: count(dead.length) }));
    figure.note.textContent = notes.join(" ");
    figure.note.title = channels > MOST ? text("strip.mostOf", { shown: MOST, all: count(channels) }) : "";
    this.#name(figure, values);
  }

  /**
   * @param {Figure} figure
   * @param {ArrayLike<number>|null} values
   */
  #name({ room, view, node }, values) {
    let [low, high] = [Infinity, -Infinity];
    for (let i = 0; values && i < values.length; i++) {
      if (values[i] < low) low = values[i];
      if (values[i] > high) high = values[i];
    }
    const name = text(view.grid.channels > 1 ? "map.name" : "map.nameOne", {
      room, n: count(view.grid.channels), shape: node.shape.join(" × "), low: shown(values ? low : null), high: shown(values ? high : null),
    });
    view.canvas.setAttribute("aria-label", name);
  }

  /**
   * @param {Figure} figure
   * @param {number} offset
   */
  placeOf({ room, node }, offset) {
    const backward = this.store.state.direction === "backward" && !this.shown;
    return placeAt(room, node.shape, offset, backward);
  }
}

/** @param {ArrayLike<number>} values */
function isGrey(values) {
  for (let i = 0; i < values.length; i++) if (values[i] < 0) return false;
  return true;
}
