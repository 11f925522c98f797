/**
 * Controls of a nudge: the number, the slider of h, "Apply", and the table of losses and slopes.
 *
 * Interface
 *   new NudgeControls(root, lab)      follows lab.nudge
 */
import { h } from "./dom.js";
import { find } from "./places.js";
import { write } from "./said.js";
import { brief, count, exact, languages, number, precise, text } from "./text.js";

const [LEAST, MOST] = [-6, 1]; // powers of 10 of |h| on the slider
const STEPS = 1000;
const LARGEST = 1e6; // |h|

/** @param {number} step */
const onSlider = (step) => Math.sign(step) * Math.max(1, Math.round((STEPS * (Math.log10(Math.abs(step)) - LEAST)) / (MOST - LEAST)));
/** @param {number} at */
const ofSlider = (at) => Number(((at < 0 ? -1 : 1) * 10 ** (LEAST + ((MOST - LEAST) * Math.abs(at)) / STEPS)).toPrecision(2));

export class NudgeControls {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    this.lab = lab;
    /** @type {import("./nudge.js").Nudge} */
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
    this.ticks = h("span", { class: "ticks", "aria-hidden": "true" });
    root.append(
      h("p", { class: "nudge-target" }, h("span", { t: "nudge.number" }), " ", this.target, " = ", this.now),
      h("div", { class: "nudge-slider" }, this.slider,
        this.ticks),
      h("div", { class: "nudge-row" }, h("label", {}, "h ", this.field), this.flip, this.apply), this.problem, this.table, this.moved);
    for (const event of ["moved", "target"]) this.nudge.addEventListener(event, () => this.draw());
    const ticks = () => this.ticks.replaceChildren(...[number(-10), number(-0.003), "±10⁻⁶", number(0.003), number(10)].map((words) => h("span", {}, words)));
    languages.addEventListener("change", () => {
      ticks();
      this.draw();
    });
    ticks();
    this.draw();
  }

  /** @param {boolean} store */
  #slide(store) { this.nudge.move(ofSlider(Number(this.slider.value)), { store }); }

  #type() {
    const step = Number(this.field.value);
    if (Number.isFinite(step) && step !== 0 && Math.abs(step) <= LARGEST && this.field.value !== "") this.nudge.move(step);
    else {
      write(this.problem, () => text("nudge.zero", { most: count(LARGEST) }));
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
    const hidden = !!meta && this.lab.cover.hidesNudge(at, meta.before);
    this.now.textContent = meta ? `${hidden ? "?" : precise(meta.before)} ${step < 0 ? "−" : "+"} ${precise(Math.abs(step))}` : "–";
    this.slider.value = String(onSlider(step));
    this.slider.setAttribute("aria-valuetext", `h = ${precise(step)}`);
    if (document.activeElement !== this.field) this.field.value = String(step);
    this.apply.disabled = found?.kind !== "weight" || !meta;
    this.apply.title = text(found && found.kind !== "weight" ? "nudge.noApply" : "nudge.applyHint");
    write(this.problem, () => problem() || (image ? "" : text("receipt.noImage")));
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
