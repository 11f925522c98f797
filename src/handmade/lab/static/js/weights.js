/**
 * Weights of a layer as maps: a kernel a tile. Hover and pin lead to a weight, or to its gradient when the direction is backward.
 *
 * Interface
 *   new WeightsPanel(root, lab); panel.open(key) shows an array; panel.view is its MapView, panel.array its ArrayInfo
 *   panel.source = {frame, prefix}      shows arrays of another frame (a training's "weight:<key>"); null: the page's own
 */
import { largest, themes } from "./colours.js";
import { h, svg } from "./dom.js";
import { legend } from "./legend.js";
import { gridOf, MapView } from "./mapview.js";
import { find, placeAt } from "./places.js";
import { neighbour, watchMap } from "./pointer.js";
import { showTable } from "./table.js";
import { count, languages, text } from "./text.js";

const MOST = 256; // tiles that are drawn

export class WeightsPanel {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    this.root = root;
    this.lab = lab;
    /** @type {import("./places.js").ArrayInfo|null} */
    this.array = null;
    /** @type {{frame: import("./frames.js").Frame, prefix: string}|null} */
    this.source = null;
    this.select = h("select", { label: "weights.array", data: { testid: "weights-array" }, on: { change: () => this.open(this.select.value) } });
    const canvas = h("canvas", { class: "map", tabindex: "0", role: "application", data: { testid: "weights-map" } });
    this.view = new MapView(canvas);
    this.marks = svg("svg", { class: "overlay", "aria-hidden": "true" });
    this.legend = h("div", { class: "legend" });
    this.note = h("p", { class: "note" });
    this.frame = h("div", { class: "map-frame" }, h("div", { class: "loupe-box" }, canvas, this.marks));
    root.append(h("div", { class: "row-tools" }, this.select, this.legend,
      h("button", { type: "button", class: "plain", t: "table.open", data: { hint: "table.as" }, on: { click: () => this.table() } })), this.note, this.frame);
    watchMap(canvas, {
      lab,
      view: this.view,
      placeAt: (offset) => this.#place(offset),
      move: (offset, dx, dy, dc) => neighbour(this.view.grid, offset, dx, dy, dc, this.view.channels),
    });
    const draw = () => this.draw();
    for (const event of ["weights", "gradients"]) lab.data.addEventListener(event, draw);
    lab.data.addEventListener("network", () => this.build());
    lab.focus.addEventListener("pin", () => this.follow());
    lab.focus.addEventListener("hover", () => this.mark());
    themes.addEventListener("change", draw);
    languages.addEventListener("change", draw);
    lab.store.subscribe((/** @type {any} */ state, /** @type {any} */ old) => { if (state.direction !== old.direction) draw(); });
    new ResizeObserver(() => this.#layout()).observe(this.frame);
    this.build();
  }

  show() {
    this.lab.data.want("weights", true, "weights panel");
    this.#layout();
    this.follow();
  }

  hide() { this.lab.data.want("weights", false, "weights panel"); }

  build() {
    const arrays = (this.lab.data.network?.nodes ?? []).flatMap((/** @type {any} */ node) => node.arrays);
    this.select.replaceChildren(...arrays.map((/** @type {any} */ array) => h("option", { value: array.key }, `${array.title}  ${array.shape.join(" × ")}`)));
    this.array = arrays[0] ?? null;
    this.follow();
    this.#layout();
  }

  /** @param {string} key */
  open(key) {
    for (const node of this.lab.data.network.nodes) {
      const array = node.arrays.find((/** @type {any} */ each) => each.key === key);
      if (array) this.array = array;
    }
    this.select.value = key;
    this.#layout();
  }

  /** Show the array of the pinned weight, or the first of the pinned layer. */
  follow() {
    const found = find(this.lab.data.network, this.lab.store.state.focus);
    const array = found?.array ?? found?.node?.arrays[0];
    if (array && array.key !== this.array?.key && (found?.kind === "weight" || array.key.endsWith("W"))) this.open(array.key);
    else this.mark();
  }

