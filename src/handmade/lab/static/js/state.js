/**
 * The state of the page: one serialisable value, in the address and in the browser's history.
 *
 * Interface
 *   store.state                       the frozen State
 *   store.change(patch, options)      options.how: "push" (Back returns) or "replace"; options.undo: true stores a step for undo
 *   store.undo(), store.redo()        restore the keys in UNDOABLE; the view, the pinned place and the direction stay
 *   store.canUndo, store.canRedo
 *   store.subscribe(fn(state, old))   returns a function that ends the subscription
 *   store.link()                      address with the state, or null if it is too long for an address
 *   store.problem                     text key of a problem with the link that was opened, or null
 *
 * @typedef {{split: "test"|"train", index: number}|{pixels: string}} Choice
 * @typedef {{crop: boolean, scale: boolean, centre: boolean}} Stages
 * @typedef {{at: string, step: number}} Edit
 * @typedef {{
 *   v: 1, source: string|null, seed: number, image: Choice|null, stages: Stages, label: number|null, edits: Edit[],
 *   focus: string|null, second: string|null, direction: "forward"|"backward",
 *   by: "backprop"|"difference"|"definition", view: string, nudge: {at: string, h: number}|null,
 *   scale: "map"|"layer"|"network", covered: string[], score: {right: number, wrong: number}, step: string|null
 * }} State
 */

const KEY = "s=";
const LONGEST = 2000; // characters of a hash
const STEPS = 100; // steps of undo that are kept
const STORED = "handmade.lab.undo"; // in sessionStorage: each tab has its own steps

/** Keys that undo and redo restore. @type {(keyof State)[]} */
export const UNDOABLE = ["source", "seed", "image", "stages", "label", "edits", "nudge", "covered", "score"];

/** @type {State} */
export const FIRST = Object.freeze(/** @type {State} */ ({
  v: 1, source: null, seed: 0, image: { split: "test", index: 0 }, stages: { crop: true, scale: true, centre: true },
  label: null, edits: [], focus: null, second: null, direction: "forward", by: "backprop", view: "look",
  nudge: null, scale: "layer", covered: [], score: { right: 0, wrong: 0 }, step: null,
}));

const isText = (/** @type {any} */ x) => typeof x === "string" && x.length <= 200;
const isCount = (/** @type {any} */ x) => Number.isInteger(x) && x >= 0;
const orNull = (/** @type {(x: any) => boolean} */ test) => (/** @type {any} */ x) => x === null || test(x);
const oneOf = (/** @type {string[]} */ ...names) => (/** @type {any} */ x) => names.includes(x);
const listOf = (/** @type {(x: any) => boolean} */ test) => (/** @type {any} */ x) =>
  Array.isArray(x) && x.length <= 10000 && x.every(test);
const isNudge = (/** @type {any} */ x) => x && isText(x.at) && Number.isFinite(x.h);

/** @type {Record<string, (x: any) => boolean>} */
const CHECKS = {
  v: (x) => x === 1,
  source: orNull(isText),
  seed: isCount,
  image: orNull((x) => (typeof x?.pixels === "string" && /^[\w-]*=*$/.test(x.pixels))
    || ((x?.split === "test" || x?.split === "train") && isCount(x.index))),
  stages: (x) => x && ["crop", "scale", "centre"].every((name) => typeof x[name] === "boolean"),
  label: orNull(isCount),
  edits: listOf((x) => x && isText(x.at) && Number.isFinite(x.step)),
  focus: orNull(isText),
  second: orNull(isText),
  direction: oneOf("forward", "backward"),
  by: oneOf("backprop", "difference", "definition"),
  view: oneOf("look", "nudge", "train", "quiz", "workbook"),
  nudge: orNull(isNudge),
  scale: oneOf("map", "layer", "network"),
  covered: listOf(isText),
  score: (x) => x && isCount(x.right) && isCount(x.wrong),
  step: orNull(isText),
};

/**
 * Return a checked state, or null if a value of it is not one of ours. Unknown keys are ignored.
 * @param {any} value
 * @returns {State|null}
 */
export function checked(value) {
  if (!value || typeof value !== "object" || value.v !== 1) return null;
  /** @type {Record<string, any>} */
  const state = { ...FIRST };
  for (const [name, check] of Object.entries(CHECKS)) {
    if (!(name in value)) continue;
    if (!check(value[name])) return null;
    state[name] = value[name];
  }
  return /** @type {State} */ (Object.freeze(state));
}

/** @param {string} text */
export function toBase64url(text) {
  const bytes = new TextEncoder().encode(text);
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {string} text */
export function fromBase64url(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(binary, (c) => c.charCodeAt(0)));
}

/**
 * Return the hash of a state: only the keys that differ from the first state.
 * @param {State} state
 */
