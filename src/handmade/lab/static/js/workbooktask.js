/**
 * A step in words: title, equation, task, hints; and when it is passed or given up, the explanation, its picture and the solution.
 *
 * Interface
 *   new TaskPanel(book): .element; .draw(); .showHint()
 */
import { h } from "./dom.js";
import { codeLines, prose } from "./prose.js";
import { text } from "./text.js";
import { gridsOf } from "./workbookgrids.js";

export class TaskPanel {
  /** @param {import("./workbook.js").Workbook} book */
  constructor(book) {
    this.book = book;
    this.title = h("h2", { id: "step-title", tabindex: "-1", data: { testid: "step-title" } });
    this.task = h("div", { class: "prose" });
    this.hints = h("ol", { class: "step-hints", "aria-live": "polite", data: { testid: "hints" } });
    this.explained = h("section", { class: "explained", data: { testid: "explanation" } });
    this.element = h("section", { class: "step-task", tabindex: "0", "aria-labelledby": "step-title" }, this.title, this.task, this.hints, this.explained);
    this.drawn = "";
  }

  draw() {
    const { step } = this.book;
    const key = JSON.stringify([step.name, step.title, step.hints.length, !!step.explained, step.task]);
    if (key === this.drawn) return;
    const other = !this.drawn.startsWith(JSON.stringify([step.name]).slice(0, -1));
    this.drawn = key;
    this.title.textContent = `${step.number}. ${step.title}`;
    this.task.replaceChildren(h("pre", { class: "equation" }, ...codeLines(step.equation)), ...prose(step.task));
    if (other) this.hints.replaceChildren();
    this.hints.replaceChildren(...step.hints.map((/** @type {any[]} */ hint, /** @type {number} */ i) => h("li", { class: "prose" }, h("h3", {}, text("workbook.hintTitle", { n: i + 1, all: step.all_hints })), ...prose(hint))));
    this.explained.hidden = !step.explained;
    if (step.explained) this.explained.replaceChildren(...this.#explanation(step.explained));
    if (other) this.element.scrollTop = 0;
  }

  showHint() { this.hints.lastElementChild?.scrollIntoView({ block: "nearest" }); }

  /** @param {any} explained */
  #explanation({ text: trees, picture, solution }) {
    return [
      h("h3", { t: "workbook.explanation" }), h("figure", { class: "step-picture" }, gridsOf(picture)), h("div", { class: "prose" }, ...prose(trees)),
      h("details", { class: "solution" }, h("summary", { t: "workbook.solution" }), h("pre", { tabindex: "0", class: "listing", label: "workbook.solution" }, solution)),
    ];
  }
}
