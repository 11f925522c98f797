/**
 * Edits of weights: their list, and the accuracy of the network with them on the first test images.
 *
 * Interface
 *   new Edits(root, lab)     follows the state; the accuracy is asked for when the tab is open
 */
import { ApiError, GoneError } from "./api.js";
import { h } from "./dom.js";
import { write } from "./said.js";
import { count, languages, percent, precise, text } from "./text.js";

export class Edits {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    this.root = root;
    this.lab = lab;
    this.line = h("p", { class: "accuracy-line", role: "status", data: { testid: "edits-accuracy" } });
    this.list = h("ul", { class: "edits", data: { testid: "edits-list" } });
    this.all = h("button", { type: "button", class: "plain", t: "edits.removeAll", on: { click: () => this.#keep([]) } });
    this.empty = h("p", { class: "empty-text", t: "edits.none" });
    root.append(this.line, this.empty, this.list, this.all);
    /** Accuracy of the network without edits, by its source. @type {Map<string, number>} */
    this.plain = new Map();
    this.key = "";
    this.turn = 0;
    const again = () => { if (root.offsetParent) this.show(); };
    lab.data.addEventListener("image", again);
    languages.addEventListener("change", () => { this.key = ""; again(); });
    lab.data.addEventListener("network", () => { this.key = ""; again(); });
    lab.store.subscribe((/** @type {any} */ state, /** @type {any} */ old) => { if (state.edits !== old.edits) again(); });
  }

  /** @param {any[]} edits */
  #keep(edits) { this.lab.store.change({ edits }, { how: "push", undo: true }); }

  show() {
    const { edits } = this.lab.store.state;
    this.list.replaceChildren(...edits.map((/** @type {any} */ edit, /** @type {number} */ i) => h("li", {}, h("span", {}, `${edit.at} ${edit.step < 0 ? "−" : "+"} ${precise(Math.abs(edit.step))}`), " ",
      h("button", { type: "button", class: "icon small", "aria-label": text("edits.remove", { place: edit.at }), title: text("edits.remove", { place: edit.at }), on: { click: () => this.#keep(edits.filter((/** @type {any} */ _, /** @type {number} */ k) => k !== i)) } }, "×"))));
    this.all.hidden = edits.length < 2;
    this.empty.hidden = edits.length > 0;
    this.#measure();
  }

  async #measure() {
    const { data, store } = this.lab;
    const { edits, source, seed } = store.state;
    const network = JSON.stringify([source, seed]);
    const key = JSON.stringify([network, edits, data.version]);
    if (key === this.key || !data.pageId) return;
    if (JSON.stringify(edits) !== data.steps.sent.edits) return; // the server has them soon, and then there is an event "image"
    this.key = key;
    if (!data.network?.fits_data) {
      this.line.textContent = text("edits.noData");
      return;
    }
    this.turn += 1;
    const { turn } = this;
    this.line.classList.add("waiting");
    try {
      const answer = await data.call("GET", "accuracy");
      if (turn !== this.turn) return;
      if (!edits.length) this.plain.set(network, answer.accuracy);
      const before = this.plain.get(network);
      const change = edits.length && before !== undefined ? ` (${text("edits.before", { accuracy: percent(before) })})` : "";
      this.line.textContent = text("edits.accuracy", { n: count(answer.images), right: count(answer.right), accuracy: percent(answer.accuracy), loss: precise(answer.loss) }) + change;
      this.line.classList.remove("waiting");
    } catch (error) {
      if (error instanceof GoneError) data.lost();
      else if (error instanceof ApiError && error.code === "stale") this.key = "";
      else if (error instanceof ApiError) write(this.line, () => error.message);
    }
  }
}
