/**
 * Covered numbers: the page may show them nowhere until they were predicted or revealed.
 *
 * Interface
 *   new Cover(lab): lab.cover
 *   cover.any                          true if something is covered
 *   cover.hides(place, value)          true if this number is covered, or if it is a covered one that a layer passed on (ReLU, pool, flatten)
 *   cover.written(place, value, write) write(value), or "?"
 *   cover.mask(room, shape, values, gradient)   values with NaN in the place of hidden numbers; the same array if nothing is hidden
 *   cover.numbers()                    values that are covered
 */
import { find, placeAt } from "./places.js";

export class Cover {
  /** @param {any} lab {store, data, focus} */
  constructor(lab) {
    this.lab = lab;
    /** Places and products that are covered. @type {Set<string>} */
    this.places = new Set();
    /** Activations and gradients that are covered: a layer may pass them on as they are. @type {Set<number>} */
    this.values = new Set();
    /** Masked arrays, until something changes. @type {Map<ArrayLike<number>, {room: string, gradient: boolean, masked: ArrayLike<number>}>} */
    this.masks = new Map();
    const read = () => this.#read();
    lab.store.subscribe((/** @type {any} */ state, /** @type {any} */ old) => { if (state.covered !== old.covered || state.label !== old.label) read(); });
    for (const event of ["image", "gradients", "weights", "network"]) lab.data.addEventListener(event, read);
    read();
  }

  get any() { return this.places.size > 0; }

  #read() {
    const { store, data, focus } = this.lab;
    this.places = new Set(store.state.covered);
    this.values = new Set();
    this.masks = new Map();
    const label = store.state.label ?? data.image?.meta.label;
    if (this.places.has("loss")) this.places.add(`probability[${label}]`); // loss = -log of it
    if (this.places.has(`probability[${label}]`)) this.places.add("loss");
    for (const place of this.places) {
      const value = passedOn(data.network, place) ? focus.value(place) : null;
      if (value) this.values.add(value); // zeros are everywhere
    }
  }

  /**
   * @param {string|null|undefined} place
   * @param {number|null} [value]
   */
  hides(place, value = null) {
    if (!place || !this.places.size) return false;
    return this.places.has(place) || (value !== null && this.values.has(value) && passedOn(this.lab.data.network, place));
  }

  /**
   * @param {string} place
   * @param {number|null} value
   * @param {(value: number|null) => string} write
   */
  written(place, value, write) { return this.hides(place, value) ? "?" : write(value); }

  /**
   * Return true if the numbers of a nudge would tell a covered one: the loss, the nudged number, or its gradient.
   * @param {string} at
   * @param {number} value
   */
  hidesNudge(at, value) { return this.hides("loss") || this.hides(at, value) || this.hides(`d loss / d ${at}`); }

  /** Values of all covered places. @returns {Set<number>} */
  numbers() {
    const known = [...this.places].map((place) => this.lab.focus.value(place)).filter((value) => value !== null);
    return new Set(/** @type {number[]} */ (known));
  }

  /**
   * @param {string} room name of a node or of an array of weights in a place
   * @param {number[]} shape
   * @param {ArrayLike<number>} values
   * @param {boolean} gradient
   * @returns {ArrayLike<number>}
   */
  mask(room, shape, values, gradient) {
    if (!this.places.size) return values;
    const kept = this.masks.get(values);
    if (kept?.room === room && kept.gradient === gradient) return kept.masked;
    const { network } = this.lab.data;
    const hidden = [...this.places].map((place) => find(network, place)).filter((found) => found?.room === room && found.gradient === gradient).map((found) => found?.offset ?? 0);
    if (this.values.size && passedOn(network, placeAt(room, shape, 0, gradient))) {
      for (let i = 0; i < values.length; i++) if (this.values.has(values[i])) hidden.push(i);
    }
    let masked = values;
    if (hidden.length) {
      masked = Float64Array.from(values);
      for (const offset of hidden) /** @type {Float64Array} */ (masked)[offset] = Number.NaN;
    }
    this.masks.set(values, { room, gradient, masked });
    return masked;
  }
}

/**
 * Return true for an activation or a gradient of one; pixels and weights are no results.
 * @param {any} network
 * @param {string} place
 */
function passedOn(network, place) {
  const found = find(network, place);
  return found?.kind === "node" && found.room !== "input";
}
