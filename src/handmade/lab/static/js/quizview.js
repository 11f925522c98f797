/**
 * The view "predict": tools that cover numbers, the score, and a receipt of its own. quiz.js covers and checks.
 */
import { h } from "./dom.js";
import { find, inputNode, placeAt, roomOf, size } from "./places.js";
import { ReceiptPanel } from "./receipt.js";
import { count, languages, text } from "./text.js";
import { registerView } from "./views.js";

/** The toolbar of the view, and a receipt of its own. */
class QuizView {
  /**
   * @param {HTMLElement} element
   * @param {any} lab
   */
  constructor(element, lab) {
    this.lab = lab;
    this.picking = false;
    this.receipt = h("div", { class: "quiz-receipt" });
    this.score = h("p", { class: "score", role: "status", data: { testid: "score" } });
    const button = (/** @type {string} */ key, /** @type {() => void} */ run) => h("button", { type: "button", t: `quiz.${key}`, data: { testid: `quiz-${key}`, hint: `quiz.${key}Hint` }, on: { click: run } });
    this.pick = button("pick", () => this.#picking(!this.picking));
    this.note = h("p", { class: "note", t: "quiz.note" });
    this.hide = [button("value", () => this.#cover("value")), button("products", () => this.#cover("products")), button("all", () => this.#cover("all"))];
    this.show = button("reveal", () => lab.quiz.reveal());
    element.append(h("div", { class: "quiz-tools" }, button("task", () => this.task()), h("span", { class: "quiz-group", role: "group", label: "quiz.cover" }, h("span", { t: "quiz.cover" }), ...this.hide, this.pick), this.show, h("span", { class: "space" }), this.score,
      h("button", { type: "button", class: "plain", t: "quiz.reset", on: { click: () => lab.store.change({ score: { right: 0, wrong: 0 } }, { undo: true }) } })), this.note, this.receipt);
    this.panel = new ReceiptPanel(this.receipt, lab);
    this.receipt.addEventListener("click", (/** @type {MouseEvent} */ event) => this.#clicked(event), true);
    lab.store.subscribe(() => this.draw());
    languages.addEventListener("change", () => this.draw());
    this.draw();
  }

  draw() {
    const { score, covered, focus } = this.lab.store.state;
    this.score.textContent = text("quiz.score", { right: count(score.right), wrong: count(score.wrong) });
    for (const each of [...this.hide, this.pick]) each.disabled = !focus;
    this.show.disabled = !covered.length;
    this.pick.setAttribute("aria-pressed", String(this.picking));
  }

  /** @param {boolean} on */
  #picking(on) {
    this.picking = on;
    this.receipt.classList.toggle("picking", on);
    this.draw();
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    if (!this.picking || !(event.target instanceof Element)) return;
    const element = /** @type {HTMLElement|null} */ (event.target.closest("[data-value-place], [data-key]"));
    const key = element?.dataset.valuePlace ?? element?.dataset.key;
    if (!key || element?.classList.contains("covered")) return;
    event.preventDefault();
    event.stopPropagation();
    this.lab.quiz.add([key]);
  }

  /** @param {"value"|"products"|"all"} kind */
  #cover(kind) {
    const keys = [];
    for (const article of this.receipt.querySelectorAll("[data-receipt]")) {
      const elements = /** @type {HTMLElement[]} */ ([...article.querySelectorAll("[data-value-place], [data-key]")]);
      const place = /** @type {HTMLElement} */ (article).dataset.receipt ?? "";
      if (kind !== "products") keys.push(place);
      if (kind === "products") keys.push(...elements.map(({ dataset }) => dataset.key ?? ""));
      if (kind === "all") keys.push(...elements.map(({ dataset }) => dataset.valuePlace ?? dataset.key ?? ""));
    }
    this.lab.quiz.add(keys.filter(Boolean));
  }

  /** Pin a random number of a random layer, and cover it. */
  async task() {
    const { data, focus, quiz } = this.lab;
    const { network, image } = data;
    if (!network || !image) return;
    // A layer of maps with settings computes something from few numbers: a kernel, a window, a slope.
    const nodes = network.nodes.filter((/** @type {any} */ node) => node.shape.length === 3 && Object.keys(node.settings).length > 0 && image.arrays[`act:${node.name}`]);
    const node = nodes.length ? nodes[Math.floor(Math.random() * nodes.length)] : network.nodes.at(-1) ?? inputNode(network);
    const values = image.arrays[`act:${node.name}`].values;
    let offset = 0;
    for (let tries = 0; tries < 200; tries++) {
      offset = Math.floor(Math.random() * size(node.shape));
      if (Math.abs(values[offset]) > 0.01) break;
    }
    const place = placeAt(roomOf(network, node), node.shape, offset, this.lab.store.state.direction === "backward");
    if (!find(network, place)) return;
    quiz.task(place);
    if (place !== this.lab.store.state.focus) focus.pin(place);
    quiz.refresh();
  }
}

registerView("quiz", {
  order: 4,
  label: "view.quiz",
  mount(element, lab) { lab.quizView = new QuizView(element, lab); },
  show(_, lab) { lab.quizView.panel.refresh(); },
});
