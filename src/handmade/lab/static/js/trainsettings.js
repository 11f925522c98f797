/**
 * Settings of a training or a race, and its cost before it starts.
 *
 * Interface
 *   new TrainSettings(root, lab): .plan() -> {race: boolean, body}; .seed(n); .isCostly, .measure() -> cost of the definition; event "changed"
 */
import { ApiError, GoneError } from "./api.js";
import { h } from "./dom.js";
import { duration } from "./duration.js";
import { write } from "./said.js";
import { languages, number, text } from "./text.js";

const METHODS = ["difference", "definition", "backprop"];
const OPTIMISERS = ["gradient-descent", "momentum", "nesterov", "rmsprop", "adam", "adamw"];
const SCHEDULES = ["constant", "linear", "cosine", "step", "one-cycle"];
const STORED = "handmade.lab.training";
const IDLE = 400; // ms after the last change before a cost is asked for

/** @type {Record<string, any>} */
const FIRST = {
  mode: "single", start: "scratch", gradient: "difference", rival: "backprop", seconds: 20, optimiser: "momentum", learning_rate: "", batch_size: 32,
  epochs: 1, seed: 0, limit: 10000, schedule: "linear", momentum: 0.9, scheme: "forward", step_size: 0.001, loss: "cross-entropy",
  validation_set: "", validate_every: "", patience: "", target: "", time_limit: "",
};
const STOPPING = ["validate_every", "patience", "target"]; // they need a validation set

