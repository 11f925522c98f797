/**
 * Curves of trainings: loss and accuracy of both lanes and of runs of the disk, against steps or seconds.
 *
 * Interface
 *   new Curves(root, lab)           follows lab.training
 *   the button "Keep as baseline" keeps the curves of lane a, dashed, until it is pressed again
 *   curves.overlay(name, log|null)  lays a run of the disk over them, or takes it away; at most MOST_RUNS
 */
import { Chart, joined } from "./chart.js";
import { h } from "./dom.js";
import { brief, number, percent, precise, text } from "./text.js";

const PAUSE = 100; // ms between two drawings
const SMOOTHING = 0.95; // of the loss from step to step, as the trainer's
export const MOST_RUNS = 4;
const COLOURS = /** @type {Record<string, string>} */ ({ a: "--positive", b: "--negative" });
const DASH = [6, 4]; // of the baseline
const RUN_COLOURS = ["--target", "--second", "--select", "--muted"];

/** @param {number[]} steps @param {(number|null)[]} values */
function smoothed(steps, values) {
  let [sum, weight, before] = [0, 0, steps[0] ?? 0];
  return values.map((value, i) => {
    const decay = SMOOTHING ** Math.max(1, steps[i] - before);
    before = steps[i];
    if (value !== null) [sum, weight] = [decay * sum + (1 - decay) * value, decay * weight + (1 - decay)];
    return weight ? sum / weight : null;
  });
}

