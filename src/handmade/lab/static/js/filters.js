/**
 * Filters over time: kernels of a layer as rows, the steps of the training as columns, in one scale of colours.
 *
 * Interface
 *   new Filters(root, lab): show() when its tab opens; it keeps some of the frames of the training that is followed
 */
import { largest, palette, step as indexOf, themes } from "./colours.js";
import { h } from "./dom.js";
import { legend } from "./legend.js";
import { gridOf } from "./mapview.js";
import { showTable } from "./table.js";
import { count, languages, precise, text } from "./text.js";

const KEPT = 24; // frames
const ROWS = 16; // kernels that are drawn: those that changed most
const LARGEST = 50000; // numbers of an array that is kept
const [LEAST, SIDE] = [12, 30]; // pixels of a kernel
const GAP = 3;
const HEAD = 16; // for the numbers of the steps

export class Filters {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    this.root = root;
    this.lab = lab;
    /** The last one stays only until the next comes, unless it is kept. @type {{step: number, lane: string, keep: boolean, arrays: Record<string, import("./frames.js").FrameArray>}[]} */
    this.frames = [];
    this.every = 1; // of the frames that come, one is kept
    this.came = 0;
    this.key = "";
    this.select = h("select", { label: "weights.array", data: { testid: "filters-array" }, on: { change: () => { this.key = this.select.value; this.draw(); } } });
    this.legend = h("div", { class: "legend" });
    this.canvas = h("canvas", { class: "map", role: "img", data: { testid: "filters-map" }, on: { pointermove: (/** @type {PointerEvent} */ event) => this.#point(event) } });
    this.note = h("p", { class: "note", data: { testid: "filters-note" } });
    this.value = h("p", { class: "note value" });
    root.append(h("div", { class: "row-tools" }, this.select, this.legend,
      h("button", { type: "button", class: "plain", t: "table.open", data: { hint: "table.as" }, on: { click: () => this.table() } })), this.note, h("div", { class: "filters-frame" }, this.canvas), this.value);
    lab.training.addEventListener("frame", (/** @type {CustomEvent} */ event) => this.#take(event.detail));
    themes.addEventListener("change", () => this.draw());
    languages.addEventListener("change", () => this.draw());
    this.#take(lab.training.frame);
  }

  show() { this.draw(); }

  /** @param {import("./frames.js").Frame|null} frame */
  #take(frame) {
    const lane = this.lab.training.followed;
    if (!frame || !lane) return;
    const { step } = frame.meta;
    const last = this.frames.at(-1);
    if (last && (step < last.step || lane !== last.lane)) [this.frames, this.every, this.came] = [[], 1, 0];
    if (last && step === last.step && lane === last.lane) return;
    const arrays = Object.fromEntries(Object.entries(frame.arrays).filter(([name, { values }]) => name.startsWith("weight:") && values.length <= LARGEST)
      .map(([name, array]) => [name.slice(7), array]));
    if (this.frames.at(-1)?.keep === false) this.frames.pop();
    this.frames.push({ step, lane, keep: this.came % this.every === 0, arrays });
    this.came += 1;
    if (this.frames.length > KEPT) {
      this.frames = this.frames.filter((_, i) => i % 2 === 0);
      this.every *= 2;
    }
    if (this.root.offsetParent) this.draw();
  }

  /** Arrays of the network that have kernels or rows, by key. */
  #choices() {
    const arrays = (this.lab.data.network?.nodes ?? []).flatMap((/** @type {any} */ node) => node.arrays);
    return arrays.filter((/** @type {any} */ array) => array.shape.length > 1 && this.frames[0]?.arrays[array.key]);
  }

  draw() {
    const choices = this.#choices();
    const names = choices.map((/** @type {any} */ { key }) => key);
    if (!names.includes(this.key)) this.key = names[0] ?? "";
    if (JSON.stringify(names) !== JSON.stringify([...this.select.options].map(({ value }) => value))) {
      this.select.replaceChildren(...choices.map((/** @type {any} */ { key, title, shape }) => h("option", { value: key }, `${title}  ${shape.join(" × ")}`)));
    }
    this.select.value = this.key;
    this.legend.replaceChildren();
    this.canvas.hidden = !this.key;
    this.value.textContent = "";
    this.note.textContent = text("filters.empty");
    if (!this.key) return;
    const shown = this.frames.map(({ arrays }) => arrays[this.key]);
    const grid = gridOf(shown[0].shape);
    const limit = Math.max(...shown.map(({ values }) => largest(values)));
    const rows = mostChanged(shown, grid.channels);
    const scale = Math.max(1, Math.floor(Math.max(LEAST, Math.min(SIDE, (this.root.clientWidth - 20) / shown.length - GAP)) / Math.max(grid.width, grid.height)));
    const [wide, high] = [grid.width * scale + GAP, grid.height * scale + GAP];
    this.drawn = { rows, grid, scale, wide, high, shown };
    const ratio = Math.max(1, Math.ceil(devicePixelRatio));
    const [width, height] = [wide * shown.length, HEAD + high * rows.length];
    [this.canvas.width, this.canvas.height] = [width * ratio, height * ratio];
    [this.canvas.style.width, this.canvas.style.height] = [`${width}px`, `${height}px`];
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    context.scale(ratio, ratio);
    context.imageSmoothingEnabled = false;
    const style = getComputedStyle(this.canvas);
    [context.font, context.fillStyle] = [`11px ${style.fontFamily}`, style.color];
    const apart = Math.max(1, Math.ceil(44 / wide)); // columns between two numbers
    this.frames.forEach(({ step }, i) => { if (i % apart === 0) context.fillText(count(step), i * wide, HEAD - 4); });
    shown.forEach(({ values }, i) => rows.forEach((channel, row) => context.drawImage(tile(values, grid, channel, limit), i * wide, HEAD + row * high, grid.width * scale, grid.height * scale)));
    this.legend.replaceChildren(...legend("signed", limit));
    const [first, last] = [this.frames[0].step, this.frames[this.frames.length - 1].step];
    this.note.textContent = text("filters.note", { first: count(first), last: count(last), shown: count(rows.length), all: count(grid.channels) });
    this.canvas.setAttribute("aria-label", this.note.textContent);
  }

  /** Tell the weight under the pointer. @param {PointerEvent} event */
  #point(event) {
    if (!this.drawn) return;
    const { rows, grid, scale, wide, high, shown } = this.drawn;
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top - HEAD];
    const [i, row] = [Math.floor(x / wide), Math.floor(y / high)];
    const [column, line] = [Math.floor((x - i * wide) / scale), Math.floor((y - row * high) / scale)];
    const offset = (line * grid.width + column) * grid.channels + rows[row];
    const value = column < grid.width && line < grid.height ? shown[i]?.values[offset] : undefined;
    this.value.textContent = value === undefined || y < 0 ? "" : text("filters.value", { step: count(this.frames[i].step), value: precise(value) });
  }

  table() {
    if (!this.drawn || !this.key) return;
    const { rows, grid, shown } = this.drawn;
    showTable({
      title: `${this.select.selectedOptions[0]?.textContent}`, columns: this.frames.map(({ step }) => count(step)),
      rows: rows.flatMap((channel) => Array.from({ length: grid.cells }, (_, cell) => ({ name: `${channel}: ${cell}`, cells: shown.map(({ values }) => values[cell * grid.channels + channel]) }))),
    });
  }
}

/**
 * Return the kernels that changed most from the first frame to the last, in their order.
 * @param {import("./frames.js").FrameArray[]} shown
 * @param {number} channels
 */
function mostChanged(shown, channels) {
  const [first, last] = [shown[0].values, shown[shown.length - 1].values];
  const changes = new Float64Array(channels);
  for (let i = 0; i < first.length; i++) changes[i % channels] += (last[i] - first[i]) ** 2;
  return Array.from({ length: channels }, (_, k) => k).sort((a, b) => changes[b] - changes[a]).slice(0, ROWS).sort((a, b) => a - b);
}

/**
 * @param {ArrayLike<number>} values
 * @param {import("./mapview.js").Grid} grid
 * @param {number} channel
 * @param {number} limit
 */
function tile(values, { cells, channels, width, height }, channel, limit) {
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const pixels = context.createImageData(width, height);
  const [data, colours] = [new Uint32Array(pixels.data.buffer), palette("signed")];
  for (let cell = 0; cell < cells; cell++) data[cell] = colours[indexOf(values[cell * channels + channel], limit)];
  context.putImageData(pixels, 0, 0);
  return canvas;
}
