/**
 * A text field for Python: numbers of lines, and keys of an editor.
 *
 * Tab indents by four spaces, or all selected lines; Shift+Tab takes them away; Enter keeps the indentation, and adds to it after ":";
 * Backspace takes four spaces of an indentation. After Escape, Tab and Shift+Tab leave the field.
 *
 * Interface
 *   new CodeField({note, input(text)}): .element, .area; .value; .goTo(line), .show(line); note is a text key
 */
import { h } from "./dom.js";

const INDENT = "    ";

export class CodeField {
  /** @param {{note: string, input: (text: string) => void}} options */
  constructor({ note, input }) {
    this.leaving = false;
    this.gutter = h("pre", { class: "gutter", "aria-hidden": "true" });
    this.area = /** @type {HTMLTextAreaElement} */ (h("textarea", {
      class: "code", wrap: "off", rows: 12, spellcheck: "false", autocapitalize: "off", autocomplete: "off", autocorrect: "off",
      translate: "no", "aria-describedby": "code-note", data: { testid: "code" },
      on: { input: () => { this.#number(); input(this.area.value); }, scroll: () => this.#follow(), keydown: (/** @type {KeyboardEvent} */ event) => this.#pressed(event) },
    }));
    this.element = h("div", { class: "code-field" }, this.gutter, this.area, h("p", { class: "note", id: "code-note", t: note }));
  }

  get value() { return this.area.value; }

  /** Take another text; the caret stays where it is, as far as that is possible. */
  set value(text) {
    if (text === this.area.value) return;
    const { selectionStart: start, selectionEnd: end, scrollTop } = this.area;
    this.area.value = text;
    this.area.setSelectionRange(start, end);
    this.area.scrollTop = scrollTop;
    this.#number();
  }

  /** Select a line and show it. @param {number} line from 1 */
  goTo(line) {
    const lines = this.area.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    this.area.focus();
    this.area.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
    this.show(line);
  }

  /** Scroll so that a line is in sight. @param {number} line */
  show(line) {
    const height = this.area.scrollHeight / Math.max(1, this.area.value.split("\n").length);
    this.area.scrollTop = Math.max(0, (line - 4) * height);
    this.area.scrollLeft = 0;
    this.#follow();
  }

  #number() {
    const count = this.area.value.split("\n").length;
    this.gutter.textContent = Array.from({ length: count }, (_, i) => i + 1).join("\n");
    this.#follow();
  }

  #follow() { this.gutter.scrollTop = this.area.scrollTop; }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const { key } = event;
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === "Escape") event.preventDefault();
    const leaving = this.leaving && key === "Tab";
    if (key !== "Shift") this.leaving = key === "Escape" || leaving;
    if (leaving) return;
    const done = key === "Tab" ? this.#indent(event.shiftKey) : key === "Enter" && !event.shiftKey ? this.#newLine() : key === "Backspace" && this.#unindent();
    if (done) event.preventDefault();
  }

  /** Indent the selected lines, or take the indentation away. @param {boolean} back */
  #indent(back) {
    const { value, selectionStart: start, selectionEnd: end } = this.area;
    const selected = value.slice(start, end);
    if (!back && !selected.includes("\n")) {
      const column = start - this.#lineStart(start);
      this.#insert(" ".repeat(4 - (column % 4)));
      return true;
    }
    const first = this.#lineStart(start);
    const ends = value.indexOf("\n", selected.endsWith("\n") ? end - 1 : end);
    const last = ends < 0 ? value.length : ends;
    const before = value.slice(first, last);
    const lines = before.split("\n");
    const after = lines.map((line) => (back ? line.replace(/^ {1,4}/, "") : line ? INDENT + line : line)).join("\n");
    if (after === before) return true;
    this.area.setSelectionRange(first, last);
    this.#insert(after);
    if (lines.length > 1) this.area.setSelectionRange(first, first + after.length);
    else this.area.setSelectionRange(Math.max(first, start + after.length - before.length), Math.max(first, start + after.length - before.length));
    return true;
  }

  #newLine() {
    const { value, selectionStart: start } = this.area;
    const line = value.slice(this.#lineStart(start), start);
    const spaces = /^ */.exec(line)?.[0] ?? "";
    this.#insert(`\n${spaces}${/:\s*(#.*)?$/.test(line) ? INDENT : ""}`);
    return true;
  }

  #unindent() {
    const { value, selectionStart: start, selectionEnd: end } = this.area;
    const line = value.slice(this.#lineStart(start), start);
    if (start !== end || !/^ {2,}$/.test(line)) return false;
    this.area.setSelectionRange(start - (line.length % 4 || 4), start);
    this.#insert("");
    return true;
  }

  /** @param {number} at */
  #lineStart(at) { return this.area.value.lastIndexOf("\n", at - 1) + 1; }

  /** Put a text in the place of the selection, as if it were typed: the browser's undo knows it. @param {string} text */
  #insert(text) {
    if (text ? document.execCommand("insertText", false, text) : document.execCommand("delete")) return;
    this.area.setRangeText(text, this.area.selectionStart, this.area.selectionEnd, "end");
    this.area.dispatchEvent(new Event("input"));
  }
}