  #layout() {
    if (!this.array || !this.frame.clientWidth) return;
    const grid = gridOf(this.array.shape);
    const tiles = Math.min(grid.channels, MOST);
    const [wide, high] = [this.frame.clientWidth - 4, Math.max(80, this.frame.clientHeight - 4)];
    const least = grid.flat ? 3 : 6;
    let scale = Math.max(least, 28);
    const across = (/** @type {number} */ s) => Math.max(1, Math.floor((wide + 4) / (grid.width * s + 4)));
    while (scale > least && Math.ceil(tiles / across(scale)) * (grid.height * scale + 4) > high) scale -= 1;
    this.view.layout(grid, { scale, gap: 4, across: across(scale), channels: Array.from({ length: tiles }, (_, i) => i) });
    this.draw();
  }

  /** Numbers of the array; NaN in the place of covered ones. @returns {ArrayLike<number>|null} */
  get values() {
    const values = this.#stored;
    const backward = !this.source && this.lab.store.state.direction === "backward";
    return values && this.array ? this.lab.cover.mask(this.array.title, this.array.shape, values, backward) : null;
  }

  get #stored() {
    if (!this.array) return null;
    if (this.source) return this.source.frame.arrays[`${this.source.prefix}${this.array.key}`]?.values ?? null;
    const backward = this.lab.store.state.direction === "backward";
    return (backward ? this.lab.data.gradients?.arrays[`grad:${this.array.key}`] : this.lab.data.weights?.arrays[this.array.key])?.values ?? null;
  }

  draw() {
    if (!this.array || !this.view.width) return;
    const { values } = this;
    this.legend.replaceChildren();
    this.view.clear();
    const notes = [];
    const { channels } = this.view.grid;
    if (channels > MOST) notes.push(text("weights.most", { shown: count(MOST), all: count(channels) }));
    if (values) {
      const limit = largest(values);
      this.view.draw(values, { kind: "signed", limit });
      this.legend.replaceChildren(...legend("signed", limit));
    } else if (this.lab.data.weights?.meta.left_out?.includes(this.array.key)) notes.push(text("weights.large"));
    this.note.textContent = notes.join(" ");
    this.view.canvas.setAttribute("aria-label", text("weights.name", { room: this.array.title, shape: this.array.shape.join(" × ") }));
    this.mark();
  }

  /** @param {number} offset */
  #place(offset) {
    const array = /** @type {import("./places.js").ArrayInfo} */ (this.array);
    return placeAt(array.title, array.shape, offset, this.lab.store.state.direction === "backward");
  }

  mark() {
    const { store, focus, data } = this.lab;
    const marks = [];
    for (const [place, name] of [[store.state.focus, "pin cell"], [store.state.second, "pin second cell"], [focus.hovered, "hover cell"]]) {
      const found = find(data.network, place);
      if (!found?.array || found.array.key !== this.array?.key) continue;
      const box = this.view.cellBox(found.offset);
      if (box) marks.push(svg("rect", { class: name, ...box }));
    }
    this.marks.replaceChildren(...marks);
  }

  table() {
    const { array, values } = this;
    if (!array || !values) return;
    const columns = array.shape.length === 1 ? 1 : array.shape[array.shape.length - 1];
    const rows = Math.min(1000, values.length / columns);
    showTable({
      title: `${array.title} ${array.shape.join(" × ")}`, columns: Array.from({ length: columns }, (_, k) => String(k)),
      rows: Array.from({ length: rows }, (_, r) => ({
        name: placeAt("", array.shape, r * columns, false).slice(1, -1).split(",").slice(0, array.shape.length - (columns > 1 ? 1 : 0)).join(",") || String(r),
        cells: Array.from({ length: columns }, (__, k) => values[r * columns + k]).map((value) => (this.lab.cover.any && Number.isNaN(value) ? "?" : value)),
      })),
    });
  }
}
