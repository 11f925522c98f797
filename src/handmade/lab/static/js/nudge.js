/**
 * The view "nudge": one number moved by h; the exact differences of every layer, the loss, the branches that switch.
 *
 * Interface
 *   lab.nudge = Nudge: {at, h, frame}; events of it: "moved" (another answer is here), "target" (another number)
 *   nudge.aim(place), nudge.move(h, {store: true})
 *   One request is in flight at a time; the newest h wins.
 */
import { ApiError, GoneError } from "./api.js";
import { h } from "./dom.js";
import { Edits } from "./edits.js";
import { LossChart } from "./losschart.js";
import { find, placeAt, ravel } from "./places.js";
import { brief, count, exact, languages, number, percent, precise, text } from "./text.js";
import { makeTabs } from "./tabs.js";
import { QuotientChart } from "./quotients.js";
import { registerView } from "./views.js";
import { WeightsPanel } from "./weights.js";

const [LEAST, MOST] = [-6, 1]; // powers of 10 of |h| on the slider
const STEPS = 1000;
const IDLE = 250; // ms after the last key before h goes into the state
const FIRST = 0.1; // h until the user chooses another
const LARGEST = 1e6; // |h|
const MARKED = 400; // switched places that are outlined

/** @param {number} step */
const onSlider = (step) => Math.sign(step) * Math.max(1, Math.round((STEPS * (Math.log10(Math.abs(step)) - LEAST)) / (MOST - LEAST)));
/** @param {number} at */
const ofSlider = (at) => Number(((at < 0 ? -1 : 1) * 10 ** (LEAST + ((MOST - LEAST) * Math.abs(at)) / STEPS)).toPrecision(2));

export class Nudge extends EventTarget {
  /** @param {any} lab */
  constructor(lab) {
    super();
    this.lab = lab;
    this.on = false;
    /** @type {string|null} */
    this.at = null;
    this.h = FIRST;
    /** @type {import("./frames.js").Frame|null} */
    this.frame = null;
    /** @type {any} */
    this.timer = 0;
    this.due = false;
    this.asking = false;
    this.problem = "";
    lab.focus.addEventListener("pin", () => { if (this.on && lab.store.state.focus) this.aim(lab.store.state.focus); });
    lab.data.addEventListener("network", () => this.#forget());
    for (const event of ["image", "back"]) lab.data.addEventListener(event, () => this.ask());
    lab.store.subscribe((/** @type {any} */ state, /** @type {any} */ old) => {
      if (!state.nudge && old.nudge) this.h = FIRST;
      if (state.nudge !== old.nudge || state.view !== old.view) this.follow();
      if (!state.nudge && old.nudge) this.ask();
      if (state.label !== old.label) this.ask();
    });
  }

  /** Take target and h from the state; if it names none, the pinned number or a weight of the first layer. */
  follow() {
    if (!this.on) return;
    const { nudge, focus } = this.lab.store.state;
    const { network } = this.lab.data;
    if (!network) return;
    if (nudge && find(network, nudge.at)) this.#take(nudge.at, nudge.h);
    else if (focus && movable(network, focus)) this.#take(plain(focus), this.h);
    else if (!this.at) {
      const array = network.nodes.flatMap((/** @type {any} */ node) => node.arrays)[0];
      if (array) this.#take(placeAt(array.title, array.shape, array.shape.length > 2 ? ravel(array.shape.map((/** @type {number} */ n) => Math.floor((n - 1) / 2)), array.shape) : 0), this.h);
    }
  }

  /** @param {string} place */
  aim(place) {
    if (!movable(this.lab.data.network, place)) {
      this.problem = text("nudge.fixed", { place });
      this.dispatchEvent(new Event("moved"));
      return;
    }
    this.move(this.h, { at: plain(place) });
  }

  /**
   * @param {number} step
   * @param {{store?: boolean, at?: string|null}} [options] store: put it into the state; false while it is dragged
   */
  move(step, { store = true, at = this.at } = {}) {
    if (!at) return;
    clearTimeout(this.timer);
    if (store) this.timer = setTimeout(() => this.#store(), at === this.at ? IDLE : 0);
    this.#take(at, step);
  }

  /** Put number and h into the state. */
  #store() {
    if (this.at) this.lab.store.change({ nudge: { at: this.at, h: this.h } }, { undo: true });
  }

  /**
   * @param {string} at
   * @param {number} step
   */
  #take(at, step) {
    const other = at !== this.at;
    if (!other && step === this.h && this.frame) return;
    [this.at, this.h] = [at, step];
    if (other) this.frame = null;
    if (other) this.dispatchEvent(new Event("target"));
    this.ask();
  }

