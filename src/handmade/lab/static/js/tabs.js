/**
 * Tabs: a list of buttons and one body, each mounted when it is first opened.
 *
 * Interface
 *   makeTabs(lab, [{name, label, mount(root, lab) -> part}], prefix) -> {element, open(name), current(), part(name)}
 *     part.show() and part.hide() are called if there are such; the ids are "tab-<prefix><name>"
 */
import { h } from "./dom.js";

/** @typedef {{name: string, label: string, mount: (root: HTMLElement, lab: any) => any}} Tab */

/**
 * @param {any} lab
 * @param {Tab[]} tabs
 * @param {string} [prefix]
 */
export function makeTabs(lab, tabs, prefix = "") {
  const bar = h("div", { class: "tabs", role: "tablist", label: "tabs" });
  const bodies = h("div", { class: "tab-bodies" });
  /** @type {Map<string, {body: HTMLElement, button: HTMLElement, part: any, tab: Tab}>} */
  const entries = new Map();
  let current = "";
  const open = (/** @type {string} */ name) => {
    current = name;
    for (const [other, entry] of entries) {
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
    const id = `${prefix}${tab.name}`;
    const body = h("div", { class: `tab-body ${tab.name}-tab`, role: "tabpanel", id: `tab-${id}`, "aria-labelledby": `tab-button-${id}`, tabindex: "0" });
    const button = h("button", {
      type: "button", role: "tab", t: tab.label, id: `tab-button-${id}`, "aria-controls": `tab-${id}`,
      data: { testid: `tab-${id}` }, on: { click: () => open(tab.name) },
    });
    bar.append(button);
    bodies.append(body);
    entries.set(tab.name, { body, button, part: null, tab });
  }
  bar.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const names = [...entries.keys()];
    const name = names[(names.indexOf(current) + step + names.length) % names.length];
    open(name);
    entries.get(name)?.button.focus();
  });
  return {
    element: h("div", { class: "tabbed" }, bar, bodies), open, current: () => current,
    part: (/** @type {string} */ name) => entries.get(name)?.part,
  };
}
