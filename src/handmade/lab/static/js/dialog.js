/**
 * Dialogs.
 *
 * Interface
 *   openDialog({title: text key | name: text, body: [elements], wide}) -> the <dialog>; it closes by Esc, its button, a click beside it
 */
import { h } from "./dom.js";

let counter = 0;

/** @param {{title?: string, name?: string, body: any[], wide?: boolean, id?: string}} options */
export function openDialog({ title, name, body, wide = false, id }) {
  counter += 1;
  const heading = h("h2", { id: `dialog-${counter}`, t: title }, ...(name ? [name] : []));
  const dialog = /** @type {HTMLDialogElement} */ (h("dialog", {
    class: wide ? "wide" : "", "aria-labelledby": `dialog-${counter}`, id, data: { testid: "dialog" },
  }, h("div", { class: "dialog-head" }, heading, h("button", { type: "button", class: "icon", label: "close", on: { click: () => dialog.close() } }, "×")),
    h("div", { class: "dialog-body" }, ...body)));
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
