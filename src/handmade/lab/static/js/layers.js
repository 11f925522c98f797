/**
 * Layers of a training: the root mean square of each layer's gradient over time, and the units that are 0 for a whole batch.
 *
 * Interface
 *   new Layers(root, lab): show() when its tab opens; follows the lane that is shown
 */
import { Chart } from "./chart.js";
import { h } from "./dom.js";
import { brief, count, languages, number, percent, text } from "./text.js";

const MOST = 2000; // points
const COLOURS = ["--positive", "--negative", "--target", "--second", "--select", "--muted"];
const DASHES = [undefined, [6, 4], [2, 3]];

export class Layers {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    this.root = root;
    this.lab = lab;
    /** History of each lane. @type {Record<string, {steps: number[], sizes: Map<string, (number|null)[]>, facts: any[]}>} */
    this.known = {};
    this.key = "";
    const box = h("div", { class: "layers-chart" });
    this.body = h("tbody");
    root.append(box, h("table", { class: "numbers", data: { testid: "layers" } }, h("caption", { class: "hidden-text", t: "layers.tab" }), h("thead", {}, h("tr", {},
      ...["layers.layer", "layers.gradient", "layers.dead"].map((key) => h("th", { scope: "col", t: key })))), this.body), h("p", { class: "note", t: "layers.note" }));
    const x = { label: "train.step", format: (/** @type {number} */ v) => number(v, { maximumFractionDigits: 0 }) };
    this.chart = new Chart(box, { lab, name: "layers.chart", testid: "layers-chart", x, y: { label: "", log: true, format: brief }, series: [] });
    lab.training.addEventListener("news", (/** @type {CustomEvent} */ event) => this.#take(event.detail));
    languages.addEventListener("change", () => this.show());
    for (const name of lab.training.names) this.#take(name);
  }

  /** @param {string} name */
  #take(name) {
    const news = this.lab.training.lanes[name]?.news;
    const facts = news?.layers ?? [];
    const known = this.known[name];
    if (!facts.length || news.step < (known?.steps.at(-1) ?? 0)) delete this.known[name]; // another training
    if (facts.length && facts[0].step !== this.known[name]?.steps.at(-1)) this.#add(name, facts);
    if (this.root.offsetParent) this.show();
  }

  /**
   * @param {string} name
   * @param {any[]} facts
   */
  #add(name, facts) {
    const known = (this.known[name] ??= { steps: [], sizes: new Map(), facts: [] });
    known.facts = facts;
    known.steps.push(facts[0].step);
    for (const { title, gradient } of facts) {
      if (gradient === null) continue;
      if (!known.sizes.has(title)) known.sizes.set(title, []);
      known.sizes.get(title)?.push(gradient);
    }
    if (known.steps.length <= MOST) return;
    const keep = (/** @type {any[]} */ list) => list.filter((_, i) => i % 2 === 0 || i === list.length - 1);
    known.steps = keep(known.steps);
    for (const [title, sizes] of known.sizes) known.sizes.set(title, keep(sizes));
  }

  show() {
    const { training } = this.lab;
    const { steps, sizes, facts } = this.known[training.followed ?? training.names[0] ?? "a"] ?? { steps: [], sizes: new Map(), facts: [] };
    const titles = [...sizes.keys()];
    const key = JSON.stringify([titles, document.documentElement.lang]);
    if (key !== this.key) {
      this.key = key;
      this.chart.change({ series: titles.map((label, i) => ({ label, colour: COLOURS[i % COLOURS.length], dash: DASHES[Math.floor(i / COLOURS.length) % DASHES.length], width: 1.5, value: brief })) });
    }
    this.chart.set([steps, ...titles.map((title) => sizes.get(title) ?? [])]);
    this.body.replaceChildren(...facts.map(({ title, gradient, dead, units }) => h("tr", { data: { layer: title } }, h("th", { scope: "row" }, title),
      h("td", { data: { value: gradient } }, gradient === null ? "" : brief(gradient)),
      h("td", { data: { value: dead } }, dead === null ? "" : text("layers.units", { n: count(Math.round(dead * units)), all: count(units), share: percent(dead) })))));
  }
}
