/**
 * The view "predict": values of a receipt are covered; the reader types them, and each is checked; then they are revealed.
 *
 * Interface
 *   startQuiz(lab)           covers values in every receipt (event "rendered" of lab.receipts)
 *   isRight(guess, value, terms, product); hintOf(guess, value, known)
 *   store.state.covered      places ("conv1[3,4,0]") and products ("conv1.W[0,1,0,3] × input[5,7,0]"); store.state.score: {right, wrong}
 */
import { h } from "./dom.js";
import { find, inputNode, placeAt, roomOf, size } from "./places.js";
import { ReceiptPanel } from "./receipt.js";
import { count, languages, precise, text } from "./text.js";
import { productKey } from "./terms.js";
import { registerView } from "./views.js";

/** What was typed into fields that are still covered, by receipt and key. @type {Map<string, {typed: string, right: boolean, hint: string}>} */
const typed = new Map();

/** @param {string} words @returns {number} */
export function parseNumber(words) {
  const plain = words.trim().replaceAll("−", "-").replaceAll(" ", "").replace(",", ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : Number.NaN;
}

/** Half a unit of the last digit of a number as small cells show it: 2 decimals, or 3 significant digits. @param {number} x */
export function half(x) {
  const most = Math.abs(x);
  if (most === 0 || (most >= 0.01 && most < 100)) return 0.005;
  return 0.5 * 10 ** (Math.floor(Math.log10(most)) - 2);
}

/** @param {number} x rounded as it is shown */
const rounded = (x) => {
  const unit = 2 * half(x);
  return Math.round(x / unit) * unit;
};

/**
 * Return true if a typed number is the value, or what its shown factors or terms give.
 * @param {number} guess
 * @param {number} value
 * @param {number[]} [terms] of a sum, or the two factors of a product
 * @param {boolean} [product]
 */
export function isRight(guess, value, terms = [], product = false) {
  const slack = half(value) * 1.001;
  if (Math.abs(guess - value) <= slack) return true;
  if (!terms.length) return false;
  const fromShown = product ? terms.reduce((a, b) => a * rounded(b), 1) : terms.reduce((a, b) => a + rounded(b), 0);
  return Math.abs(guess - fromShown) <= slack;
}

/**
 * Name the mistake in a wrong answer.
 * @param {number} guess
 * @param {number} value
 * @param {{factors?: number[], bias?: number|null, before?: number|null}} known
 */
export function hintOf(guess, value, { factors = [], bias = null, before = null } = {}) {
  const near = (/** @type {number} */ x) => Math.abs(guess - x) <= Math.max(half(x), 0.005 * Math.abs(x));
  if (value !== 0 && near(-value)) return text("quiz.sign");
  if (value !== 0 && (near(10 * value) || near(value / 10) || near(100 * value) || near(value / 100))) return text("quiz.point");
  if (factors.length === 2 && near(factors[0] + factors[1])) return text("quiz.added");
  if (factors.length === 2 && factors.some((factor) => near(factor))) return text("quiz.factor");
  if (bias !== null && bias !== 0 && near(value - bias)) return text("quiz.bias");
  if (bias !== null && bias !== 0 && near(value - 2 * bias)) return text("quiz.biasSign");
  if (before !== null && value === 0 && near(before)) return text("quiz.relu");
  return text(guess > value ? "quiz.high" : "quiz.low", { by: precise(Math.abs(guess - value)) });
}

/** @param {any} term @returns {any[]} */
const terms = (term) => term?.parts ?? [];
/** @param {any} term @returns {any[]} */
const products = (term) => (term.how === "product" && terms(term).length === 2 && terms(term).every((/** @type {any} */ part) => !part.parts) ? [term] : terms(term).flatMap(products));

/** Covers values in receipts, and checks what is typed. */
export class Quiz {
  /** @param {any} lab */
  constructor(lab) {
    this.lab = lab;
    /** Receipts that are shown. @type {Set<{root: HTMLElement, receipt: any, place: string}>} */
    this.shown = new Set();
    lab.receipts.addEventListener("rendered", (/** @type {CustomEvent} */ event) => {
      for (const other of this.shown) if (!other.root.isConnected) this.shown.delete(other);
      this.shown.add(event.detail);
      this.cover(event.detail);
    });
    lab.store.subscribe((/** @type {any} */ state, /** @type {any} */ old) => { if (state.covered !== old.covered) this.refresh(); });
  }

  /** Render the receipts again, with what is covered now. */
  refresh() { this.lab.receipts.dispatchEvent(new Event("again")); }

  /**
   * Put fields over the covered values of a receipt.
   * @param {{root: HTMLElement, receipt: any, place: string}} shown
   */
  cover({ root, receipt, place }) {
    const covered = new Set(this.lab.store.state.covered);
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-value-place], [data-key]"))) {
      const key = element.dataset.valuePlace ?? element.dataset.key ?? "";
      if (!covered.has(key) && typed.get(`${place} ${key}`)?.right) element.classList.add("guessed");
    }
    if (!covered.size) return;
    const byKey = new Map(products(receipt.total ?? {}).map((term) => [productKey(term), term]));
    let any = false;
    /** @type {Set<string>} */
    const fields = new Set();
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-value-place], [data-key]"))) {
      const key = element.dataset.valuePlace ?? element.dataset.key ?? "";
      if (!covered.has(key)) continue;
      any = true;
      if (fields.has(key)) element.replaceChildren("?");
      else this.#field(element, key, { receipt, place, term: byKey.get(key) });
      fields.add(key);
      element.removeAttribute("title");
      element.classList.add("covered");
      element.style.backgroundColor = "";
      element.style.color = "";
    }
    if (!any) return;
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(".bar, .fine-print"))) element.hidden = true;
    if (covered.has(place)) {
      for (const element of root.querySelectorAll("[data-testid=sum], .products tfoot td, .channel h4 .value, .sum-line b, .tree .wins .value")) {
        if (element.querySelector("input") || element.childElementCount) continue;
        element.textContent = element.textContent?.startsWith("=") ? "= ?" : element.textContent ? "?" : "";
        element.removeAttribute("title");
      }
      for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(".readers, .story"))) element.hidden = true;
    }
    const hints = h("ul", { class: "hints" });
    root.append(hints);
    this.#hints(hints, place);
  }

  /**
   * List what is off in the wrong answers of a receipt.
   * @param {Element|null|undefined} list
   * @param {string} place
   */
  #hints(list, place) {
    const wrong = [...typed].filter(([key, { right }]) => !right && key.startsWith(`${place} `)).map(([key, { typed: guess, hint }]) =>
      h("li", {}, h("b", {}, `✗ ${key.slice(place.length + 1)}`), ` ${guess}: ${hint}`));
    list?.replaceChildren(...wrong);
  }

  /**
   * @param {HTMLElement} element
   * @param {string} key
   * @param {{receipt: any, place: string, term: any}} about
   */
  #field(element, key, { receipt, place, term }) {
    const value = Number(element.dataset.value);
    const stored = `${place} ${key}`;
    const before = typed.get(stored);
    const field = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", class: "guess", "aria-label": text("quiz.field", { place: key }), data: { testid: "guess", guess: key } });
    field.value = before?.typed ?? "";
    const hint = h("span", { class: "guess-hint" });
    const show = (/** @type {{right: boolean, hint: string}|undefined} */ result) => {
      field.classList.toggle("is-right", !!result?.right);
      field.classList.toggle("is-wrong", !!result && !result.right);
      field.setAttribute("aria-invalid", String(!!result && !result.right));
      hint.textContent = result ? `${result.right ? "✓" : "✗"} ${result.hint}`.trim() : "";
      field.title = result?.hint ?? "";
    };
    show(before);
    const answer = () => {
      const guess = parseNumber(field.value);
      if (field.value.trim() === "" || typed.get(stored)?.typed === field.value) return;
      if (Number.isNaN(guess)) {
        show({ right: false, hint: text("quiz.number") });
        return;
      }
      const result = this.#judge(guess, value, key, { receipt, place, term });
      typed.set(stored, { typed: field.value, ...result });
      show(result);
      this.lab.status.say(`${key}: ${text(result.right ? "quiz.right" : "quiz.wrong")} ${result.hint}`);
      this.#hints(field.closest("[data-receipt]")?.querySelector(".hints"), place);
      this.#score(key, result.right);
    };
    field.addEventListener("change", answer);
    field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      event.stopPropagation();
      if (event.key === "Escape") field.blur();
      if (event.key !== "Enter") return;
      event.preventDefault();
      const all = /** @type {HTMLElement[]} */ ([...(element.closest(".receipt-row")?.querySelectorAll(".guess") ?? [])]);
      const next = all[all.indexOf(field) + 1]?.dataset.guess;
      const host = element.closest(".receipts");
      answer();
      setTimeout(() => /** @type {HTMLElement|null} */ ([...(host?.querySelectorAll(".guess") ?? [])].find((each) => /** @type {HTMLElement} */ (each).dataset.guess === next))?.focus(), 60);
    });
    field.addEventListener("click", (/** @type {Event} */ event) => event.stopPropagation());
    const holder = h("span", { class: "covered-value", data: { testid: "covered" } }, field, hint);
    if (element.tagName === "BUTTON") element.replaceWith(h("span", { class: "cell covered", data: { key, value: element.dataset.value } }, holder));
    else element.replaceChildren(holder);
  }

  /**
   * @param {number} guess
   * @param {number} value
   * @param {string} key
   * @param {{receipt: any, place: string, term: any}} about
   */
  #judge(guess, value, key, { receipt, place, term }) {
    if (term) {
      const factors = terms(term).map((/** @type {any} */ part) => part.value);
      const right = isRight(guess, value, factors, true);
      return { right, hint: right ? "" : hintOf(guess, value, { factors }) };
    }
    const own = key === place;
    const total = own ? receipt.total : null;
    const parts = terms(total);
    const bias = parts.find((/** @type {any} */ part) => part.label === "bias" || /\.b\[/.test(part.place ?? ""))?.value ?? null;
    const before = total?.how === "largest" && parts.length === 2 ? Math.min(...parts.map((/** @type {any} */ part) => part.value)) : null;
    const leaves = total?.how === "sum" ? products(total) : [];
    const sums = leaves.length ? [...leaves.map((leaf) => leaf.value), ...(bias === null ? [] : [bias])] : total?.how === "sum" ? parts.map((/** @type {any} */ part) => part.value) : [];
    const right = isRight(guess, value, sums);
    return { right, hint: right ? "" : `${hintOf(guess, value, { bias, before })} ${this.#wrongProducts(place)}`.trim() };
  }

  /** Products of a receipt that were typed wrong. @param {string} place */
  #wrongProducts(place) {
    const wrong = [...typed].filter(([key, { right }]) => key.startsWith(`${place} `) && key.includes(" × ") && !right);
    return wrong.length ? text("quiz.wrongProducts", { n: count(wrong.length) }) : "";
  }

  /**
   * Count an answer; uncover what is right.
   * @param {string} key
   * @param {boolean} right
   */
  #score(key, right) {
    const { score, covered } = this.lab.store.state;
    this.lab.store.change({
      score: { right: score.right + Number(right), wrong: score.wrong + Number(!right) },
      covered: right ? covered.filter((/** @type {string} */ each) => each !== key) : covered,
    });
  }

  /** @param {string[]} keys */
  add(keys) {
    const { covered } = this.lab.store.state;
    const all = [...new Set([...covered, ...keys.filter((key) => key.length <= 200)])];
    for (const key of typed.keys()) if (keys.some((each) => key.endsWith(each))) typed.delete(key);
    this.lab.store.change({ covered: all }, { how: "push", undo: true });
  }

  reveal() {
    typed.clear();
    this.lab.store.change({ covered: [] }, { how: "push", undo: true });
  }
}


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
    typed.clear();
    this.lab.store.change({ covered: [place] });
    if (place !== this.lab.store.state.focus) focus.pin(place);
    quiz.refresh();
  }
}

/** @param {any} lab */
export function startQuiz(lab) { lab.quiz = new Quiz(lab); }

registerView("quiz", {
  order: 4,
  label: "view.quiz",
  mount(element, lab) { lab.quizView = new QuizView(element, lab); },
  show(_, lab) { lab.quizView.panel.refresh(); },
});