  #forget() {
    if (!find(this.lab.data.network, this.at)) this.at = null;
    this.frame = null;
    if (!this.on) return;
    this.lab.strip.show(null);
    this.follow();
    this.dispatchEvent(new Event("target"));
  }

  async ask() {
    this.due = true;
    if (this.asking || !this.on) return;
    this.asking = true;
    const { data } = this.lab;
    while (this.due && this.on) {
      this.due = false;
      const { at, h: step } = this;
      if (!at || !data.image || !data.pageId) {
        this.#received(null, "");
        continue;
      }
      try {
        const frame = await data.call("POST", "nudge", { frame: true, json: { at, h: step, label: data.label, maps: true } });
        if (at === this.at && this.on) this.#received(frame, "");
      } catch (error) {
        if (error instanceof GoneError) data.lost();
        else if (error instanceof ApiError) this.#received(null, error.message);
      }
    }
    this.asking = false;
  }

  /**
   * @param {import("./frames.js").Frame|null} frame
   * @param {string} problem
   */
  #received(frame, problem) {
    this.frame = frame;
    this.problem = problem;
    this.lab.data.set("nudge", frame);
    this.lab.strip.show(frame ? { prefix: "diff:", frame } : null);
    this.lab.overlay.mark(frame ? this.#switched(frame) : []);
    this.dispatchEvent(new Event("moved"));
  }

  /** @param {import("./frames.js").Frame} frame */
  #switched(frame) {
    const marks = [];
    for (const { node, places } of frame.meta.switches) {
      const shape = this.lab.strip.figures.get(node)?.node.shape;
      if (!shape || places[0]?.length !== shape.length) continue;
      for (const index of places) if (marks.length < MARKED) marks.push({ node, offset: ravel(index, shape) });
    }
    return marks;
  }

  /** @param {boolean} on */
  turn(on) {
    this.on = on;
    if (on) {
      this.follow();
      this.ask();
    } else {
      this.lab.strip.show(null);
      this.lab.overlay.mark([]);
    }
  }
}

const plain = (/** @type {string} */ place) => place.replace("d loss / d ", "");

/**
 * @param {any} network
 * @param {string} place
 */
function movable(network, place) {
  const found = find(network, plain(place));
  return !!found && (found.kind === "weight" || found.kind === "node");
}

