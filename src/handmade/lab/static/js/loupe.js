/**
 * One map, enlarged: the map of the pinned number, else of the hovered one; its cells show their values when they are large enough.
 *
 * Interface
 *   new Loupe(root, lab); loupe.open(nodeName, channel) shows a map
 */
import { textOn } from "./colours.js";
import { h, svg } from "./dom.js";
import { legend } from "./legend.js";
import { MapView } from "./mapview.js";
import { channelsIn, find } from "./places.js";
import { neighbour, watchMap } from "./pointer.js";
import { mapTable } from "./maptable.js";
import { Slide } from "./slide.js";
import { languages, shown, text } from "./text.js";

const TEXT_FROM = 30; // side of a cell that has room for its value

export class Loupe {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    this.lab = lab;
    this.name = lab.data.network?.nodes[0]?.name ?? ""; // the first layer
    this.channel = 0;
    this.laidOut = "";
    const canvas = h("canvas", { class: "map large", tabindex: "0", role: "application", data: { testid: "loupe-map" } });
    this.view = new MapView(canvas);
    this.marks = svg("svg", { class: "overlay", "aria-hidden": "true" });
    this.select = h("select", { id: "loupe-node", label: "loupe.node", on: { change: () => this.open(this.select.value, 0) } });
    this.channelLabel = h("span", { class: "loupe-channel" });
    const step = (/** @type {number} */ by) => () => this.step(by);
    this.padding = paddingOf(null, "");
    this.slide = new Slide(this, lab);
    this.steps = h("span", { class: "loupe-steps" },
      h("button", { type: "button", class: "icon small", label: "loupe.previous", on: { click: step(-1) } }, "◀"), this.channelLabel,
      h("button", { type: "button", class: "icon small", label: "loupe.next", on: { click: step(1) } }, "▶"));
    this.legend = h("div", { class: "legend" });
    this.box = h("div", { class: "loupe-box" }, canvas, this.marks);
    this.frame = h("div", { class: "loupe-frame" }, this.box);
    root.append(
      h("div", { class: "loupe-head" }, this.select, this.steps,
        h("button", { type: "button", class: "plain", t: "table.open", data: { testid: "as-table", hint: "table.as" }, on: { click: () => this.table() } })),
      this.frame, h("div", { class: "loupe-foot" }, this.legend, this.slide.element));
    this.box.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => this.#outside(event));
    this.box.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => this.#outside(event));
    this.box.addEventListener("pointerleave", () => lab.status.show(lab.focus.hovered ?? lab.store.state.focus));
    this.keys = watchMap(canvas, {
      lab,
      view: this.view,
      placeAt: (offset) => lab.strip.placeOf(this.figure, offset),
      move: (offset, dx, dy, dc) => {
        if (dc) this.step(dc);
        return neighbour(this.view.grid, offset - (offset % this.view.grid.channels) + this.channel, dx, dy, 0, [this.channel]);
      },
    });
    lab.strip.addEventListener("built", () => this.build());
    lab.strip.addEventListener("drawn", () => this.draw());
    lab.focus.addEventListener("pin", () => this.follow(lab.store.state.focus));
    lab.focus.addEventListener("hover", (/** @type {CustomEvent} */ event) => {
      if (!lab.store.state.focus && event.detail) this.follow(event.detail);
      else this.mark();
    });
    languages.addEventListener("change", () => this.draw());
    new ResizeObserver(() => {
      if (this.size !== `${this.frame.clientWidth} ${this.frame.clientHeight}`) this.draw();
    }).observe(this.frame);
    this.build();
  }

  /** @returns {any} */
  get figure() { return this.lab.strip.figures.get(this.name) ?? this.lab.strip.figures.get("input"); }

  build() {
    const figures = [...this.lab.strip.figures.values()];
    if (!this.lab.strip.figures.has(this.name)) this.name = figures[1]?.node.name ?? "";
    this.select.replaceChildren(...figures.map(({ node, room }) => h("option", { value: node.name }, room)));
    this.select.value = this.name;
    this.draw();
    this.follow(this.lab.store.state.focus);
  }

  /**
   * @param {string} name
   * @param {number} channel
   */
  open(name, channel) {
    this.name = name;
    this.channel = channel;
    this.select.value = name;
    this.keys.select(channel);
    this.draw();
  }

  /** @param {number} by */
  step(by) {
    const { channels } = this.figure.view.grid;
    this.channel = (this.channel + by + channels) % channels;
    this.draw();
  }

  /** Show the map of a place. @param {string|null} place */
  follow(place) {
    const found = find(this.lab.data.network, place);
    const feeds = found?.kind === "weight" && found.node?.shape.length === 3 ? found.index[found.index.length - 1] : null;
    if (feeds !== null && found?.node && (found.node.name !== this.name || feeds !== this.channel)) this.open(found.node.name, feeds); // the map that a weight feeds
    if (!found?.node || found.kind !== "node") {
      this.mark();
      return;
    }
    if (found.node.name !== this.name || found.channel !== this.channel) this.open(found.node.name, found.channel);
    else this.mark();
    this.keys.select(found.offset);
  }

  draw() {
    const { figure } = this;
    if (!figure) return;
    const { grid } = figure.view;
    this.channel = Math.min(this.channel, grid.channels - 1);
    this.size = `${this.frame.clientWidth} ${this.frame.clientHeight}`;
    const [wide, high] = [this.frame.clientWidth, this.frame.clientHeight];
    const list = figure.view.listed;
    this.padding = grid.flat ? paddingOf(null, "") : paddingOf(this.lab.data.network, figure.node.name);
    const { rows, columns } = this.padding;
    const scale = Math.max(1, Math.min(list ? 28 : 64, Math.floor(Math.min((wide - (list ? 90 : 4)) / (grid.width + 2 * columns), (high - 4) / (grid.height + 2 * rows)))));
    this.box.style.padding = `${rows * scale}px ${columns * scale}px`;
    this.marks.style.inset = `${rows * scale}px auto auto ${columns * scale}px`;
    const key = JSON.stringify([figure.node.name, grid, scale, this.channel]);
    if (key !== this.laidOut) {
      this.view.layout(grid, { scale, gap: 0, across: 1, channels: [this.channel], listed: list });
      this.laidOut = key;
    }
    this.steps.hidden = grid.channels < 2;
    this.channelLabel.textContent = text("loupe.channel", { k: this.channel, n: grid.channels });
    const values = this.lab.strip.values(figure.node);
    this.legend.replaceChildren();
    if (!values) {
      this.view.clear();
    } else {
      const kind = figure.kind ?? "signed";
      this.view.draw(values, { kind, limit: figure.limit });
      if (scale >= TEXT_FROM && !list) this.#write(values, kind);
      this.legend.replaceChildren(...legend(kind, typeof figure.limit === "number" ? figure.limit : figure.limit(this.channel)));
    }
    this.view.canvas.setAttribute("aria-label", text("loupe.name", { room: figure.room, k: this.channel, shape: `${grid.height} × ${grid.width}` }));
    this.mark();
  }

  /**
   * @param {ArrayLike<number>} values
   * @param {string} kind
   */
  #write(values, kind) {
    const { context, grid, scale } = this.view;
    const limit = typeof this.figure.limit === "number" ? this.figure.limit : this.figure.limit(this.channel);
    const family = getComputedStyle(this.view.canvas).fontFamily;
    const fontFor = (/** @type {string} */ words) => `${Math.min(13, scale / Math.max(3, words.length / 2))}px ${family}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let cell = 0; cell < grid.cells; cell++) {
      const value = values[cell * grid.channels + this.channel];
      const box = this.view.cellBox(cell * grid.channels + this.channel);
      if (!box) continue;
      context.fillStyle = Number.isNaN(value) ? "#fff" : textOn(limit ? value / limit : 0, kind);
      const words = Number.isNaN(value) && this.lab.cover.any ? "?" : shown(value);
      context.font = fontFor(words);
      context.fillText(words, box.x + scale / 2, box.y + scale / 2, scale - 3);
    }
  }

  mark() {
    const { store, focus, data } = this.lab;
    const marks = [...this.#paddingMarks(), ...this.#notYet()];
    for (const [place, name] of [[store.state.focus, "pin cell"], [store.state.second, "pin second cell"], [focus.hovered, "hover cell"]]) {
      const found = find(data.network, place);
      if (found?.kind !== "node" || found.node?.name !== this.name) continue;
      const box = this.view.cellBox(found.offset);
      if (box) marks.push(svg("rect", { class: name, x: box.x, y: box.y, width: box.width, height: box.height }));
    }
    for (const place of [store.state.focus, focus.hovered]) {
      const reach = place && this.lab.overlay.reaches.get(place);
      for (const [boxes, side] of [[reach?.sources, "source"], [reach?.targets, "target"]]) {
        for (const box of boxes ?? []) {
          if (box.node !== this.name || (box.rows && !channelsIn(box, this.figure.node.shape).includes(this.channel))) continue;
          const pieces = box.rows ? [this.view.rowsBox(this.channel, box.rows[0], box.rows[1], box.columns[0], box.columns[1])] : this.view.pieces(box.numbers);
          const name = `${place === store.state.focus ? "pin" : "hover"} ${side}`;
          marks.push(...pieces.filter((each) => each !== null).map((rect) => svg("rect", { class: name, ...rect })));
        }
      }
      const [row, column, channel] = reach?.winner ?? [];
      const taken = reach?.winner && reach.sources[0]?.node === this.name && channel === this.channel ? this.view.rowsBox(channel, row, row + 1, column, column + 1) : null;
      if (taken) marks.push(svg("rect", { class: "pin winner", ...taken }));
    }
    this.marks.replaceChildren(...marks);
  }

  /** Cells around the map that its readers add. */
  #paddingMarks() {
    const { rows, columns, leftOut } = this.padding;
    const { scale, grid } = this.view;
    if (!rows && !columns) return [];
    const [wide, high, x, y] = [grid.width * scale, grid.height * scale, columns * scale, rows * scale];
    const frame = [[-x, -y, wide + 2 * x, y], [-x, high, wide + 2 * x, y], [-x, 0, x, high], [wide, 0, x, high]];
    const marks = frame.filter(([, , w, t]) => w && t).map(([left, top, width, height]) => svg("rect", { class: "padding", x: left, y: top, width, height }));
    if (scale < TEXT_FROM) return marks;
    for (let row = -rows; row < grid.height + rows; row++) {
      for (let column = -columns; column < grid.width + columns; column++) {
        if (row >= 0 && row < grid.height && column >= 0 && column < grid.width) continue;
        const zero = svg("text", { class: "padding-value", x: (column + 0.5) * scale, y: (row + 0.5) * scale });
        zero.textContent = leftOut ? "–" : "0";
        marks.push(zero);
      }
    }
    return marks;
  }

  /** Numbers that the sliding window has not reached. */
  #notYet() {
    const { at, own } = this.slide;
    const { grid, scale } = this.view;
    if (at < 0 || this.lab.focus.hovered !== own) return [];
    const [row, column] = [Math.floor(at / grid.width), at % grid.width];
    const boxes = [[column + 1, row, grid.width - column - 1, 1], [0, row + 1, grid.width, grid.height - row - 1]];
    return boxes.filter(([, , w, t]) => w > 0 && t > 0).map(([x, y, w, t]) => svg("rect", { class: "not-yet", x: x * scale, y: y * scale, width: w * scale, height: t * scale }));
  }

  /** Tell that the pointer is on padding. @param {PointerEvent} event */
  #outside(event) {
    const { rows, columns, leftOut } = this.padding;
    if (event.target === this.view.canvas || (!rows && !columns)) return;
    const box = this.view.canvas.getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top) / this.view.scale);
    const column = Math.floor((event.clientX - box.left) / this.view.scale);
    this.lab.focus.leave();
    this.lab.status.tell(text(leftOut ? "status.paddingLeftOut" : "status.padding", { room: this.figure.room, row, column }));
  }

  /** The map as a table of numbers. */
  table() { mapTable(this.lab, this.figure, this.channel); }
}

/**
 * Rows and columns of zeros that a reader of a node lays around its maps, and true if a pool leaves them out.
 * @param {any} network
 * @param {string} name
 */
function paddingOf(network, name) {
  const padded = (network?.nodes ?? []).filter((/** @type {any} */ node) => node.reads.includes(name) && Array.isArray(node.settings.padding) && node.settings.padding.flat().some(Boolean));
  const most = (/** @type {number} */ axis) => Math.max(0, ...padded.flatMap((/** @type {any} */ node) => node.settings.padding[axis])); // a number, or [before, behind]
  return { rows: most(0), columns: most(1), leftOut: padded.length > 0 && padded.every((/** @type {any} */ node) => node.kind === "MaxPool2d") };
}
