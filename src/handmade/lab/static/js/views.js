/**
 * Views of the lab: look, nudge, train, quiz, workbook. Each fills the panel below the network.
 *
 * Interface, for a new view
 *   registerView("nudge", {
 *     order: 2,                         position of its button
 *     label: "view.nudge",              text key of its button
 *     alone: true,                      the network, the board and the answer are hidden beside it
 *     mount(root, lab) {},              called once, when it is first shown; root is an empty element of the panel
 *     show(root, lab) {}, hide(root, lab) {},   called when it is shown and hidden
 *   })
 *   Import the module of the view in main.js. `lab` is {store, data, focus, strip, overlay, views, receipts}.
 *   The view that is shown is store.state.view; a state that names a view that is not registered shows "look".
 */
import { applyText } from "./text.js";
import { byId, h } from "./dom.js";

/**
 * @typedef {{order: number, label: string, alone?: boolean, mount: (root: HTMLElement, lab: any) => void,
 *   show?: (root: HTMLElement, lab: any) => void, hide?: (root: HTMLElement, lab: any) => void}} View
 */

/** @type {Map<string, View>} */
const views = new Map();

/**
 * @param {string} name
 * @param {View} view
 */
export function registerView(name, view) { views.set(name, view); }

export class Views {
  /** @param {any} lab */
  constructor(lab) {
    this.lab = lab;
    /** @type {Map<string, HTMLElement>} */
    this.roots = new Map();
    /** @type {string|null} */
    this.current = null;
    const nav = byId("views");
    const sorted = [...views].sort(([, a], [, b]) => a.order - b.order);
    nav.replaceChildren(...sorted.map(([name, view]) => h("button", {
      type: "button", t: view.label, data: { view: name, testid: `view-${name}` },
      on: { click: () => lab.store.change({ view: name }, { how: "push" }) },
    })));
    nav.hidden = sorted.length < 2;
    lab.store.subscribe(() => this.show());
  }

  show() {
    const wished = this.lab.store.state.view;
    const name = views.has(wished) ? wished : "look";
    if (name === this.current) return;
    const panel = byId("panel");
    const old = this.current && this.roots.get(this.current);
    if (old && this.current) {
      old.hidden = true;
      views.get(this.current)?.hide?.(old, this.lab);
    }
    this.current = name;
    byId("lab").dataset.view = name;
    byId("lab").toggleAttribute("data-alone", !!views.get(name)?.alone);
    for (const button of byId("views").children) button.setAttribute("aria-pressed", String(button.dataset.view === name));
    const view = /** @type {View} */ (views.get(name));
    let root = this.roots.get(name);
    if (!root) {
      root = /** @type {HTMLElement} */ (h("div", { class: "view", id: `view-${name}` }));
      this.roots.set(name, root);
      panel.append(root);
      view.mount(root, this.lab);
      applyText(root);
    }
    root.hidden = false;
    view.show?.(root, this.lab);
  }
}
