/**
 * The verdict on a file: what was found first, the numbers, the checks that passed, failed or were not run, and what the code printed.
 *
 * Interface
 *   new VerdictPanel(book, field, next): .element; .draw(); next(): open the next step
 */
import { h } from "./dom.js";
import { text } from "./text.js";
import { gridsOf } from "./workbookgrids.js";

const MARKS = /** @type {Record<string, string>} */ ({ passed: "✓", failed: "✗", "not run": "·" });
const NAMES = /** @type {Record<string, string>} */ ({ passed: "workbook.passed", failed: "workbook.failed", "not run": "workbook.notRun" });

export class VerdictPanel {
  /**
   * @param {import("./workbook.js").Workbook} book
   * @param {import("./codefield.js").CodeField} field
   * @param {() => void} next
   */
  constructor(book, field, next) {
    this.book = book;
    this.field = field;
    this.next = next;
    /** @type {string|null} */
    this.drawn = null;
    this.said = h("div", { role: "status", class: "verdict-said", data: { testid: "exercise-verdict" } });
    this.rest = h("div", { class: "verdict-rest" });
    this.element = h("section", { class: "verdict", tabindex: "0" }, this.said, this.rest);
  }

  draw() {
    const { busy, step, isUnsaved } = this.book;
    const { verdict } = step;
    this.element.classList.toggle("waiting", busy === "check" || isUnsaved);
    if (busy === "check") {
      this.said.replaceChildren(h("p", { t: "workbook.checking" }));
      this.drawn = null;
      return;
    }
    const drawn = JSON.stringify(verdict);
    if (this.drawn === drawn) return;
    this.drawn = drawn;
    if (!verdict) {
      this.said.replaceChildren();
      this.rest.replaceChildren();
      return;
    }
    const { state, summary, finding, looks_like: looksLike } = verdict;
    const style = { passed: "right", failed: "wrong", unwritten: "muted" }[/** @type {"passed"} */ (state)];
    const mark = MARKS[state === "unwritten" ? "not run" : state];
    this.said.replaceChildren(...[
      h("p", { class: style, data: { testid: "verdict-summary" } }, h("span", { "aria-hidden": "true" }, `${mark} `), summary),
      ...finding.map((/** @type {string} */ line) => h("p", { class: "finding" }, line)),
      looksLike && h("p", { class: "looks-like", data: { testid: "looks-like" } }, looksLike),
    ].filter(Boolean));
    this.said.dataset.state = state;
    this.rest.replaceChildren(...this.#rest(verdict));
  }

  /** @param {any} verdict */
  #rest({ state, line, numbers, printed, cut, checks }) {
    const { list, step } = this.book;
    const hasNext = state === "passed" && list?.steps.some((/** @type {any} */ each) => each.status === "open" && each.name !== step.name);
    const shownLine = line && state !== "unwritten";
    return [
      (hasNext || shownLine) && h("p", { class: "button-row" },
        hasNext && h("button", { type: "button", class: "main", t: "workbook.next", data: { testid: "next-step" }, on: { click: this.next } }),
        shownLine && h("button", { type: "button", class: "plain", data: { testid: "go-to-line" }, on: { click: () => this.field.goTo(line) } }, text("workbook.goToLine", { line }))),
      numbers.length > 0 && h("div", { class: "verdict-numbers", data: { testid: "numbers" } }, gridsOf(numbers)),
      printed.trim() && h("details", { class: "printed", open: true }, h("summary", { t: "workbook.printed" }),
        h("pre", { class: "listing", tabindex: "0", label: "workbook.printed", data: { testid: "printed" } }, printed.trimEnd(), cut ? `\n${text("workbook.cut")}` : "")),
      h("ul", { class: "checks", data: { testid: "checks" } }, ...checks.map((/** @type {any} */ each) => h("li", { data: { status: each.status } },
        h("span", { class: "mark", "aria-hidden": "true" }, MARKS[each.status]), h("span", {}, each.name, " ", h("span", { class: "muted" }, `${text(NAMES[each.status])} · ${text("workbook.cases", { n: each.cases })}`))))),
    ].filter(Boolean);
  }
}
