/**
 * The view "workbook": exercises, the student's code, and the verdict. It exists where the lab was started with a workbook.
 */
import { CodeField } from "./codefield.js";
import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { addKey } from "./keyboard.js";
import { message } from "./status.js";
import { languages, text } from "./text.js";
import { registerView } from "./views.js";
import { Workbook } from "./workbook.js";
import { TaskPanel } from "./workbooktask.js";
import { VerdictPanel } from "./workbookverdict.js";

const MARKS = /** @type {Record<string, string>} */ ({ passed: "✓", open: "·", gaveUp: "○" });

class WorkbookView {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    this.lab = lab;
    this.root = root;
    this.book = new Workbook(lab);
    this.opened = "";
    this.field = new CodeField({ note: "workbook.codeNote", input: (words) => this.book.edit(words) });
    this.task = new TaskPanel(this.book);
    this.verdict = new VerdictPanel(this.book, this.field, () => this.#next());
    this.summary = h("summary", { data: { testid: "progress" } });
    this.steps = h("ol", { class: "steps", data: { testid: "steps" } });
    this.list = h("details", { class: "step-list" }, this.summary, this.steps);
    this.milestones = h("details", { class: "milestones", data: { testid: "milestones" } });
    this.list.open = !matchMedia("(max-width: 1199px)").matches;
    this.file = h("span", { class: "file-name", data: { testid: "file" } });
    this.saved = h("span", { class: "note", data: { testid: "saved" } });
    const button = (/** @type {string} */ name, /** @type {() => any} */ run, kind = "") => h("button", { type: "button", class: kind, t: `workbook.${name}`, data: { testid: `step-${name}` }, on: { click: run } });
    this.check = button("check", () => this.book.check(), "main");
    this.hint = button("hint", () => this.#hint());
    this.reset = button("reset", () => this.#sure("reset", async () => this.#kept(await this.book.reset())));
    this.giveUp = button("giveUp", () => this.#sure("giveUp", () => this.book.giveUp()));
    this.problem = h("p", { class: "problem", role: "alert", data: { testid: "workbook-problem" } });
    this.choice = h("div", { class: "choice", role: "alert", data: { testid: "conflict" } }, h("p", { t: "workbook.conflict" }), h("p", { class: "button-row" },
      button("keepMine", () => this.book.check({ replace: true })), button("takeFile", () => this.book.takeFile())));
    const nav = h("nav", { class: "step-nav" }, this.list, this.milestones);
    /** Names for screen readers; as tooltips they would be in the way. @type {[HTMLElement, string][]} */
    this.names = [[nav, "workbook.steps"], [this.field.area, "workbook.code"], [this.verdict.element, "workbook.verdict"]];
    root.append(
      nav, this.task.element,
      h("section", { class: "step-code" }, h("p", { class: "file-line" }, this.file, this.saved), this.choice, this.field.element,
        h("div", { class: "button-row step-buttons" }, this.check, this.hint, this.reset, this.giveUp), this.problem, this.verdict.element));
    root.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#pressed(event));
    this.book.addEventListener("list", () => this.drawList());
    this.book.addEventListener("text", () => this.#drawText());
    this.book.addEventListener("step", () => { this.task.draw(); this.drawList(); });
    this.book.addEventListener("state", () => this.draw());
    languages.addEventListener("change", () => { this.#name(); this.open(); });
    lab.data.addEventListener("back", () => { if (this.book.watching) this.open(); });
    lab.store.subscribe((/** @type {any} */ state) => { if (state.view === "workbook" && state.step && state.step !== this.book.step?.name) this.open(); });
    this.#name();
    this.draw();
  }

  #name() { for (const [element, key] of this.names) element.setAttribute("aria-label", text(key)); }

  async open() {
    const wished = this.lab.store.state.step;
    const known = !wished || !this.book.list || this.book.list.steps.some((/** @type {any} */ each) => each.name === wished);
    await this.book.open(known ? wished : null);
    const { step } = this.book;
    if (step && this.lab.store.state.step === wished && wished !== step.name) this.lab.store.change({ step: step.name });
  }

  drawList() {
    const { list, step, drafts } = this.book;
    if (!list) return;
    this.summary.textContent = text("workbook.progress", { passed: list.passed, all: list.steps.length });
    this.milestones.replaceChildren(h("summary", { t: "workbook.milestones" }), ...list.milestones.map((/** @type {string[]} */ lines) => h("ul", {}, ...lines.map((line) => h("li", {}, line)))));
    const focused = document.activeElement?.closest(".steps [data-step]");
    this.steps.replaceChildren(...list.steps.map((/** @type {any} */ each) => h("li", {}, h("button", {
      type: "button", class: "step", "aria-current": each.name === step?.name ? "step" : null, data: { step: each.name, status: each.status },
      on: { click: () => this.lab.store.change({ step: each.name }, { how: "push" }) },
    }, h("span", { class: "mark", "aria-hidden": "true" }, MARKS[each.status]), h("span", { class: "step-name" }, `${each.number}. ${each.title}`),
    h("span", { class: "hidden-text" }, text(`workbook.status.${each.status}`)), drafts[`${list.folder}|${each.name}`] && h("span", { class: "muted", title: text("workbook.unsaved") }, "●")))));
    if (focused instanceof HTMLElement) /** @type {any} */ (this.steps.querySelector(`[data-step="${focused.dataset.step}"]`))?.focus();
  }

  draw() {
    const { busy, conflict, deleted, isUnsaved, list, problem, step } = this.book;
    this.root.classList.toggle("empty", !step);
    this.problem.textContent = problem?.message ?? "";
    if (!step) return;
    this.file.textContent = step.file;
    this.file.title = `${list?.folder ?? ""}/${step.file}`;
    this.saved.textContent = text(deleted ? "workbook.deleted" : isUnsaved ? "workbook.unsaved" : "workbook.saved");
    this.choice.hidden = !conflict;
    const left = step.all_hints - step.hints.length;
    this.hint.disabled = !!busy || !left;
    for (const each of [this.reset, this.giveUp]) each.disabled = !!busy;
    this.giveUp.hidden = step.status !== "open";
    this.check.disabled = !!busy || conflict;
    this.verdict.draw();
  }

  #drawText() {
    const { step, text: words } = this.book;
    this.field.value = words;
    if (this.opened === step.name) return;
    this.opened = step.name;
    this.field.area.setSelectionRange(0, 0);
    this.field.show(Math.max(1, words.split("\n").findIndex((/** @type {string} */ line) => line.startsWith("def ")) + 1));
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const wished = event.key === "Enter" || event.key.toLowerCase() === "s";
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || !wished || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    this.book.check();
  }

  async #hint() {
    await this.book.hint();
    this.task.showHint();
  }

  /** Open the first open step after this one, or before it. */
  #next() {
    const { list, step } = this.book;
    const at = list.steps.findIndex((/** @type {any} */ each) => each.name === step.name);
    const next = [...list.steps.slice(at + 1), ...list.steps.slice(0, at)].find((each) => each.status === "open");
    if (!next) return;
    this.lab.store.change({ step: next.name }, { how: "push" });
    this.task.title.focus();
  }

  /** @param {any} answer */
  #kept(answer) { if (answer?.backup) message(() => text("workbook.kept", { file: answer.backup })); }

  /**
   * Ask before something that cannot be taken back.
   * @param {string} name
   * @param {() => any} run
   */
  #sure(name, run) {
    const yes = h("button", { type: "button", t: `workbook.${name}`, data: { testid: `sure-${name}` }, on: { click: () => { dialog.close(); run(); } } });
    const dialog = openDialog({ title: `workbook.${name}Title`, body: [h("p", { t: `workbook.${name}Sure` }), h("p", { class: "button-row" }, yes, h("button", { type: "button", t: "workbook.cancel", on: { click: () => dialog.close() } }))] });
  }
}

if (document.documentElement.hasAttribute("data-workbook")) {
  addKey({ key: "Ctrl+S", shown: "Ctrl+S", text: "key.check" }); // the view itself listens for them, in its text field, too
  addKey({ key: "Ctrl+Enter", shown: "Ctrl+Enter", text: "key.check" });
  registerView("workbook", {
    order: 5,
    label: "view.workbook",
    alone: true,
    mount(root, lab) { lab.workbookView = new WorkbookView(root, lab); },
    show(_, lab) {
      lab.workbookView.book.watch(true);
      lab.workbookView.open();
    },
    hide(_, lab) { lab.workbookView.book.watch(false); },
  });
}
