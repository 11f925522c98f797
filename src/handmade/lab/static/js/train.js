/**
 * The view "train": a training or a race on this page, its curves, and the network as it learns.
 *
 * Interface
 *   lab.train = TrainView: play(), step(); the maps of the strip, the answer, the weights and the receipt are those of the followed lane
 */
import { ApiError, GoneError } from "./api.js";
import { Confusion } from "./confusion.js";
import { Curves } from "./curves.js";
import { h, svg } from "./dom.js";
import { duration } from "./duration.js";
import { Filters } from "./filters.js";
import { addKey } from "./keyboard.js";
import { Layers } from "./layers.js";
import { ReceiptPanel } from "./receipt.js";
import { Runs } from "./runs.js";
import { said, write } from "./said.js";
import { makeTabs } from "./tabs.js";
import { brief, count, languages, percent, text } from "./text.js";
import { Training } from "./training.js";
import { TrainSettings } from "./trainsettings.js";
import { registerView } from "./views.js";
import { WeightsPanel } from "./weights.js";

const NUMBERS = 250; // ms between two readings of the numbers
const LONG = 60; // seconds: a training by the definition that takes longer has to be accepted, as the server asks
const MOST_SEED = 10000;

/** Signs of the buttons, in a box of 12 by 12. */
const SIGNS = /** @type {Record<string, string>} */ ({
  play: "M2 1 11 6 2 11Z", pause: "M2 1h3v10H2zM7 1h3v10H7z", step1: "M1 1 7 6 1 11ZM8 1h3v10H8z", epoch1: "M0 1 5 6 0 11ZM5 1 10 6 5 11ZM10 1h2v10h-2z", stop: "M1 1h10v10H1z",
});
const signOf = (/** @type {string} */ name) => svg("svg", { class: "glyph", viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true" }, svg("path", { d: SIGNS[name] }));

class TrainView {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    this.lab = lab;
    this.on = false;
    this.live = true;
    this.chosen = "a";
    this.drawnAt = 0;
    this.key = "";
    this.warned = "";
    /** @type {any} */
    this.timer = 0;
    /** Warnings that the user closed. @type {Set<string>} */
    this.closed = new Set();
    /** @type {Training} */
    this.training = lab.training;
    const button = (/** @type {string} */ name, /** @type {() => any} */ run) => h("button", {
      type: "button", data: { testid: `train-${name}`, hint: `train.${name}Hint` }, on: { click: () => this.#try(run) },
    }, SIGNS[name] ? signOf(name) : null, h("span", { t: `train.${name}` }));
    this.buttons = {
      play: button("play", () => this.#play()), pause: button("pause", () => this.#all("pause")), step: button("step1", () => this.#one("step")),
      epoch: button("epoch1", () => this.#one("epoch")), stop: button("stop", () => this.#all("stop")), same: button("same", () => this.#start()),
      fresh: button("fresh", () => this.#fresh()), adopt: button("adopt", () => this.training.adopt(this.#lane)),
    };
    this.liveBox = h("input", { type: "checkbox", data: { testid: "train-live" }, on: { change: () => { this.live = this.liveBox.checked; this.#follow(); } } });
    this.liveBox.checked = true;
    this.laneSelect = h("select", { label: "train.shownLane", data: { testid: "train-lane" }, on: { change: () => { this.chosen = this.laneSelect.value; this.#follow(); this.draw(); } } });
    this.problem = h("p", { class: "problem train-problem", role: "alert", data: { testid: "train-problem" } });
    this.status = h("div", { class: "train-status", data: { testid: "train-status" } });
    this.warnings = h("ul", { class: "train-warnings", data: { testid: "train-warnings" } });
    const { play, pause, step, epoch, stop, same, fresh, adopt } = this.buttons;
    const settings = h("div", { class: "train-settings" });
    const middle = h("div", { class: "train-curves" });
    this.settings = new TrainSettings(settings, lab);
    const charts = h("div", { class: "charts" });
    middle.append(charts);
    this.curves = new Curves(charts, lab);
    this.tabs = makeTabs(lab, [
      { name: "confusion", label: "confusion.tab", mount: (body) => new Confusion(body, lab) },
      { name: "weights", label: "tab.weights", mount: (body) => { this.weights = new WeightsPanel(body, lab); this.#frame(); return this.weights; } },
      { name: "receipt", label: "tab.receipt", mount: (body) => { this.receipt = new ReceiptPanel(body, lab); this.receipt.lane = this.training.followed; return this.receipt; } },
      { name: "layers", label: "layers.tab", mount: (body) => new Layers(body, lab) },
      { name: "filters", label: "filters.tab", mount: (body) => new Filters(body, lab) },
      { name: "runs", label: "train.runs", mount: (body) => new Runs(body, lab, this.curves) },
    ], "train-");
    root.append(h("div", { class: "train-tools", role: "toolbar", label: "train.tools" }, play, pause, step, epoch, stop, h("span", { class: "rule" }), same, fresh, h("span", { class: "space" }),
      h("label", { class: "check", data: { hint: "train.liveHint" } }, this.liveBox, h("span", { t: "train.live" })), this.laneSelect, adopt), this.problem, this.status, this.warnings,
    h("div", { class: "train-body" }, settings, middle, this.tabs.element));
    this.training.addEventListener("news", () => this.later());
    this.training.addEventListener("frame", () => this.#frame());
    this.settings.addEventListener("changed", () => { this.problem.replaceChildren(); });
    languages.addEventListener("change", () => { this.key = ""; this.draw(); });
    for (const name of ["layers", "filters", "confusion"]) this.tabs.open(name); // the first two collect from the beginning
    this.draw();
  }

  show() {
    this.on = true;
    this.training.listen();
    this.#follow();
    this.tabs.open(this.tabs.current());
    this.settings.draw();
  }

  hide() {
    this.on = false;
    this.#follow();
    this.tabs.part("weights")?.hide?.();
  }

  /** The lane that is shown. */
  get #lane() { return this.training.names.includes(this.chosen) ? this.chosen : this.training.names[0] ?? "a"; }

  get #ended() { return this.training.names.every((name) => !["running", "paused"].includes(this.training.lanes[name]?.news.status)); }

  #follow() {
    const lane = this.on && this.live && this.training.names.length ? this.#lane : null;
    if (!this.live && this.on) return; // what is shown stays
    this.training.follow(lane);
    if (this.receipt) this.receipt.lane = lane;
    if (!lane) this.#frame();
  }

  /** Show the newest frame. */
  #frame() {
    const frame = this.on ? this.training.frame : null;
    const { lab } = this;
    lab.focus.trained = frame && this.training.followed ? { lane: this.training.followed, frame } : null;
    lab.strip.show(frame ? { prefix: "act:", frame, activations: true } : null);
    lab.answer.show(frame);
    if (this.weights) {
      this.weights.source = frame ? { frame, prefix: "weight:" } : null;
      this.weights.draw();
    }
    if (this.receipt && this.receipt.root.offsetParent) this.receipt.refresh();
  }

  /** @param {() => any} run */
  async #try(run) {
    this.problem.replaceChildren();
    try {
      await run();
    } catch (error) {
      if (error instanceof GoneError) this.lab.data.lost();
      else if (error instanceof ApiError) write(this.problem, () => error.message);
      else throw error;
    }
    this.draw();
  }

  play() { this.#try(() => (this.training.running ? this.#all("pause") : this.#play())); }

  step() { this.#try(() => this.#one("step")); }

  /** @param {string} action */
  async #all(action) {
    for (const name of this.training.names) {
      const { status } = this.training.lanes[name]?.news ?? {};
      if (["running", "paused"].includes(status)) await this.training.act(name, action);
    }
  }

  #play() { return this.#ended ? this.#start() : this.#all("play"); }

  /** @param {string} action */
  async #one(action) {
    if (this.#ended && !(await this.#start({ paused: true }))) return;
    if (this.#ended) await new Promise((done) => this.training.addEventListener("news", done, { once: true }));
    for (const name of this.training.names.length ? this.training.names : ["a"]) await this.training.act(name, action);
  }

  async #fresh() {
    this.settings.seed(Math.floor(Math.random() * MOST_SEED));
    await this.#start();
  }

  /**
   * Tell a high cost, and offer to accept it.
   * @param {() => string} make
   * @param {Record<string, any>} more
   */
  #ask(make, more) {
    const words = h("span");
    write(words, make);
    this.problem.replaceChildren(words, " ", h("button", { type: "button", t: "train.accept", data: { testid: "accept-cost" }, on: { click: () => this.#try(() => this.#start({ ...more, accept_cost: true })) } }));
  }

  /** @param {Record<string, any>} [more] */
  async #start(more = {}) {
    const { race, body } = this.settings.plan();
    if (!more.accept_cost && this.settings.isCostly) {
      const cost = await this.settings.measure();
      if (cost.seconds > LONG) {
        this.#ask(() => cost.said, more);
        return false;
      }
    }
    try {
      await (race ? this.training.race({ ...body, ...more }) : this.#single(body, more));
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "cost") throw error;
      this.#ask(() => error.message, more);
      return false;
    }
    this.closed.clear();
    this.curves.turn(race ? "seconds" : "steps");
    this.#follow();
    return true;
  }

  /**
   * @param {any} body
   * @param {Record<string, any>} more
   */
  async #single(body, more) {
    const rival = this.training.isRace;
    await this.training.start({ ...body, ...more });
    this.chosen = "a";
    if (rival) await this.training.act("b", "stop");
  }

  /** Draw the numbers, four times a second at most. */
  later() {
    if (this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.draw();
    }, Math.max(0, this.drawnAt + NUMBERS - performance.now()));
    if (this.on && this.live && !this.training.followed) this.#follow();
  }

  draw() {
    this.drawnAt = performance.now();
    const { names, lanes, running } = this.training;
    const ended = this.#ended;
    const { play, pause, stop, adopt } = this.buttons;
    play.disabled = running;
    play.lastChild.textContent = text(ended ? "train.play" : "train.continue");
    pause.disabled = !running;
    stop.disabled = ended;
    adopt.disabled = !names.length;
    this.laneSelect.hidden = names.length < 2;
    const label = (/** @type {string} */ name) => (lanes[name]?.settings.gradient ? text(`way.${lanes[name]?.settings.gradient}`) : name.toUpperCase());
    const key = JSON.stringify([names.map(label), document.documentElement.lang]);
    if (key !== this.key) {
      this.key = key;
      this.laneSelect.replaceChildren(...names.map((name) => h("option", { value: name }, label(name))));
    }
    this.laneSelect.value = this.#lane;
    this.status.replaceChildren(...(names.length ? names.map((name) => this.#line(name, names.length > 1 ? label(name) : "")) : [h("p", { class: "empty-text" }, text("train.empty"))]));
    this.#warn(names);
  }

  /**
   * @param {string} name
   * @param {string} label
   */
  #line(name, label) {
    const news = this.training.lanes[name]?.news;
    const bar = h("span", { class: "fill" });
    bar.style.inlineSize = `${(100 * (news.step + (news.part % 1))) / news.steps}%`;
    const facts = [
      text(`train.is.${news.status}`) + (news.reason ? ` (${text(`train.reason.${news.reason}`)})` : ""), text(news.epochs > 1 ? "train.at" : "train.atStep", { step: count(news.step), steps: count(news.steps), epoch: count(Math.min(news.epoch + 1, news.epochs)), epochs: count(news.epochs) }),
      news.smoothed === null ? "" : `${text("answer.loss")} ${brief(news.smoothed)}`,
      news.validation ? text("train.tested", { accuracy: percent(news.validation.accuracy), n: count(news.validation.images) }) : "",
      news.images_per_second ? text("train.speed", { n: count(news.images_per_second) }) : "", text("train.used", { time: duration(news.seconds) }),
      news.status === "running" && news.left !== null ? text("train.left", { time: duration(news.left) }) : "", said(news.error),
    ].filter(Boolean);
    return h("div", { class: `lane lane-${name}`, data: { testid: `lane-${name}`, status: news.status, step: news.step } }, label ? h("b", {}, label) : null,
      h("span", { class: "track", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": news.steps, "aria-valuenow": news.step, "aria-label": label || text("view.train") }, bar), h("span", { class: "facts" }, facts.join(" · ")));
  }

  /** @param {string[]} names */
  #warn(names) {
    const warnings = names.flatMap((name) => this.training.lanes[name]?.news.warnings ?? []);
    const open = [...new Map(warnings.map((each) => [each.seen, each])).values()].filter(({ seen }) => !this.closed.has(seen));
    const key = JSON.stringify([open, document.documentElement.lang]);
    if (key === this.warned) return;
    this.warned = key;
    this.warnings.replaceChildren(...open.map(({ seen, why, change }) => h("li", {}, h("span", {}, h("b", {}, `⚠ ${said(seen)}.`), ` ${said(why)}. `, h("i", {}, `${said(change)}.`)),
      h("button", { type: "button", class: "icon small", label: "close", on: { click: () => { this.closed.add(seen); this.#warn(names); } } }, "×"))));
  }
}

const isTraining = (/** @type {any} */ lab) => lab.views?.current === "train";
addKey({ key: " ", shown: "␣", text: "key.play", when: (lab, target) => isTraining(lab) && !target.matches("button, summary, input, [role=tab], canvas"), run: (lab) => lab.train?.play() });
addKey({ key: ".", text: "key.step", when: isTraining, run: (lab) => lab.train?.step() });

registerView("train", {
  order: 3,
  label: "view.train",
  mount(root, lab) {
    lab.training ??= new Training(lab);
    lab.train = new TrainView(root, lab);
  },
  show(_, lab) { lab.train.show(); },
  hide(_, lab) { lab.train.hide(); },
});
