/**
 * Keys of the page, and the sheet that lists them.
 *
 * Interface
 *   addKey({key, shift, control, alone, text: "key.name", when(lab, target), run(lab)})   another key; alone: where the network is hidden, too; single letters are off in text fields and can be switched off
 *   startKeyboard(lab); showKeys()
 */
import { openDialog } from "./dialog.js";
import { byId, h } from "./dom.js";
import { turn } from "./backward.js";
import { text } from "./text.js";

const STORED = "handmade.lab.letters";

/** @typedef {{key: string, shown?: string, shift?: boolean, control?: boolean, alone?: boolean, text: string,
 *   when?: (lab: any, target: HTMLElement) => boolean, run?: (lab: any) => void}} Key */

/** @type {Key[]} */
const keys = [
  { key: "Tab", text: "key.tab" },
  { key: "Arrows", shown: "← ↑ → ↓", text: "key.arrows" },
  { key: "PageUp/Down", shown: "PgUp PgDn", text: "key.map" },
  { key: "[", text: "key.previousLayer", run: (lab) => layer(lab, -1) },
  { key: "]", text: "key.nextLayer", run: (lab) => layer(lab, 1) },
  { key: "Enter", text: "key.pin" },
  { key: "Shift+Enter", text: "key.second" },
  { key: "Escape", shown: "Esc", text: "key.unpin", run: (lab) => lab.focus.unpin() },
  { key: "Backspace", shown: "⌫", text: "key.trail", run: (lab) => lab.focus.back() },
  { key: "f", text: "key.forward", run: (lab) => turn(lab, "forward") },
  { key: "b", text: "key.backward", run: (lab) => turn(lab, "backward") },
  { key: "r", text: "key.random", run: (lab) => lab.board.random() },
  { key: "m", text: "key.mistake", run: (lab) => lab.board.mistake() },
  { key: "c", text: "key.clear", run: (lab) => lab.board.clear() },
  { key: "t", text: "key.table", run: (lab) => lab.loupe?.table() },
  { key: "/", text: "key.search", run: (lab) => lab.search() },
  { key: "?", alone: true, text: "key.help", run: () => showKeys() },
  { key: "z", control: true, shown: "Ctrl+Z", text: "key.undo", run: (lab) => lab.store.undo() },
  { key: "z", control: true, shift: true, shown: "Ctrl+Shift+Z", text: "key.redo", run: (lab) => lab.store.redo() },
  { key: "y", control: true, shown: "Ctrl+Y", text: "key.redo", run: (lab) => lab.store.redo() },
];

/** @param {Key} key */
export function addKey(key) { keys.push(key); }

function lettersAreOn() {
  try {
    return localStorage.getItem(STORED) !== "off";
  } catch {
    return true;
  }
}

/** @param {any} lab */
export function startKeyboard(lab) {
  addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const typing = target.matches("input:not([type=checkbox]):not([type=range]):not([type=radio]), textarea, select, [contenteditable]");
    const control = event.ctrlKey || event.metaKey;
    if (document.querySelector("dialog[open]") || event.defaultPrevented || event.altKey) return;
    if (typing && !control && event.key !== "Escape") return;
    const single = event.key.length === 1 && !control;
    if (single && !lettersAreOn()) return;
    const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const hidden = "alone" in byId("lab").dataset;
    const found = keys.find(({ key, control: needs = false, shift, alone, when }) => key === pressed && (alone || !hidden) && (!when || when(lab, target)) && needs === control && (!control || (shift ?? false) === event.shiftKey));
    if (!found?.run || (typing && control)) return;
    event.preventDefault();
    found.run(lab);
  });
}

/**
 * Move the keyboard to the map of another layer.
 * @param {any} lab
 * @param {number} by
 */
function layer(lab, by) {
  const figures = [...lab.strip.figures.values()];
  const now = figures.findIndex(({ view }) => view.canvas === document.activeElement);
  const at = now < 0 ? figures.findIndex(({ node }) => node.name === lab.loupe?.name) : now;
  const { view } = figures[Math.min(figures.length - 1, Math.max(0, at + by))];
  lab.strip.rove(view.canvas);
  view.canvas.focus();
}

export function showKeys() {
  const box = h("input", { type: "checkbox", on: { change: () => { try { localStorage.setItem(STORED, box.checked ? "on" : "off"); } catch { /* Storage may be off. */ } } } });
  box.checked = lettersAreOn();
  openDialog({
    title: "key.title", id: "cheat-sheet",
    body: [
      h("p", { t: "key.mouse" }),
      h("table", { class: "keys" }, h("tbody", {}, ...keys.map((key) => h("tr", {}, h("td", {}, h("kbd", {}, key.shown ?? key.key)), h("td", {}, text(key.text)))))),
      h("label", { class: "check" }, box, h("span", { t: "key.letters" })),
    ],
  });
}
