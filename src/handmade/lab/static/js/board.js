/**
 * The board: draw, erase, undo by stroke, clear, paste, drop a file, a random test image, the next mistake, and the stages of preparation.
 *
 * Interface
 *   new Board(root, lab): board.random(), board.mistake(), board.clear()
 *   The image itself is store.state.image; strokes belong to the drawing whose pixels they made.
 */
import { ApiError, GoneError } from "./api.js";
import { h } from "./dom.js";
import { imageName, nameFile } from "./imagenames.js";
import { drawRaw } from "./rawimages.js";
import { write } from "./said.js";
import { Stages } from "./stages.js";
import { drawStrokes, inkOf } from "./strokes.js";
import { languages, text } from "./text.js";

const SIDE = 280; // units of the canvas
const SENT = 140; // rows and columns that are sent; twice as many for images with a side above LARGE
const LARGE = 64;
const LARGEST_FILE = 10 * 1024 * 1024;

export class Board {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    this.root = root;
    this.lab = lab;
    /** @type {import("./strokes.js").Stroke[]} */
    this.strokes = [];
    /** Strokes of older drawings, by their pixels. @type {Map<string, import("./strokes.js").Stroke[]>} */
    this.known = new Map();
    this.erasing = false;
    this.shown = "";
    this.#build();
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d", { willReadFrequently: true }));
    this.#watch();
    lab.data.addEventListener("image", () => this.follow());
    lab.data.addEventListener("network", () => this.#network());
    languages.addEventListener("change", () => this.follow());
    lab.data.addEventListener("trouble", (/** @type {CustomEvent} */ event) => { if (event.detail.where === "image") this.say(() => event.detail.error?.message ?? text(event.detail.key)); });
    lab.data.addEventListener("fine", (/** @type {CustomEvent} */ event) => { if (event.detail.where === "image") this.say(() => ""); });
    this.#blank();
  }

