/**
 * What came from the server. sync.js keeps it in step with the store.
 *
 * Interface (fields; an event of the same name fires when one changes)
 *   data.network        NetworkInfo            data.image          image frame, or null with an empty board
 *   data.weights        frame of weights       data.gradients      frame of gradients (direction "backward", or wanted)
 *   data.contributions  frame                  data.sources        {first, sources}
 *   data.training       {a, b}, data.nudge     for the views of training and of nudges: data.set("nudge", value) fires "nudge"
 *   data.pageId         id of the page on the server; null before the first answer
 *   data.label          label that counts for losses: the user's, else the image's, else the predicted class
 *   data.version        counts changes of the image or the network: what was computed for an older version is stale
 *   data.want("weights"|"gradients"|"contributions", true|false, owner)   fetch it now and after every change, for as long as wanted
 *   data.draw(bytes, height, width)   a drawing (grey bytes); resolves when its maps are here
 *   data.dropFile(blob)               a picture file
 *   data.receipt(place, {by, h, expand, lane})   -> Receipt; data.call(method, path, options): any request below /api/pages/{id}
 *   events "gone", "back" (server), "locked" (the server has another token), "trouble" (detail {where, error} or {where, key, place}; where: "image", "network", "page", "place"),
 *   "fine" (detail {where}), "page" (a page was made on the server), "busy" (detail true or false)
 *
 * @typedef {import("./frames.js").Frame} Frame
 * @typedef {import("./places.js").NetworkInfo} NetworkInfo
 */
import { ApiError, request } from "./api.js";
import { Sync } from "./sync.js";

const KEPT = 200; // receipts that are kept

export class Data extends EventTarget {
  /** @param {import("./state.js").Store} store */
  constructor(store) {
    super();
    this.store = store;
    /** @type {NetworkInfo|null} */
    this.network = null;
    /** @type {Frame|null} */
    this.image = null;
    /** @type {Frame|null} */
    this.weights = null;
    /** @type {Frame|null} */
    this.gradients = null;
    /** @type {Frame|null} */
    this.contributions = null;
    /** @type {any} */
    this.sources = null;
    /** @type {any} */
    this.nudge = null;
    /** @type {{a: any, b: any}} */
    this.training = { a: null, b: null };
    /** @type {string|null} */
    this.pageId = null;
    this.version = 0;
    /** Source of the first network. @type {string|null} */
    this.first = null;
    this.gone = false;
    /** @type {Record<string, Set<string>>} */
    this.wanted = { weights: new Set(), gradients: new Set(), contributions: new Set() };
    /** @type {Record<string, number>} */
    this.fetched = { weights: -1, gradients: -1, contributions: -1 };
    /** @type {Map<string, any>} */
    this.receipts = new Map();
    /** @type {{path: string, body: BodyInit, done: (frame: Frame|null) => void}|null} */
    this.picture = null;
    this.steps = new Sync(this, store);
    store.subscribe(() => this.sync());
    addEventListener("pagehide", (event) => {
      if (this.pageId && !event.persisted) navigator.sendBeacon(`/api/pages/${this.pageId}/close`);
    });
    addEventListener("pageshow", (event) => { if (event.persisted) this.sync(); });
  }

  /** True if the network is that of a training on this server. */
  get adopted() { return !!this.network?.source.startsWith("trained:"); }

  get label() {
    const meta = this.image?.meta;
    return this.store.state.label ?? meta?.label ?? meta?.predicted ?? null;
  }

  /**
   * @param {string} name
   * @param {any} value
   */
  set(name, value) {
    /** @type {any} */ (this)[name] = value;
    this.dispatchEvent(new CustomEvent(name, { detail: value }));
  }

  /**
   * @param {string} event
   * @param {any} [detail]
   */
  tell(event, detail) { this.dispatchEvent(new CustomEvent(event, { detail })); }

  /**
   * @param {"weights"|"gradients"|"contributions"} name
   * @param {boolean} wanted
   * @param {string} owner
   */
  want(name, wanted, owner) {
    if (wanted) this.wanted[name].add(owner);
    else this.wanted[name].delete(owner);
    if (wanted && this.fetched[name] !== this.version) this.sync();
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} bytes
   * @param {number} height
   * @param {number} width
   * @returns {Promise<Frame|null>}
   */
  draw(bytes, height, width) {
    return this.#picture(`drawing?height=${height}&width=${width}&${this.#stages()}`, bytes);
  }

  /** @param {Blob} file */
  dropFile(file) { return this.#picture(`file?${this.#stages()}`, file); }

  /** Keep the page of the server in step with the state. */
  sync() { return this.steps.run(); }

  /**
   * @param {string} method
   * @param {string} path path below /api/pages/{id}/
   * @param {{json?: any, body?: BodyInit, signal?: AbortSignal, frame?: boolean}} [options]
   */
  async call(method, path, options = {}) {
    try {
      return await request(method, `/api/pages/${this.pageId}/${path}`, options);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "no_page") throw error;
      await this.steps.makePage(this.store.state);
      return request(method, `/api/pages/${this.pageId}/${path}`, options);
    }
  }

  /**
   * @param {string} at
   * @param {{by?: string, h?: number, expand?: number[]|null, lane?: string|null, signal?: AbortSignal}} [options] lane: in the network of a training
   */
  async receipt(at, { by = this.store.state.by, h, expand = null, lane = null, signal } = {}) {
    const body = { at, by, label: this.label, expand, ...(h === undefined ? {} : { h }), ...(lane ? { lane } : {}) };
    if (lane) return this.call("POST", "receipt", { json: body, signal });
    const key = `${this.version} ${JSON.stringify(body)}`;
    const kept = this.receipts.get(key);
    if (kept) return kept;
    const receipt = await this.call("POST", "receipt", { json: body, signal });
    this.receipts.set(key, receipt);
    if (this.receipts.size > KEPT) this.receipts.delete(this.receipts.keys().next().value ?? "");
    return receipt;
  }

  async loadSources() {
    this.set("sources", await request("GET", "/api/sources"));
    return this.sources;
  }

  /** Take a frame of an image that a view received by itself. @param {Frame} frame */
  take(frame) {
    this.version += 1;
    this.receipts.clear();
    this.set("image", frame);
  }

  /** Take a network that the server put into this page: weights of a training, which have a source of their own. @param {NetworkInfo} network */
  async adopt(network) {
    this.steps.sent = { network: JSON.stringify([network.source, network.seed]), edits: "[]", image: "" };
    this.set("network", network);
    this.store.change({ source: network.source, seed: network.seed, edits: [] }, { how: "push", undo: true });
    await this.sync();
  }

  #stages() {
    const { stages, label } = this.store.state;
    const on = Object.entries(stages).filter(([, used]) => used).map(([name]) => name).join(",");
    return `stages=${on}${label === null ? "" : `&label=${label}`}`;
  }

  /**
   * @param {string} path
   * @param {BodyInit} body
   * @returns {Promise<Frame|null>}
   */
  #picture(path, body) {
    this.picture?.done(null);
    return new Promise((done) => {
      this.picture = { path, body, done };
      this.sync();
    });
  }

  /** A view's request failed because nobody answered. */
  lost() { this.steps.wait(); }
}