export class TrainSettings extends EventTarget {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    super();
    this.lab = lab;
    this.values = { ...FIRST };
    try {
      const stored = JSON.parse(localStorage.getItem(STORED) ?? "{}");
      for (const name of Object.keys(FIRST)) if (typeof stored[name] === typeof FIRST[name]) this.values[name] = stored[name];
    } catch { /* Storage may be switched off. */ }
    /** @type {Record<string, any>} */
    this.fields = {};
    this.turn = 0;
    /** The last cost that was asked for. @type {{key: string, cost: Promise<any>}|null} */
    this.known = null;
    /** @type {any} */
    this.timer = 0;
    this.cost = h("p", { class: "note cost", role: "status", data: { testid: "cost" } });
    this.mode = h("div", { class: "segments small", role: "group", label: "train.mode" }, ...["single", "race"].map((mode) => h("button", {
      type: "button", t: `train.${mode}`, data: { mode, testid: `mode-${mode}` }, on: { click: () => this.#set("mode", mode) },
    })));
    this.rival = this.#choice("rival", METHODS, "method");
    this.seconds = this.#number("seconds", { min: 1, max: 3600, step: "any" });
    root.append(this.mode, h("div", { class: "train-fields" },
      this.#choice("start", ["scratch", "here"], "start"), this.#choice("gradient", METHODS, "method"), this.rival, this.seconds,
      this.#choice("optimiser", OPTIMISERS), this.#number("learning_rate", { min: 0, step: "any" }), this.#number("batch_size", { min: 1, step: 1 }),
      this.#number("epochs", { min: 1, step: 1 }), this.#number("seed", { min: 0, step: 1 }), this.#number("limit", { min: 1, step: 1 })),
    h("details", { class: "more-settings" }, h("summary", { t: "train.more" }), h("div", { class: "train-fields" },
      this.#choice("schedule", SCHEDULES), this.#number("momentum", { min: 0, max: 1, step: "any" }), this.#choice("scheme", ["forward", "central"]),
      this.#number("step_size", { min: 0, step: "any" }), this.#choice("loss", ["cross-entropy", "mse"]))),
    h("details", { class: "more-settings" }, h("summary", { t: "train.stopping" }), h("div", { class: "train-fields" },
      this.#number("validation_set", { min: 1, step: 1 }), this.#number("validate_every", { min: 1, step: 1 }), this.#number("patience", { min: 1, step: 1 }),
      this.#number("target", { min: 0, max: 1, step: "any" }), this.#number("time_limit", { min: 0, step: "any" }))), this.cost);
    lab.data.addEventListener("network", () => this.#look());
    languages.addEventListener("change", () => this.draw());
    this.draw();
  }

  /**
   * @param {string} name
   * @param {string[]} choices
   * @param {string} [group] of the text keys of the choices
   */
  #choice(name, choices, group) {
    const field = h("select", { id: `train-${name}`, data: { testid: `train-${name}` }, on: { change: () => this.#set(name, field.value) } },
      ...choices.map((choice) => h("option", { value: choice, ...(group ? { t: group === "method" ? `way.${choice}` : `train.${group}.${choice}` } : {}) }, group ? "" : choice)));
    this.fields[name] = field;
    return h("label", { for: `train-${name}`, data: { field: name } }, h("span", { t: `train.${name}` }), field);
  }

  /**
   * @param {string} name
   * @param {Record<string, any>} limits
   */
  #number(name, limits) {
    const field = h("input", { type: "number", id: `train-${name}`, ...limits, data: { testid: `train-${name}` }, on: { change: () => this.#set(name, typeof FIRST[name] === "string" ? field.value : Number(field.value)) } });
    this.fields[name] = field;
    return h("label", { for: `train-${name}`, data: { field: name } }, h("span", { t: `train.${name}` }), field);
  }

  /**
   * @param {string} name
   * @param {any} value
   */
  #set(name, value) {
    this.values[name] = value;
    try {
      localStorage.setItem(STORED, JSON.stringify(this.values));
    } catch { /* Storage may be switched off. */ }
    this.draw();
    this.dispatchEvent(new Event("changed"));
  }

  /** @param {number} seed */
  seed(seed) { this.#set("seed", seed); }

  draw() {
    const { values, fields } = this;
    for (const [name, field] of Object.entries(fields)) field.value = String(values[name]);
    for (const button of this.mode.children) button.setAttribute("aria-pressed", String(button.dataset.mode === values.mode));
    const race = values.mode === "race";
    this.rival.hidden = !race;
    this.seconds.hidden = !race;
    fields.learning_rate.placeholder = text("train.auto");
    for (const name of ["validation_set", "patience", "target", "time_limit"]) fields[name].placeholder = text("train.none");
    fields.validate_every.placeholder = text("train.anEpoch");
    for (const name of STOPPING) fields[name].disabled = values.validation_set === "";
    fields.momentum.disabled = !["momentum", "nesterov"].includes(values.optimiser);
    const differs = values.gradient === "definition" || (race && values.rival === "definition");
    fields.step_size.disabled = !differs && values.gradient === "backprop" && (!race || values.rival === "backprop");
    this.#look();
  }

  /** @param {string} gradient */
  #settings(gradient) {
    const { optimiser, learning_rate: rate, batch_size, epochs, seed, limit, schedule, momentum, scheme, step_size, loss } = this.values;
    const { validation_set: validation, time_limit: limited } = this.values;
    const stopping = validation === "" ? {} : Object.fromEntries(STOPPING.filter((name) => this.values[name] !== "").map((name) => [name, Number(this.values[name])]));
    return {
      ...(validation === "" ? {} : { validation: Number(validation) }), ...stopping, ...(limited === "" ? {} : { time_limit: Number(limited) }),
      gradient, optimiser, batch_size, epochs, seed, limit, schedule, loss, ...(rate === "" ? {} : { learning_rate: Number(rate) }),
      ...(["momentum", "nesterov"].includes(optimiser) ? { momentum } : {}), ...(gradient === "backprop" ? {} : { scheme, step_size }),
    };
  }

  /** What the server is asked for. */
  plan() {
    const { mode, gradient, rival, start, seconds } = this.values;
    const race = mode === "race";
    return { race, body: race ? { a: this.#settings(gradient), b: this.#settings(rival), start, seconds } : { settings: this.#settings(gradient), start } };
  }

  /** True if a lane uses the definition. */
  get isCostly() {
    const { mode, gradient, rival } = this.values;
    return gradient === "definition" || (mode === "race" && rival === "definition");
  }

  /** Return the cost of the definition with these settings; `said` is a sentence. */
  async measure() {
    const plan = { settings: this.#settings("definition"), start: this.values.start };
    const key = JSON.stringify([plan, this.lab.data.pageId, this.lab.store.state.source]);
    if (key !== this.known?.key) this.known = { key, cost: this.lab.training.estimate(plan).catch((/** @type {any} */ error) => { this.known = null; throw error; }) };
    const cost = await this.known.cost;
    const said = text("train.cost", { step: duration(cost.step_seconds), epoch: duration(cost.epoch_seconds), all: duration(cost.seconds), n: number(cost.steps) });
    return { ...cost, said };
  }

  /** Ask for the cost of the definition. */
  #look() {
    clearTimeout(this.timer);
    this.turn += 1;
    this.cost.hidden = !this.isCostly;
    if (!this.isCostly) return;
    this.cost.textContent = text("train.measuring");
    this.timer = setTimeout(() => this.#estimate(this.turn), IDLE);
  }

  /** @param {number} turn */
  async #estimate(turn) {
    if (!this.lab.data.pageId || !this.cost.offsetParent) return;
    try {
      const cost = await this.measure();
      if (turn !== this.turn) return;
      this.cost.textContent = cost.said;
    } catch (error) {
      if (error instanceof GoneError) this.lab.data.lost();
      else if (error instanceof ApiError && turn === this.turn) write(this.cost, () => error.message);
    }
  }
}
