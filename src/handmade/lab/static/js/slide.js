/**
 * The window slides over the map in the loupe: number after number, on request only; any other hover stops it.
 *
 * Interface
 *   new Slide(loupe, lab): slide.element; slide.at, the cell that it has reached, or -1; slide.stop()
 */
import { h, svg } from "./dom.js";

const PERIOD = 250; // ms a step
const [FASTEST, SLOWEST] = [60, 1000];
const SIGNS = { back: "M11 1 5 6 11 11ZM1 1h2v10H1z", play: "M2 1 11 6 2 11Z", pause: "M2 1h3v10H2zM7 1h3v10H7z", forward: "M1 1 7 6 1 11ZM9 1h2v10H9z" }; // in a box of 12 by 12
const signOf = (/** @type {"back"|"play"|"pause"|"forward"} */ name) => svg("svg", { viewBox: "0 0 12 12", width: 11, height: 11, fill: "currentcolor", "aria-hidden": "true" }, svg("path", { d: SIGNS[name] }));
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Slide {
  /**
   * @param {any} loupe
   * @param {any} lab
   */
  constructor(loupe, lab) {
    this.loupe = loupe;
    this.lab = lab;
    this.at = -1;
    this.playing = false;
    /** @type {any} */
    this.timer = 0;
    /** Place that the animation hovers. @type {string|null} */
    this.own = null;
    const button = (/** @type {"back"|"play"|"forward"} */ name, /** @type {() => void} */ run) => h("button", {
      type: "button", class: "icon small", label: `slide.${name}`, data: { testid: `slide-${name}` }, on: { click: run },
    }, signOf(name));
    this.play = button("play", () => (this.playing ? this.stop() : this.#start()));
    this.speed = h("input", { type: "range", min: FASTEST, max: SLOWEST, step: 10, value: PERIOD, label: "slide.speed", data: { testid: "slide-speed" } });
    this.speed.setAttribute("aria-valuetext", `${PERIOD} ms`);
    this.speed.addEventListener("input", () => this.speed.setAttribute("aria-valuetext", `${this.speed.value} ms`));
    this.loop = h("button", { type: "button", class: "icon small", label: "slide.loop", "aria-pressed": "false", data: { testid: "slide-loop" }, on: { click: () => this.loop.setAttribute("aria-pressed", String(!this.#loops)) } }, "↻");
    this.element = h("div", { class: "slide", role: "group", label: "slide.title" }, button("back", () => this.#step(-1)), this.play, button("forward", () => this.#step(1)), this.speed, this.loop);
    lab.focus.addEventListener("hover", (/** @type {CustomEvent} */ event) => { if (event.detail && event.detail !== this.own) this.stop(true); });
    lab.focus.addEventListener("pin", () => {
      if (this.own && lab.focus.hovered === this.own) lab.focus.leave();
      this.stop(true);
    });
    for (const event of ["network", "image"]) lab.data.addEventListener(event, () => this.stop(true));
    const motion = () => {
      this.play.disabled = still.matches;
      this.play.dataset.hint = still.matches ? "slide.reduced" : "slide.playHint";
      if (still.matches && this.playing) this.stop();
    };
    still.addEventListener("change", motion);
    motion();
  }

  get #loops() { return this.loop.getAttribute("aria-pressed") === "true"; }

  get #grid() { return this.loupe.figure.view.grid; }

  #start() {
    this.playing = true;
    if (this.at >= this.#grid.cells - 1) this.at = -1;
    this.#show();
    this.#tick();
  }

  #tick() {
    const last = this.#grid.cells - 1;
    if (this.at >= last && !this.#loops) {
      this.stop();
      return;
    }
    this.#go(this.at >= last ? 0 : this.at + 1);
    if (this.playing) this.timer = setTimeout(() => this.#tick(), Number(this.speed.value));
  }

  /** One step by hand. @param {number} by */
  #step(by) {
    this.stop();
    this.#go(Math.min(this.#grid.cells - 1, Math.max(0, this.at + by)));
  }

  /** @param {number} cell */
  #go(cell) {
    const { loupe, lab } = this;
    if (!lab.data.image) {
      this.stop(true);
      return;
    }
    this.at = cell;
    this.own = lab.strip.placeOf(loupe.figure, cell * this.#grid.channels + loupe.channel);
    lab.focus.hover(this.own);
    loupe.mark();
  }

  /** @param {boolean} [forget] true if the next start is at the first number */
  stop(forget = false) {
    clearTimeout(this.timer);
    this.playing = false;
    if (forget) {
      this.at = -1;
      this.own = null;
    }
    this.#show();
    this.loupe.mark();
  }

  #show() {
    this.play.replaceChildren(signOf(this.playing ? "pause" : "play"));
    this.play.setAttribute("aria-pressed", String(this.playing));
  }
}
