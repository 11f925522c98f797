/**
 * The number that is looked at: hovered, pinned (store.state.focus) and a second one beside it (store.state.second).
 *
 * Interface
 *   focus.prepare(place)                  ask for its receipt; the pointer is there, and the next picture shows it
 *   focus.hover(place), focus.leave()     the pointer or the keyboard is on a number; on none
 *   focus.pin(place, {second, trail})     pins it; trail: it was reached from the pinned receipt, so a way back is kept
 *   focus.back()                          back along the trail
 *   focus.unpin()                         one level: the second, then the first; returns false if nothing was pinned
 *   focus.hovered, focus.trail
 *   focus.value(place)                    the stored number, from the frames that are here, or null
 *   events: "hover" (detail place or null), "receipt" (detail {place, receipt, error}; of the hovered place), "pin" (the pins changed)
 *   One request for a hovered receipt is in flight at a time; the newest place wins.
 */
import { ApiError, GoneError } from "./api.js";
import { find } from "./places.js";

export class Focus extends EventTarget {
  /**
   * @param {import("./state.js").Store} store
   * @param {import("./data.js").Data} data
   */
  constructor(store, data) {
    super();
    this.store = store;
    this.data = data;
    /** @type {string|null} */
    this.hovered = null;
    /** @type {string[]} */
    this.trail = [];
    this.asking = false;
    /** Training whose network is shown, and its newest frame: numbers are those of this network. @type {{lane: string, frame: import("./frames.js").Frame}|null} */
    this.trained = null;
    /** Place that was asked for before it is hovered. @type {string|null} */
    this.prepared = null;
    /** @type {string|null} */
    this.next = null;
    store.subscribe((state, old) => {
      if (state.focus !== old.focus || state.second !== old.second) this.dispatchEvent(new Event("pin"));
    });
    data.addEventListener("network", () => this.#dropUnknown());
  }

  /** @param {string} place */
  hover(place) {
    if (place === this.hovered) return;
    this.hovered = place;
    this.dispatchEvent(new CustomEvent("hover", { detail: place }));
    this.next = place;
    this.#ask();
  }

  /** Ask for the receipt of a place that is hovered next. @param {string} place */
  prepare(place) {
    if (place === this.hovered || place === this.prepared) return;
    this.prepared = place;
    this.next = place;
    this.#ask();
  }

  leave() {
    if (this.hovered === null) return;
    this.hovered = null;
    this.next = null;
    this.dispatchEvent(new CustomEvent("hover", { detail: null }));
  }

  /**
   * @param {string} place
   * @param {{second?: boolean, trail?: boolean}} [options]
   */
  pin(place, { second = false, trail = false } = {}) {
    const { focus } = this.store.state;
    if (second && focus && focus !== place) {
      this.store.change({ second: place }, { how: "push" });
      return;
    }
    if (place === focus) return;
    this.trail = trail && focus ? [...this.trail, focus].slice(-12) : [];
    this.store.change({ focus: place, second: null }, { how: "push" });
  }

  /** @param {number} [index] of the trail */
  back(index = this.trail.length - 1) {
    const place = this.trail[index];
    if (!place) return;
    this.trail = this.trail.slice(0, index);
    this.store.change({ focus: place, second: null }, { how: "push" });
  }

  unpin() {
    const { focus, second } = this.store.state;
    if (second) this.store.change({ second: null }, { how: "push" });
    else if (focus) {
      this.trail = [];
      this.store.change({ focus: null }, { how: "push" });
    } else return false;
    return true;
  }

  /**
   * @param {string|null} place
   * @returns {number|null}
   */
  value(place) {
    const found = find(this.data.network, place);
    if (!found) return null;
    const { gradients, weights } = this.data;
    const image = this.trained && !found.gradient ? this.trained.frame : this.data.image;
    if (found.kind === "loss") return image?.meta.loss ?? null;
    if (found.kind === "probability") return image?.arrays.probabilities?.values[found.offset] ?? null;
    const name = found.node && found.kind === "node" ? found.node.name : found.array?.key ?? "";
    if (found.gradient) return gradients?.arrays[`grad:${name}`]?.values[found.offset] ?? null;
    if (found.kind === "weight" && this.trained) return this.trained.frame.arrays[`weight:${name}`]?.values[found.offset] ?? null;
    if (found.kind === "weight") return weights?.arrays[name]?.values[found.offset] ?? null;
    const array = name === "input" ? image?.arrays.input : image?.arrays[`act:${name}`];
    return array?.values[found.offset] ?? null;
  }

  async #ask() {
    if (this.asking) return;
    this.asking = true;
    while (this.next) {
      const place = this.next;
      this.next = null;
      try {
        if (!this.data.image || !this.data.pageId) continue;
        const receipt = await this.data.receipt(place, { lane: this.trained?.lane ?? null });
        if (place === this.hovered) this.#tell({ place, receipt });
      } catch (error) {
        if (error instanceof GoneError) this.data.lost();
        else if (error instanceof ApiError && place === this.hovered) this.#tell({ place, error: error.message });
      }
    }
    this.asking = false;
  }

  /** @param {{place: string, receipt?: any, error?: string}} detail */
  #tell(detail) { this.dispatchEvent(new CustomEvent("receipt", { detail })); }

  /** Unpin places that this network has not. */
  #dropUnknown() {
    const { focus, second } = this.store.state;
    const [first, other] = [focus, second].map((place) => (find(this.data.network, place) ? place : null));
    if (first === focus && other === second) return;
    this.trail = [];
    this.store.change({ focus: first, second: first ? other : null });
    this.data.tell("trouble", { where: "place", key: "problem.place", place: first === focus ? second : focus });
  }
}