export function hashOf(state) {
  const changed = Object.entries(state).filter(([name, value]) =>
    name === "v" || JSON.stringify(value) !== JSON.stringify(FIRST[/** @type {keyof State} */ (name)]));
  return changed.length === 1 ? "" : `#${KEY}${toBase64url(JSON.stringify(Object.fromEntries(changed)))}`;
}

/**
 * Return the state in a hash: null if there is none, "broken" if it cannot be read. "#workbook" and "#workbook=relu" open the workbook.
 * @param {string} hash
 * @returns {State|null|"broken"}
 */
export function stateOf(hash) {
  const text = hash.replace(/^#/, "");
  const exercise = /^workbook(?:=(\w+))?$/.exec(text);
  if (exercise) return checked({ v: 1, view: "workbook", step: exercise[1] ?? null });
  if (!text.startsWith(KEY)) return null;
  try {
    return (text.length <= 8 * LONGEST && checked(JSON.parse(fromBase64url(text.slice(KEY.length))))) || "broken";
  } catch {
    return "broken";
  }
}

/** Stored state of the page. */
export class Store {
  constructor() {
    /** @type {((state: State, old: State) => void)[]} */
    this.listeners = [];
    /** @type {Partial<State>[]} */
    this.undone = [];
    /** @type {Partial<State>[]} */
    this.done = [];
    /** @type {string|null} */
    this.problem = null;
    const linked = stateOf(location.hash);
    if (linked === "broken") this.problem = "problem.link";
    /** @type {State} */
    this.state = (linked !== "broken" && linked) || checked(history.state?.lab) || FIRST;
    try {
      const stored = JSON.parse(sessionStorage.getItem(STORED) ?? "null");
      if (stored) [this.done, this.undone] = [stored.done, stored.undone];
    } catch { /* Storage may be switched off. */ }
    this.#write("replace");
    addEventListener("popstate", (event) => this.#restore(event.state));
    addEventListener("hashchange", () => {
      if (location.hash !== hashOf(this.state)) this.#restore(null);
    });
  }

  get canUndo() { return this.done.length > 0; }

  get canRedo() { return this.undone.length > 0; }

  /**
   * @param {Partial<State>} patch
   * @param {{how?: "push"|"replace", undo?: boolean}} [options]
   */
  change(patch, { how = "replace", undo = false } = {}) {
    const old = this.state;
    const state = Object.freeze({ ...old, ...patch });
    if (JSON.stringify(state) === JSON.stringify(old)) return;
    if (undo) {
      this.done = [...this.done.slice(1 - STEPS), undoable(old)];
      this.undone = [];
    }
    this.#set(state, how);
  }

  undo() { this.#step(this.done, this.undone); }

  redo() { this.#step(this.undone, this.done); }

  /** Return true if the next undo restores an image and nothing else. */
  get undoesImage() {
    const last = this.done.at(-1);
    return !!last && UNDOABLE.every((name) => name === "image" || name === "label"
      || JSON.stringify(last[name]) === JSON.stringify(this.state[name]));
  }

  /** @param {(state: State, old: State) => void} listener */
  subscribe(listener) {
    this.listeners.push(listener);
    return () => { this.listeners = this.listeners.filter((other) => other !== listener); };
  }

  link() {
    const hash = hashOf(this.state);
    return hash.length <= LONGEST ? location.origin + location.pathname + hash : null;
  }

  /**
   * @param {Partial<State>[]} from
   * @param {Partial<State>[]} to
   */
  #step(from, to) {
    const now = JSON.stringify(undoable(this.state));
    let patch = from.pop();
    while (patch && JSON.stringify(patch) === now) patch = from.pop(); // Back has been there already
    if (!patch) return;
    to.push(undoable(this.state));
    this.#set(Object.freeze({ ...this.state, ...patch }), "push");
  }

  /**
   * @param {State} state
   * @param {"push"|"replace"} how
   */
  #set(state, how) {
    const old = this.state;
    this.state = state;
    this.#write(how);
    for (const listener of this.listeners) listener(state, old);
  }

  /** @param {"push"|"replace"} how */
  #write(how) {
    const hash = hashOf(this.state);
    const address = location.pathname + (hash.length <= LONGEST ? hash : "");
    try {
      history[how === "push" ? "pushState" : "replaceState"]({ lab: this.state }, "", address);
      sessionStorage.setItem(STORED, JSON.stringify({ done: this.done, undone: this.undone }));
    } catch { /* The browser limits how often and how much; the page goes on. */ }
  }

  /** @param {any} stored */
  #restore(stored) {
    const linked = stateOf(location.hash);
    const state = checked(stored?.lab) ?? (linked === "broken" ? null : linked ?? FIRST);
    if (state) this.#set(state, "replace");
    else {
      this.problem = "problem.link";
      this.#set(this.state, "replace");
    }
  }
}

/** @param {State} state @returns {Partial<State>} */
function undoable(state) {
  return Object.fromEntries(UNDOABLE.map((name) => [name, state[name]]));
}
