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
import { makeTabs } from "./tabs.js";
import { WeightsPanel } from "./weights.js";
import { ContributionsPanel } from "./backward.js";

/** @typedef {import("./tabs.js").Tab} Tab */

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
    const { element, open } = makeTabs(lab, tabs);
    root.append(loupe, element);
    lab.loupe = new Loupe(loupe, lab);
    lab.look = { open };
    open("receipt");
  },
});