  #build() {
    const { store } = this.lab;
    this.canvas = h("canvas", { id: "board-canvas", width: SIDE, height: SIDE, tabindex: "0", role: "img", label: "board.canvas", data: { testid: "board-canvas" } });
    this.empty = h("span", { class: "board-empty", t: "board.empty", "aria-hidden": "true" });
    this.pen = h("input", { type: "range", min: 8, max: 40, value: 20, id: "pen", label: "board.pen" });
    this.colour = h("input", { type: "color", value: "#ffffff", id: "pen-colour", label: "board.colour", data: { testid: "pen-colour", hint: "board.colour" }, hidden: true });
    this.eraser = h("button", { type: "button", class: "icon", label: "board.erase", "aria-pressed": "false", data: { testid: "erase" }, on: { click: () => this.#erase() } }, "⌫");
    this.message = h("p", { class: "problem", id: "board-message", role: "alert" });
    this.file = h("input", { type: "file", accept: "image/*", hidden: true, on: { change: () => { if (this.file.files[0]) this.take(this.file.files[0]); this.file.value = ""; } } });
    this.caption = h("p", { class: "caption", data: { testid: "image-caption" } });
    this.randomButton = h("button", { type: "button", class: "button", t: "board.random", data: { testid: "random" }, on: { click: () => this.random() } });
    this.mistakeButton = h("button", { type: "button", class: "button", t: "board.mistake", data: { testid: "mistake" }, on: { click: () => this.mistake() } });
    this.reason = h("p", { class: "note", t: "board.noTest", hidden: true, data: { testid: "no-test" } });
    this.stages = new Stages(this.lab, () => { if (this.strokes.length) this.#send(true); });
    this.root.append(
      h("div", { class: "board-frame" }, this.canvas, this.empty), this.caption,
      h("div", { class: "board-tools", role: "toolbar", label: "board.tools" },
        this.eraser,
        h("button", { type: "button", class: "icon", label: "board.undo", data: { testid: "board-undo" }, on: { click: () => this.undo() } }, "↶"),
        h("button", { type: "button", class: "icon", label: "board.redo", data: { testid: "board-redo" }, on: { click: () => store.redo() } }, "↷"),
        h("button", { type: "button", class: "icon", label: "board.clear", data: { testid: "clear" }, on: { click: () => this.clear() } }, "✕"),
        h("button", { type: "button", class: "open", t: "board.open", data: { hint: "board.file" }, on: { click: () => this.file.click() } }), this.file),
      h("label", { class: "pen-row" }, h("span", { t: "board.penShort" }), this.pen, this.colour),
      h("div", { class: "button-row" }, this.randomButton, this.mistakeButton), this.reason, this.message, this.stages.element);
  }

  #watch() {
    const { canvas } = this;
    /** @type {import("./strokes.js").Stroke|null} */
    let stroke = null;
    const at = (/** @type {PointerEvent} */ event) => {
      const box = canvas.getBoundingClientRect();
      return /** @type {[number, number]} */ ([((event.clientX - box.left) * SIDE) / box.width, ((event.clientY - box.top) * SIDE) / box.height]);
    };
    canvas.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId);
      if (!this.drawing) this.#blank();
      stroke = { width: Number(this.pen.value), colour: this.colours ? this.colour.value : "#fff", erase: this.erasing || event.pointerType === "pen" && event.buttons === 32, points: [at(event)] };
      this.strokes = [...this.strokes, stroke];
      this.drawing = true;
      this.before = this.lab.store.state.image;
      this.#ink();
    });
    canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      if (!stroke) return;
      for (const each of event.getCoalescedEvents?.() ?? [event]) stroke.points.push(at(each));
      this.#ink();
    });
    const end = () => {
      if (!stroke) return;
      stroke = null;
      this.#send(true);
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    canvas.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const step = { ArrowLeft: [-10, 0], ArrowRight: [10, 0], ArrowUp: [0, -10], ArrowDown: [0, 10] }[event.key];
      if (!step || !this.strokes.length) return;
      event.preventDefault();
      this.strokes = this.strokes.map((each) => ({ ...each, points: each.points.map(([x, y]) => /** @type {[number, number]} */ ([x + step[0], y + step[1]])) }));
      this.#ink();
      this.#send(true);
    });
    const { root } = this;
    addEventListener("paste", (event) => {
      const file = [...(event.clipboardData?.files ?? [])][0];
      if (file) this.take(file);
      else if (!(event.target instanceof HTMLInputElement) && event.clipboardData?.getData("text")) this.say(() => text("board.noPicture"));
    });
    addEventListener("dragover", (event) => { event.preventDefault(); root.classList.add("dropping"); });
    addEventListener("dragleave", (event) => { if (!event.relatedTarget) root.classList.remove("dropping"); });
    addEventListener("drop", (event) => {
      event.preventDefault();
      root.classList.remove("dropping");
      const file = event.dataTransfer?.files[0];
      if (file) this.take(file);
    });
  }

  /** Draw the strokes, and send the drawing when the last one was answered. */
  #ink() {
    this.empty.hidden = true;
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, SIDE, SIDE);
    drawStrokes(this.context, this.strokes);
    this.#send(false);
  }

  /**
   * One drawing is on its way at a time; the newest follows.
   * @param {boolean} last true at the end of a stroke: the state takes the drawing
   */
  async #send(last) {
    if (last) this.ending = true;
    if (this.sending) {
      this.due = true;
      return;
    }
    this.sending = true;
    do {
      this.due = false;
      const { ending, strokes } = this;
      this.ending = false;
      const { bytes, height, width, ink } = inkOf(this.canvas, this.#sent, this.colours);
      if (!ink) {
        this.#forget();
        continue;
      }
      const frame = await this.lab.data.draw(bytes, height, width);
      if (frame?.meta.choice) {
        this.#keep(frame.meta.choice.pixels, strokes);
        if (ending) this.lab.store.change({ image: frame.meta.choice, label: null }, { how: "push", undo: true });
      }
    } while (this.due || this.ending);
    this.sending = false;
  }

  /**
   * @param {string} pixels
   * @param {import("./strokes.js").Stroke[]} strokes
   */
  #keep(pixels, strokes) {
    this.known.set(pixels, strokes);
    this.shown = pixels;
    if (this.known.size > 200) this.known.delete(this.known.keys().next().value ?? "");
  }

  #forget() {
    if (this.lab.store.state.image) this.lab.store.change({ image: null, label: null }, { how: "push", undo: true });
  }

  #erase() {
    this.erasing = !this.erasing;
    this.eraser.setAttribute("aria-pressed", String(this.erasing));
    this.canvas.classList.toggle("erasing", this.erasing);
  }

  undo() {
    const { store } = this.lab;
    if (store.undoesImage || !this.strokes.length) {
      store.undo();
      return;
    }
    this.strokes = this.strokes.slice(0, -1);
    this.#ink();
    this.#send(true);
  }

  clear() {
    this.strokes = [];
    this.#blank();
    this.lab.store.change({ image: null, label: null }, { how: "push", undo: true });
  }

  random() {
    const { network } = this.lab.data;
    if (!network?.fits_data || !network.test_images) return;
    this.lab.store.change({ image: { split: "test", index: Math.floor(Math.random() * network.test_images) }, label: null }, { how: "push", undo: true });
  }

  async mistake() {
    const { data, store } = this.lab;
    const { image } = store.state;
    this.mistakeButton.disabled = true;
    try {
      const after = image && "index" in image ? image.index : -1;
      const lane = this.lab.views?.current === "train" ? this.lab.training?.followed : null;
      const { index } = await data.call("GET", `mistake?after=${after}${lane ? `&lane=${lane}` : ""}`);
      if (index === null || index === undefined) this.say(() => text("board.noMistake"));
      else store.change({ image: { split: "test", index }, label: null }, { how: "push", undo: true });
    } catch (error) {
      if (error instanceof GoneError) data.lost();
      else if (error instanceof ApiError) this.say(() => error.message);
    } finally {
      this.mistakeButton.disabled = !data.network?.fits_data;
    }
  }

  /** @param {File} file a dropped or pasted picture */
  async take(file) {
    if (file.size > LARGEST_FILE) {
      this.say(() => text("board.large"));
      return;
    }
    const frame = await this.lab.data.dropFile(file);
    if (!frame?.meta.choice) return;
    nameFile(frame.meta.choice.pixels, file.name);
    this.strokes = [];
    this.follow();
    this.lab.store.change({ image: frame.meta.choice, label: null }, { how: "push", undo: true });
  }

  /** @param {() => string} make */
  say(make) { write(this.message, make); }

  #blank() {
    this.strokes = [];
    this.drawing = true;
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, SIDE, SIDE);
  }

  /** Show the image that the network reads now. */
  follow() {
    const frame = this.lab.data.image;
    const { image } = this.lab.store.state;
    this.empty.hidden = !!frame || !!this.strokes.length;
    const choice = frame?.meta.choice ?? image; // the state takes a picture later than its frame
    this.caption.textContent = frame ? imageName(choice, this.sending || this.known.has(choice?.pixels ?? "")) : "";
    this.stages?.show(frame);
    if (!frame) {
      if (!this.sending) this.#blank();
      return;
    }
    const pixels = frame.meta.choice?.pixels;
    if (this.sending && pixels) return;
    if (pixels && this.known.has(pixels)) {
      this.strokes = /** @type {any} */ (this.known.get(pixels));
      if (this.shown !== pixels || !this.drawing) this.#redraw();
      this.shown = pixels;
      return;
    }
    this.shown = "";
    this.strokes = [];
    this.drawing = false;
    if (frame.arrays.raw) drawRaw(this.context, frame.arrays.raw, SIDE);
  }

  #redraw() {
    this.drawing = true;
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, SIDE, SIDE);
    drawStrokes(this.context, this.strokes);
  }

  /** True if the network reads images of red, green and blue. */
  get colours() { return this.lab.data.network?.raw_shape?.[2] === 3; }

  /** Rows and columns of a drawing that are sent. */
  get #sent() { return Math.max(...this.lab.data.network?.raw_shape?.slice(0, 2) ?? [0]) > LARGE ? 2 * SENT : SENT; }

  #network() {
    const fits = !!this.lab.data.network?.fits_data;
    const reads = !!this.lab.data.network?.raw_shape;
    this.colour.hidden = !this.colours;
    this.root.classList.toggle("no-images", !reads);
    this.say(() => (reads ? "" : text("board.noImages")));
    this.reason.hidden = fits || !reads;
    this.randomButton.disabled = !fits;
    this.mistakeButton.disabled = !fits;
  }
}
