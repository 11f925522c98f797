/**
 * Fields over the covered values of receipts: the reader types a value, and it is checked; quizview.js has the view, cover.js the rest of the page.
 *
 * Interface
 *   startQuiz(lab)           covers values in every receipt (event "rendered" of lab.receipts); lab.quiz has add(keys), task(place), reveal()
 *   store.state.covered      places ("conv1[3,4,0]") and products ("conv1.W[0,1,0,3] × input[5,7,0]"); store.state.score: {right, wrong}
 */
import { h } from "./dom.js";
import { hintOf, isRight, parseNumber } from "./judge.js";
import { productKey } from "./terms.js";
import { count, exact, text } from "./text.js";

/** What was typed into fields that are still covered, by receipt and key. @type {Map<string, {typed: string, right: boolean, hint: string}>} */
const typed = new Map();
/** What is being typed and not answered yet, by receipt and key: it stays if the receipt is rendered again. @type {Map<string, string>} */
const drafts = new Map();
/** Receipt and key of the field that has the focus. */
let active = "";

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
   * Put fields over the covered values of a receipt, and hide all that would tell them.
   * @param {{root: HTMLElement, receipt: any, place: string}} shown
   */
  cover({ root, receipt, place }) {
    const { cover } = this.lab;
    const numbers = /** @type {HTMLElement[]} */ ([...root.querySelectorAll("[data-value-place], [data-key]")]);
    for (const element of numbers) {
      if (!cover.places.has(keyOf(element)) && typed.get(`${place} ${keyOf(element)}`)?.right) element.classList.add("guessed");
    }
    if (!cover.any) return;
    const byKey = new Map(products(receipt.total ?? {}).map((term) => [productKey(term), term]));
    /** @type {Set<string>} */
    const fields = new Set();
    /** @type {Set<string>} */
    const told = new Set([...cover.numbers()].filter((value) => value).map(exact));
    let any = false;
    for (const element of numbers) {
      const key = keyOf(element);
      const value = Number(element.dataset.value);
      const covered = cover.places.has(key);
      if (!covered && !cover.hides(element.dataset.valuePlace, value)) continue;
      any = true;
      if (value) told.add(exact(value));
      conceal(element);
      if (covered && !fields.has(key)) this.#field(element, key, value, { receipt, place, term: byKey.get(key) });
      else element.replaceChildren("?");
      fields.add(key);
    }
    const concealed = cover.hides(place, receipt.value);
    if (!any && !concealed) return;
    if (concealed && receipt.sum) told.add(exact(receipt.sum)).add(exact(receipt.value));
    hideTold(root, told, concealed);
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
   * @param {number} value
   * @param {{receipt: any, place: string, term: any}} about
   */
  #field(element, key, value, { receipt, place, term }) {
    const stored = `${place} ${key}`;
    const before = typed.get(stored);
    const field = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", class: "guess", "aria-label": text("quiz.field", { place: key }), data: { testid: "guess", guess: key } });
    field.value = drafts.get(stored) ?? before?.typed ?? "";
    field.addEventListener("input", () => { drafts.set(stored, field.value); });
    field.addEventListener("focus", () => { active = stored; });
    // A field that is replaced while somebody types loses the focus and fires "change", too: that is no answer.
    const later = (/** @type {() => void} */ run) => setTimeout(() => { if (field.isConnected) run(); });
    field.addEventListener("blur", () => later(() => { if (active === stored) active = ""; }));
    if (active === stored) later(() => field.focus());
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
      drafts.delete(stored);
      show(result);
      this.lab.status.say(`${key}: ${text(result.right ? "quiz.right" : "quiz.wrong")} ${result.hint}`);
      this.#hints(field.closest("[data-receipt]")?.querySelector(".hints"), place);
      this.#score(key, result.right);
    };
    field.addEventListener("change", () => later(answer));
    field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      event.stopPropagation();
      if (event.key === "Escape") field.blur();
      if (event.key !== "Enter") return;
      event.preventDefault();
      const all = /** @type {HTMLElement[]} */ ([...(element.closest(".receipt-row")?.querySelectorAll(".guess") ?? [])]);
      const next = all[all.indexOf(field) + 1]?.dataset.guess;
      const host = element.closest(".receipts");
      answer();
      setTimeout(() => {
        if (document.activeElement !== field && document.activeElement !== document.body) return; // somebody types elsewhere by now
        /** @type {HTMLElement|null} */ ([...(host?.querySelectorAll(".guess") ?? [])].find((each) => /** @type {HTMLElement} */ (each).dataset.guess === next))?.focus();
      }, 60);
    });
    field.addEventListener("click", (/** @type {Event} */ event) => event.stopPropagation());
    const holder = h("span", { class: "covered-value", data: { testid: "covered" } }, field, hint);
    if (element.tagName === "BUTTON") element.replaceWith(h("span", { class: "cell covered", data: { key } }, holder));
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
    for (const answers of [typed, drafts]) for (const key of answers.keys()) if (keys.some((each) => key.endsWith(each))) answers.delete(key);
    this.lab.store.change({ covered: all }, { how: "push", undo: true });
  }

  /** Cover one number alone, as a new task. @param {string} place */
  task(place) {
    typed.clear();
    drafts.clear();
    this.lab.store.change({ covered: [place] });
  }

  reveal() {
    typed.clear();
    drafts.clear();
    this.lab.store.change({ covered: [] }, { how: "push", undo: true });
  }
}

/** @param {HTMLElement} element */
const keyOf = ({ dataset }) => dataset.valuePlace ?? dataset.key ?? "";

/** Take everything that tells a number from its element. @param {HTMLElement} element */
function conceal(element) {
  element.removeAttribute("title");
  delete element.dataset.value;
  element.classList.add("covered");
  element.style.backgroundColor = "";
  element.style.color = "";
}

/**
 * Hide the parts of a receipt from which a covered number could be read.
 * @param {HTMLElement} root
 * @param {Set<string>} told exact digits of the numbers
 * @param {boolean} concealed true if the receipt's own number is covered
 */
function hideTold(root, told, concealed) {
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[title]"))) {
    if (element.matches("input") || !told.has(element.title)) continue;
    element.textContent = element.textContent?.startsWith("=") ? "= ?" : "?";
    conceal(element);
  }
  for (const element of root.querySelectorAll(".bar, .fine-print, .formula b")) element.remove();
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (root.querySelectorAll("[data-copies]"))) {
    button.disabled = true;
    button.title = text("quiz.noCopy");
  }
  if (!concealed) return;
  for (const element of root.querySelectorAll("[data-testid=sum], .products tfoot td, .channel h4 .value, .sum-line b, .tree .wins .value")) {
    if (element.querySelector("input") || element.childElementCount) continue;
    element.textContent = element.textContent?.startsWith("=") ? "= ?" : element.textContent ? "?" : "";
    element.removeAttribute("title");
  }
  for (const element of root.querySelectorAll(".readers, .story, .change-line")) element.remove();
}

/** @param {any} lab */
export function startQuiz(lab) { lab.quiz = new Quiz(lab); }