export class Curves {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    this.lab = lab;
    this.training = lab.training;
    this.log = false;
    this.against = "steps";
    /** @type {Map<string, import("./training.js").Log>} */
    this.runs = new Map();
    this.key = "";
    this.due = false;
    this.nextAt = 0;
    const [lossRoot, accuracyRoot] = [h("div"), h("div")];
    root.append(lossRoot, accuracyRoot);
    const step = { label: "train.step", format: (/** @type {number} */ x) => number(x, { maximumFractionDigits: 1 }) };
    this.loss = new Chart(lossRoot, { lab, name: "train.lossChart", testid: "loss-chart", x: step, y: { label: "" }, series: [] });
    this.accuracy = new Chart(accuracyRoot, { lab, name: "train.accuracyChart", testid: "accuracy-chart", x: step, y: { label: "", format: (x) => percent(x, 0) }, series: [] });
    this.logButton = h("button", { type: "button", class: "plain", t: "train.log", "aria-pressed": "false", data: { testid: "log-scale", hint: "train.logHint" }, on: { click: () => {
      this.log = !this.log;
      this.logButton.setAttribute("aria-pressed", String(this.log));
      this.key = "";
      this.draw();
    } } });
    this.axis = h("select", { label: "train.against", data: { testid: "train-against" }, on: { change: () => {
      this.against = this.axis.value;
      this.key = "";
      this.draw();
    } } }, h("option", { value: "steps", t: "train.steps" }), h("option", { value: "seconds", t: "train.secondsAxis" }));
    /** Curves that were kept as the baseline. @type {{label: string, rate: number, log: import("./training.js").Log}|null} */
    this.baseline = null;
    this.baselineButton = h("button", { type: "button", class: "plain", t: "train.keepBaseline", "aria-pressed": "false", data: { testid: "baseline", hint: "train.baselineHint" }, on: { click: () => this.keep() } });
    this.loss.tools.prepend(this.baselineButton, this.logButton);
    this.accuracy.tools.prepend(this.axis);
    for (const event of ["log", "news"]) this.training.addEventListener(event, () => this.later());
    this.draw();
  }

  /** @param {string} against */
  turn(against) {
    this.against = against;
    this.axis.value = against;
    this.key = "";
    this.draw();
  }

  /** Keep the curves of lane a as the baseline; if there is one, drop it. */
  keep() {
    const [first] = this.#lanes();
    this.baseline = this.baseline || !first ? null : { label: text("train.baseline", { method: first.method }), rate: first.rate, log: copied(first.log) };
    this.baselineButton.setAttribute("aria-pressed", String(!!this.baseline));
    this.draw();
  }

  /**
   * @param {string} name
   * @param {import("./training.js").Log|null} log
   */
  overlay(name, log) {
    if (log) this.runs.set(name, log);
    else this.runs.delete(name);
    this.draw();
  }

  later() {
    if (this.due) return;
    this.due = true;
    setTimeout(() => {
      this.due = false;
      const began = performance.now();
      this.draw();
      this.nextAt = performance.now() + Math.max(PAUSE, 3 * (performance.now() - began));
    }, Math.max(0, this.nextAt - performance.now()));
  }

  /** Curves that are shown: {name, label, colour, log, rate: seconds of a step}. */
  #lanes() {
    const lanes = this.training.names.map((/** @type {string} */ name) => {
      const { news, log, settings } = this.training.lanes[name];
      const method = settings.gradient ? text(`way.${settings.gradient}`) : name.toUpperCase();
      const tested = text(news?.validation?.test === false ? "train.validationSet" : "train.validation");
      return { name, method, tested, label: this.training.names.length > 1 ? method : "", colour: COLOURS[name], log, rate: news?.step ? news.seconds / news.step : 0 };
    });
    if (lanes.length > 1 && lanes[0].label === lanes[1].label) lanes.forEach((/** @type {any} */ lane) => { lane.label += ` ${lane.name.toUpperCase()}`; });
    return lanes;
  }

  #curves() {
    const runs = [...this.runs].map(([name, log], i) => ({ name: `run:${name}`, label: name, colour: RUN_COLOURS[i % RUN_COLOURS.length], log, rate: 0 }));
    const kept = this.baseline ? [{ name: "run:", colour: "--muted", dash: DASH, ...this.baseline }] : [];
    return [...this.#lanes(), ...kept, ...(this.against === "steps" ? runs : [])];
  }

  draw() {
    const curves = this.#curves();
    const named = (/** @type {string} */ label, /** @type {string} */ key) => (label ? `${label}: ${text(key)}` : text(key));
    const key = JSON.stringify([curves.map(({ name, label, tested }) => [name, label, tested]), this.log, this.against, document.documentElement.lang]);
    if (key !== this.key) {
      this.key = key;
      const seconds = this.against === "seconds";
      const x = { label: seconds ? "train.second" : "train.step", format: (/** @type {number} */ v) => number(v, { maximumFractionDigits: seconds ? 1 : 0 }) };
      this.loss.change({
        x, y: { label: "", log: this.log, ...(this.log ? { format: brief } : {}) },
        series: curves.flatMap(({ label, colour, name, dash }) => [
          ...(name.startsWith("run:") ? [] : [{ label: named(label, "train.batchLoss"), colour, width: 0.5, value: precise, silent: curves.length > 1 }]),
          { label: name.startsWith("run:") ? label : label || text("train.smoothed"), colour, dash, width: 2, value: brief, last: true }]),
      });
      const share = (/** @type {number} */ v) => percent(v, 1);
      this.accuracy.change({
        x, series: curves.flatMap(({ label, colour, name, log, dash, tested }) => [
          ...(name.startsWith("run:") ? [] : [{ label: named(label, "train.batches"), colour, width: 0.75, value: share, silent: curves.length > 1 }]),
          { label: name.startsWith("run:") ? label : label || tested, colour, dash, ...(dense(log, name) ? { width: 0.75 } : { width: 2, points: 5 }), value: share, last: curves.length === 1 }]),
      });
    }
    const at = (/** @type {any} */ { rate }, /** @type {number[]} */ steps) => (this.against === "seconds" ? steps.map((step) => step * rate) : steps);
    this.loss.set(joined(curves.map((curve) => {
      const { log, name } = curve;
      const soft = smoothed(log.steps, log.loss);
      return { x: at(curve, log.steps), y: name.startsWith("run:") ? [soft] : [log.loss, soft] };
    })));
    this.accuracy.set(joined(curves.flatMap((curve) => {
      const { log, name } = curve;
      const validation = { x: at(curve, log.validation.map((/** @type {[number, number]} */ [step]) => step)), y: [log.validation.map((/** @type {[number, number]} */ [, share]) => share)] };
      const batches = { x: at(curve, log.steps), y: [smoothed(log.steps, log.accuracy)] };
      if (name.startsWith("run:")) return [log.validation.length ? validation : batches];
      return [batches, validation];
    })));
  }
}

/** @param {import("./training.js").Log} log */
const copied = (log) => ({ steps: [...log.steps], loss: [...log.loss], accuracy: [...log.accuracy], validation: [...log.validation] });

/**
 * True if a run was not tested while it learned, so that its batches stand for it.
 * @param {import("./training.js").Log} log
 * @param {string} name
 */
const dense = (log, name) => name.startsWith("run:") && !log.validation.length;
