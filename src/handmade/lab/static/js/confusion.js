/**
 * The confusion matrix, of a training or of the page's network, and the images of a cell.
 *
 * Interface
 *   new Confusion(root, lab): show() when its tab opens; .lane: the lane whose matrix is shown
 */
import { ApiError, GoneError } from "./api.js";
import { cssOf, textOn, themes } from "./colours.js";
import { h } from "./dom.js";
import { rawCanvas } from "./rawimages.js";
import { write } from "./said.js";
import { showTable } from "./table.js";
import { count, languages, percent, text } from "./text.js";

const PAUSE = 250; // ms between two drawings
const FEW = 30; // images of a cell
const SHORT = 5; // letters of a name that needs no room of its own
const SIDE = 42; // of an image, in CSS pixels

export class Confusion {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    this.root = root;
    this.lab = lab;
    this.line = h("p", { class: "note", data: { testid: "confusion-line" } });
    this.tableBox = h("div", { class: "confusion-box" });
    this.digits = h("div", { class: "digits", data: { testid: "digits" } });
    this.digitsTitle = h("p", { class: "note", role: "status", t: "confusion.hint" });
    root.append(h("div", { class: "row-tools" }, this.line, h("button", { type: "button", class: "plain", t: "table.open", data: { hint: "table.as" }, on: { click: () => this.table() } })), this.tableBox, this.digitsTitle, this.digits);
    /** @type {{confusion: number[][], accuracy: number, images: number}|null} */
    this.shown = null;
    /** @type {{matrix: number[][], cells: HTMLElement[][]}|null} */
    this.built = null;
    this.drawnAt = 0;
    this.version = -1;
    /** @type {any} */
    this.timer = 0;
    const again = () => { if (root.offsetParent) this.show(); };
    lab.training.addEventListener("news", again);
    lab.data.addEventListener("network", () => { this.built = null; this.shown = null; again(); });
    lab.data.addEventListener("image", () => { if (!this.lane) again(); });
    for (const changes of [themes, languages]) {
      changes.addEventListener("change", () => {
        const { shown } = this;
        [this.built, this.shown] = [null, null];
        if (shown) this.#draw(shown);
      });
    }
  }

  /** The lane whose network is shown, or null: the page's own network. */
  get lane() {
    const { training } = this.lab;
    return training.followed && training.lanes[training.followed]?.news?.validation ? training.followed : null;
  }

  async show() {
    const { data, training } = this.lab;
    const { lane } = this;
    if (lane) this.#draw(training.lanes[lane].news.validation);
    else if (this.version !== data.version && data.network?.fits_data && data.pageId) {
      this.version = data.version;
      try {
        this.#draw(await data.call("GET", "accuracy"));
      } catch (error) {
        if (error instanceof GoneError) data.lost();
        else if (error instanceof ApiError && error.code === "stale") this.version = -1;
        else if (error instanceof ApiError) write(this.line, () => error.message);
      }
    } else if (data.network && !data.network.fits_data) this.line.textContent = text("edits.noData");
  }

  /** @param {any} found */
  #draw(found) {
    const matrix = found.confusion;
    if (!matrix || (this.shown === found && this.built)) return;
    const now = performance.now();
    if (this.built && now - this.drawnAt < PAUSE) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.show(), PAUSE);
      return;
    }
    this.drawnAt = now;
    this.shown = found;
    this.line.textContent = text("confusion.line", { n: count(found.images), accuracy: percent(found.accuracy), step: found.step ? text("confusion.step", { n: count(found.step) }) : "" });
    if (!this.built || this.built.cells.length !== matrix.length) this.#build(matrix.length);
    const { cells } = /** @type {any} */ (this.built);
    const most = Math.max(1, ...matrix.flat());
    matrix.forEach((/** @type {number[]} */ row, /** @type {number} */ i) => row.forEach((n, j) => {
      const cell = cells[i][j];
      const t = Math.log1p(n) / Math.log1p(most);
      if (cell.textContent !== String(n || "")) cell.textContent = n ? String(n) : "";
      cell.style.backgroundColor = cssOf(i === j ? t : -t);
      cell.style.color = textOn(i === j ? t : -t);
      cell.disabled = !n;
      cell.setAttribute("aria-label", text("confusion.cell", { n: count(n), label: this.#class(i), predicted: this.#class(j) }));
    }));
  }

  /** @param {string} name */
  #heading(name) { return h("span", { class: name.length > SHORT ? "" : "short", title: name }, name); }

  /** @param {number} k */
  #class(k) { return this.lab.data.network?.classes[k] ?? String(k); }

  /** @param {number} n */
  #build(n) {
    const names = Array.from({ length: n }, (_, k) => this.#class(k));
    const cells = names.map((_, i) => names.map((__, j) => h("button", { type: "button", class: "confusion-cell", data: { testid: `cell-${i}-${j}` }, on: { click: () => this.#open(i, j) } })));
    this.built = { matrix: [], cells };
    this.tableBox.replaceChildren(h("table", { class: "confusion", data: { testid: "confusion" } },
      h("caption", { class: "hidden-text", t: "confusion.title" }),
      h("thead", {}, h("tr", {}, h("td", { class: "corner", t: "confusion.corner" }), ...names.map((name) => h("th", { scope: "col" }, this.#heading(name))))),
      h("tbody", {}, ...names.map((name, i) => h("tr", {}, h("th", { scope: "row" }, this.#heading(name)), ...cells[i].map((cell) => h("td", {}, cell)))))));
  }

  /**
   * @param {number} label
   * @param {number} predicted
   */
  async #open(label, predicted) {
    const { data, store } = this.lab;
    const { lane } = this;
    try {
      const frame = await data.call("POST", "cell", { frame: true, json: { true: label, predicted, limit: FEW, ...(lane ? { lane } : {}) } });
      const { indices, split } = frame.meta;
      const { shape, values } = frame.arrays.images;
      this.digitsTitle.textContent = text("confusion.images", { n: count(indices.length), label: this.#class(label), predicted: this.#class(predicted) });
      this.digits.replaceChildren(...indices.map((/** @type {number} */ index, /** @type {number} */ i) => h("button", {
        type: "button", class: "digit", "aria-label": text(`board.${split}`, { n: index }), title: text(`board.${split}`, { n: index }), data: { testid: "digit" },
        on: { click: () => store.change({ image: { split, index }, label: null }, { how: "push", undo: true }) },
      }, pictureOf(values, shape, i))));
    } catch (error) {
      if (error instanceof GoneError) data.lost();
      else if (error instanceof ApiError) write(this.digitsTitle, () => error.message);
    }
  }

  table() {
    if (!this.shown) return;
    const names = this.shown.confusion.map((_, k) => this.#class(k));
    showTable({ title: text("confusion.title"), columns: names, rows: this.shown.confusion.map((row, i) => ({ name: names[i], cells: row })) });
  }
}

/**
 * @param {ArrayLike<number>} values images of bytes
 * @param {number[]} shape (n, H, W, C)
 * @param {number} i
 */
function pictureOf(values, [, ...shape], i) {
  const canvas = rawCanvas({ values, shape }, i * shape[0] * shape[1] * shape[2]);
  canvas.className = "picture";
  canvas.style.width = `${SIDE}px`;
  return canvas;
}
