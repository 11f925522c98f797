/**
 * Effects of a nudge: the probabilities before and after, and the ReLUs and pools that switch.
 *
 * Interface
 *   new Probabilities(root, lab), new Switches(root, lab): show() when their tab opens; they follow lab.nudge
 */
import { h } from "./dom.js";
import { brief, count, percent, text } from "./text.js";

/** Probabilities before and after. */
export class Probabilities {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    this.lab = lab;
    this.body = h("tbody");
    root.append(h("table", { class: "numbers probabilities", data: { testid: "nudge-probabilities" } }, h("thead", {}, h("tr", {}, h("th", { scope: "col", t: "nudge.class" }),
      ...["nudge.before", "nudge.after", "nudge.change"].map((key) => h("th", { scope: "col", t: key })), h("td"))), this.body));
    lab.nudge.addEventListener("moved", () => { if (root.offsetParent) this.show(); });
  }

  show() {
    const meta = this.lab.nudge.frame?.meta;
    const { network } = this.lab.data;
    const before = meta?.probabilities ?? [];
    const order = before.map((/** @type {number} */ _, /** @type {number} */ k) => k);
    if (order.length > 20) order.sort((/** @type {number} */ a, /** @type {number} */ b) => before[b] - before[a]).length = 20;
    this.body.replaceChildren(...order.map((/** @type {number} */ k) => {
      const after = meta?.probabilities_after[k];
      if (this.lab.cover.hides(`probability[${k}]`)) return h("tr", {}, h("th", { scope: "row" }, network.classes[k]), h("td", {}, "?"), h("td", {}, "?"), h("td", {}, "?"), h("td"));
      const fills = [before[k], after].map((p, i) => {
        const fill = h("span", { class: i ? "fill after" : "fill" });
        fill.style.inlineSize = `${100 * p}%`;
        return fill;
      });
      return h("tr", {}, h("th", { scope: "row" }, network.classes[k]), h("td", {}, percent(before[k], 2)), h("td", {}, percent(after, 2)),
        h("td", {}, brief(after - before[k])), h("td", { class: "bar-cell" }, h("span", { class: "track double" }, ...fills)));
    }));
  }
}

/** ReLUs and pools that take another branch. */
export class Switches {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    this.root = root;
    this.lab = lab;
    lab.nudge.addEventListener("moved", () => { if (root.offsetParent) this.show(); });
  }

  show() {
    const { network } = this.lab.data;
    const { focus } = this.lab;
    const switches = this.lab.nudge.frame?.meta.switches ?? [];
    if (!switches.length) {
      this.root.replaceChildren(h("p", { class: "empty-text" }, text("nudge.noSwitch")));
      return;
    }
    this.root.replaceChildren(h("p", { class: "note" }, text("nudge.switchNote")), ...switches.map((/** @type {any} */ { node, count: all, places }) => {
      const info = network.nodes.find((/** @type {any} */ each) => each.name === node);
      const shown = places.slice(0, 60).map((/** @type {number[]} */ index) => {
        const place = `${info.title}[${index.join(",")}]`;
        return h("button", { type: "button", class: "link place", data: { place }, on: { pointerenter: () => focus.hover(place), pointerleave: () => focus.leave(), focus: () => focus.hover(place), blur: () => focus.leave() } }, `[${index.join(",")}]`);
      });
      return h("section", { class: "switches", data: { testid: `switches-${node}` } }, h("h4", {}, `${info.title}: ${text("nudge.switched", { n: count(all) })}`), h("p", {}, ...shown.flatMap((/** @type {any} */ each) => [each, " "]), all > shown.length ? "…" : ""));
    }));
  }
}
