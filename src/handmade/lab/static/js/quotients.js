/**
 * The quotient's relative error against h: the textbook's V, and the exact difference, in float32 and float64.
 *
 * Interface
 *   new QuotientChart(root, lab)     follows lab.nudge; it is computed when its tab is open
 */
import { ApiError, GoneError } from "./api.js";
import { Chart } from "./chart.js";
import { h } from "./dom.js";
import { find } from "./places.js";
import { write } from "./said.js";
import { number, precise, text } from "./text.js";

const FLOOR = 1e-17; // an error of 0 on a logarithmic axis
const LOOK = /** @type {Record<string, [string, number[]|undefined]>} */ ({
  "textbook float32": ["--negative", [5, 4]], "textbook float64": ["--negative", undefined],
  "exact float32": ["--positive", [5, 4]], "exact float64": ["--positive", undefined],
});
const power = (/** @type {number} */ x) => number(x, { notation: "scientific", maximumSignificantDigits: 2 });

export class QuotientChart {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    this.root = root;
    this.lab = lab;
    this.key = "";
    this.note = h("p", { class: "note", data: { testid: "quotients-note" } });
    const box = h("div", { class: "fill-chart" });
    root.append(this.note, box);
    this.chart = new Chart(box, {
      lab, name: "nudge.v", testid: "quotients-chart", x: { label: "h", log: true, format: power }, y: { label: "nudge.error", log: true, format: power },
      series: Object.entries(LOOK).map(([label, [colour, dash]]) => ({ label: `nudge.${label.replace(" ", ".")}`, colour, dash, width: 2, value: power })),
    });
    for (const event of ["target", "moved"]) lab.nudge.addEventListener(event, () => { if (root.offsetParent) this.show(); });
  }

  async show() {
    const { nudge, data } = this.lab;
    const { at } = nudge;
    this.chart.mark(Math.abs(nudge.h));
    const isWeight = find(data.network, at)?.kind === "weight";
    const key = `${data.version} ${data.label} ${at}`;
    if (key === this.key) return;
    this.key = key;
    this.chart.set([[], [], [], [], []]);
    this.note.textContent = isWeight ? text("loading") : text("nudge.onlyWeights");
    if (!isWeight || !data.image) return;
    try {
      const answer = await data.call("POST", "quotients", { json: { at, label: data.label } });
      if (key === this.key) this.#draw(answer);
    } catch (error) {
      if (error instanceof GoneError) data.lost();
      else if (error instanceof ApiError) write(this.note, () => error.message);
    }
  }

  /** @param {any} answer */
  #draw({ h: steps, curves, derivative, on_kink: kink }) {
    const columns = Object.keys(LOOK).map((name) => {
      const curve = curves.find((/** @type {any} */ each) => `${each.method} ${each.dtype}` === name);
      return [...steps.keys()].map((i) => {
        const error = curve?.error[i];
        return error === null || error === undefined ? null : Math.max(error, FLOOR);
      }).reverse();
    });
    this.chart.set([[...steps].reverse(), ...columns]);
    this.note.textContent = text(kink ? "nudge.kink" : "nudge.derivative", { value: precise(derivative) });
  }
}
