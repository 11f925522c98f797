/**
 * The loss against the nudged number: its curve, the secant through w and w + h, the tangent at w.
 *
 * Interface
 *   new LossChart(root, lab)     follows lab.nudge
 */
import { ApiError, GoneError } from "./api.js";
import { Chart } from "./chart.js";

const SIDE = 16; // points of the curve on each side of w
const IDLE = 120; // ms without another nudge before the curve is computed
const SPAN = 1.6; // of h, on each side

export class LossChart {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    this.lab = lab;
    /** Losses by their distance from w. @type {Map<number, number>} */
    this.curve = new Map();
    this.key = "";
    /** @type {any} */
    this.timer = 0;
    this.chart = new Chart(root, {
      lab, name: "nudge.chart", testid: "nudge-chart", x: { label: "nudge.w" }, y: { label: "nudge.loss" },
      series: [
        { label: "nudge.curve", colour: "--ink", width: 1.5 },
        { label: "nudge.secant", colour: "--negative", width: 2 },
        { label: "nudge.tangent", colour: "--positive", width: 2, dash: [6, 4] },
        { label: "nudge.points", colour: "--select", line: false, points: 8 },
      ],
    });
    lab.nudge.addEventListener("moved", () => this.draw());
    lab.nudge.addEventListener("target", () => this.draw());
  }

  draw() {
    const { frame, at, h: step } = this.lab.nudge;
    const meta = frame?.meta;
    if (!meta || meta.loss === null || this.lab.cover.hidesNudge(at, meta.before)) {
      this.chart.set([[], [], [], [], []]);
      return;
    }
    const key = `${this.lab.data.version} ${this.lab.data.label} ${at} ${Math.abs(step)}`;
    if (key !== this.key) {
      this.key = key;
      this.curve = new Map();
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.#sample(key), IDLE);
    }
    const own = new Map([[-step, meta.loss_minus], [0, meta.loss], [step, meta.loss + meta.dL]]);
    const side = SPAN * Math.abs(step);
    const shifts = [...new Set([...this.curve.keys(), ...own.keys(), -side, side])].sort((a, b) => a - b);
    this.chart.set([
      shifts.map((d) => meta.before + d),
      shifts.map((d) => own.get(d) ?? this.curve.get(d) ?? null),
      shifts.map((d) => meta.loss + meta.secant * d),
      shifts.map((d) => (meta.tangent === null ? null : meta.loss + meta.tangent * d)),
      shifts.map((d) => own.get(d) ?? null),
    ]);
  }

  /** Losses at more distances, from the server. @param {string} key */
  async #sample(key) {
    const { data, nudge } = this.lab;
    const { at, h: step } = nudge;
    const size = Math.abs(step);
    const found = new Map();
    try {
      for (let i = 1; i <= SIDE; i++) {
        const d = (SPAN * size * i) / SIDE;
        const { meta } = await data.call("POST", "nudge", { frame: true, json: { at, h: d, label: data.label, maps: false } });
        if (key !== this.key || !nudge.on) return;
        found.set(d, meta.loss + meta.dL);
        found.set(-d, meta.loss_minus);
      }
    } catch (error) {
      if (error instanceof ApiError || error instanceof GoneError) return; // the nudge itself says why
      throw error;
    }
    this.curve = found;
    this.draw();
  }
}
