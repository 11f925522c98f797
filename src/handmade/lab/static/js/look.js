/**
 * The view "look": one map enlarged, and beside it the receipt, the weights of a layer, or the contributions of pixels.
 *
 * Interface
 *   addTab({name, label, mount(root, lab), show(root, lab), hide(root, lab)})   another tab beside the receipt
 *   lab.look.open(name)   show a tab
 */
import { h } from "./dom.js";
import { registerView } from "./views.js";
import { Loupe } from "./loupe.js";
import { ReceiptPanel } from "./receipt.js";
import { WeightsPanel } from "./weights.js";
import { ContributionsPanel } from "./backward.js";

/** @typedef {{name: string, label: string, mount: (root: HTMLElement, lab: any) => any}} Tab */

/** @type {Tab[]} */
const tabs = [
  { name: "receipt", label: "tab.receipt", mount: (root, lab) => new ReceiptPanel(root, lab) },
  { name: "weights", label: "tab.weights", mount: (root, lab) => new WeightsPanel(root, lab) },
  { name: "pixels", label: "tab.pixels", mount: (root, lab) => new ContributionsPanel(root, lab) },
];

/** @param {Tab} tab */
export function addTab(tab) { tabs.push(tab); }

registerView("look", {
  order: 1,
  label: "view.look",
  mount(root, lab) {
    const loupe = h("div", { class: "loupe", id: "loupe" });
    const bar = h("div", { class: "tabs", role: "tablist", label: "tabs" });
    const bodies = h("div", { class: "tab-bodies" });
    root.append(loupe, h("div", { class: "tabbed" }, bar, bodies));
    lab.loupe = new Loupe(loupe, lab);
    /** @type {Map<string, {body: HTMLElement, button: HTMLElement, part: any, tab: Tab}>} */
    const shown = new Map();
    const open = (/** @type {string} */ name) => {
      for (const [other, entry] of shown) {
        const on = other === name;
        entry.button.setAttribute("aria-selected", String(on));
        entry.button.tabIndex = on ? 0 : -1;
        entry.body.hidden = !on;
        if (on && !entry.part) entry.part = entry.tab.mount(entry.body, lab) ?? true;
        if (on) entry.part.show?.();
        else if (entry.part) entry.part.hide?.();
      }
    };
    for (const tab of tabs) {
      const body = h("div", { class: "tab-body", role: "tabpanel", id: `tab-${tab.name}`, "aria-labelledby": `tab-button-${tab.name}`, tabindex: "0" });
      const button = h("button", {
        type: "button", role: "tab", t: tab.label, id: `tab-button-${tab.name}`, "aria-controls": `tab-${tab.name}`,
        data: { testid: `tab-${tab.name}` }, on: { click: () => open(tab.name) },
      });
      bar.append(button);
      bodies.append(body);
      shown.set(tab.name, { body, button, part: null, tab });
    }
    bar.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      const names = [...shown.keys()];
      const now = names.findIndex((name) => shown.get(name)?.button.tabIndex === 0);
      const name = names[(now + step + names.length) % names.length];
      open(name);
      shown.get(name)?.button.focus();
    });
    lab.look = { open };
    open("receipt");
  },
});
