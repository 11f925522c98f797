/**
 * A nudge: one number moved by h, and the server's answer: the exact differences of every layer, the loss, the branches that switch.
 *
 * Interface
 *   new Nudge(lab) as lab.nudge: {at, h, frame}; events of it: "moved" (another answer is here), "target" (another number)
 *   nudge.aim(place), nudge.move(h, {store: true})
 *   One request is in flight at a time; the newest h wins.
 */
import { ApiError, GoneError } from "./api.js";
import { find, placeAt, ravel } from "./places.js";
import { text } from "./text.js";

const IDLE = 250; // ms after the last key before h goes into the state
const FIRST = 0.1; // h until the user chooses another
const MARKED = 400; // switched places that are outlined

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
    /** @type {() => string} */
    this.problem = () => "";
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
      this.problem = () => text("nudge.fixed", { place });
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
        this.#received(null, () => "");
        continue;
      }
      try {
        const frame = await data.call("POST", "nudge", { frame: true, json: { at, h: step, label: data.label, maps: true } });
        if (at === this.at && this.on) this.#received(frame, () => "");
      } catch (error) {
        if (error instanceof GoneError) data.lost();
        else if (error instanceof ApiError) this.#received(null, () => error.message);
      }
    }
    this.asking = false;
  }

  /**
   * @param {import("./frames.js").Frame|null} frame
   * @param {() => string} problem
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