/** Controls and numbers of the nudge. */
class Controls {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    this.lab = lab;
    /** @type {Nudge} */
    this.nudge = lab.nudge;
    this.target = h("button", { type: "button", class: "link place", data: { testid: "nudge-target", hint: "nudge.targetHint" }, on: { click: () => lab.search() } });
    this.now = h("span", { class: "value", data: { testid: "nudge-now" } });
    this.slider = h("input", {
      type: "range", min: -STEPS, max: STEPS, step: 5, label: "nudge.slider", data: { testid: "nudge-slider" },
      on: { input: () => this.#slide(false), change: () => this.#slide(true) },
    });
    this.field = h("input", { type: "number", step: "any", class: "step-field", label: "nudge.h", data: { testid: "nudge-h" }, on: { change: () => this.#type() } });
    this.flip = h("button", { type: "button", class: "plain", t: "nudge.flip", data: { testid: "nudge-flip", hint: "nudge.flipHint" }, on: { click: () => this.nudge.move(-this.nudge.h) } });
    this.apply = h("button", { type: "button", t: "nudge.apply", data: { testid: "nudge-apply", hint: "nudge.applyHint" }, on: { click: () => this.#apply() } });
    this.problem = h("p", { class: "problem", role: "status", data: { testid: "nudge-problem" } });
    this.numbers = h("tbody");
    this.table = h("table", { class: "numbers nudge-numbers" }, h("thead", {}, h("tr", {}, h("td"),
      ...["nudge.value", "nudge.loss", "nudge.slope"].map((key) => h("th", { scope: "col", t: key })))), this.numbers);
    this.moved = h("p", { class: "note", data: { testid: "nudge-moved" } });
    root.append(
      h("p", { class: "nudge-target" }, h("span", { t: "nudge.number" }), " ", this.target, " = ", this.now),
      h("div", { class: "nudge-slider" }, this.slider,
        h("span", { class: "ticks", "aria-hidden": "true" }, ...["−10", "−0.003", "±10⁻⁶", "0.003", "10"].map((words) => h("span", {}, words)))),
      h("div", { class: "nudge-row" }, h("label", {}, "h ", this.field), this.flip, this.apply), this.problem, this.table, this.moved);
    for (const event of ["moved", "target"]) this.nudge.addEventListener(event, () => this.draw());
    languages.addEventListener("change", () => this.draw());
    this.draw();
  }

  /** @param {boolean} store */
  #slide(store) { this.nudge.move(ofSlider(Number(this.slider.value)), { store }); }

  #type() {
    const step = Number(this.field.value);
    if (Number.isFinite(step) && step !== 0 && Math.abs(step) <= LARGEST && this.field.value !== "") this.nudge.move(step);
    else {
      this.problem.textContent = text("nudge.zero", { most: count(LARGEST) });
      this.field.value = String(this.nudge.h);
    }
  }

  #apply() {
    const { store } = this.lab;
    const { at, h: step } = this.nudge;
    store.change({ edits: [...store.state.edits, { at, step }] }, { how: "push", undo: true });
    this.lab.status.say(text("nudge.applied", { place: at, step: precise(step) }));
  }

  draw() {
    const { at, h: step, frame, problem } = this.nudge;
    const { network, image } = this.lab.data;
    const meta = frame?.meta;
    const found = find(network, at);
    this.target.textContent = at ?? "–";
    const { cover } = this.lab;
    const hidden = !!meta && cover.hidesNudge(at, meta.before);
    this.now.textContent = meta ? `${hidden ? "?" : precise(meta.before)} ${step < 0 ? "−" : "+"} ${precise(Math.abs(step))}` : "–";
    this.slider.value = String(onSlider(step));
    this.slider.setAttribute("aria-valuetext", `h = ${precise(step)}`);
    if (document.activeElement !== this.field) this.field.value = String(step);
    this.apply.disabled = found?.kind !== "weight" || !meta;
    this.apply.title = text(found && found.kind !== "weight" ? "nudge.noApply" : "nudge.applyHint");
    this.problem.textContent = problem || (image ? "" : text("receipt.noImage"));
    /** @type {any[][]} */
    const rows = meta ? [
      ["w − h", meta.before - step, meta.loss_minus, meta.secant_minus, "nudge.secant"],
      ["w", meta.before, meta.loss, meta.tangent, "nudge.tangent"],
      ["w + h", meta.before + step, meta.loss === null ? null : meta.loss + meta.dL, meta.secant, "nudge.secant"],
    ] : [];
    if (hidden) {
      this.numbers.replaceChildren(...rows.map(([name]) => h("tr", {}, h("th", { scope: "row" }, name), ...["?", "?", "?"].map((words) => h("td", {}, words)))));
    } else this.numbers.replaceChildren(...rows.map(([name, w, loss, slope, kind], i) => h("tr", {}, h("th", { scope: "row" }, name), h("td", { title: exact(w) }, brief(w)),
      h("td", { title: exact(loss), data: { testid: `nudge-loss-${i}`, value: loss } }, brief(loss)), h("td", { title: `${text(kind)} ${exact(slope)}`, data: { value: slope } }, brief(slope)))));
    this.moved.textContent = [
      found && found.kind !== "weight" ? text("nudge.noApply") : "",
      meta ? text("nudge.moved", { n: number(Object.keys(frame?.arrays ?? {}).length), dL: hidden ? "?" : precise(meta.dL) }) : "",
    ].filter(Boolean).join(" ");
  }
}

/** Probabilities before and after. */
class Probabilities {
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
class Switches {
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

registerView("nudge", {
  order: 2,
  label: "view.nudge",
  mount(root, lab) {
    lab.nudge ??= new Nudge(lab);
    const controls = h("div", { class: "nudge-controls" });
    const chart = h("div", { class: "nudge-chart" });
    const tabs = makeTabs(lab, [
      { name: "probabilities", label: "nudge.probabilities", mount: (body) => new Probabilities(body, lab) },
      { name: "switches", label: "nudge.switches", mount: (body) => new Switches(body, lab) },
      { name: "quotients", label: "nudge.quotients", mount: (body) => new QuotientChart(body, lab) },
      { name: "weights", label: "tab.weights", mount: (body) => new WeightsPanel(body, lab) },
      { name: "edits", label: "nudge.edits", mount: (body) => new Edits(body, lab) },
    ], "nudge-");
    root.append(controls, chart, tabs.element);
    new Controls(controls, lab);
    new LossChart(chart, lab);
    tabs.open("probabilities");
    lab.nudge.tabs = tabs;
  },
  show(_, lab) {
    lab.nudge.turn(true);
    lab.nudge.tabs.open(lab.nudge.tabs.current());
  },
  hide(_, lab) {
    lab.nudge.turn(false);
    lab.nudge.tabs.part("weights")?.hide?.();
  },
});
