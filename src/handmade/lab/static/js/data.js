/**
 * What came from the server: kept in step with the store, one request after the other, the newest state first.
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
 *   data.receipt(place, {by, h, expand})   -> Receipt; data.call(method, path, options): any request below /api/pages/{id}
 *   events "gone", "back" (server), "locked" (the server has another token), "trouble" (detail {where, message}; where: "image", "network", "page", "place"),
 *   "fine" (detail {where}), "page" (a page was made on the server), "busy" (detail true or false)
 *
 * @typedef {import("./frames.js").Frame} Frame
 * @typedef {import("./places.js").NetworkInfo} NetworkInfo
 * @typedef {import("./state.js").State} State
 */
import { ApiError, GoneError, request, whenBack } from "./api.js";

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
    this.sent = { network: "", image: "", edits: "[]" };
    this.running = false;
    this.again = false;
    store.subscribe(() => this.sync());
    addEventListener("pagehide", (event) => {
      if (this.pageId && !event.persisted) navigator.sendBeacon(`/api/pages/${this.pageId}/close`);
    });
    addEventListener("pageshow", (event) => { if (event.persisted) this.sync(); });
  }

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

  /** Keep the page of the server in step with the state: one request after the other, until nothing differs. */
  async sync() {
    this.again = true;
    if (this.running || this.gone) return;
    this.running = true;
    while (this.again && !this.gone) {
      this.again = false;
      try {
        await this.#step(this.store.state);
      } catch (error) {
        await this.#failed(error, "page");
      }
    }
    this.running = false;
  }

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
      await this.#makePage(this.store.state);
      return request(method, `/api/pages/${this.pageId}/${path}`, options);
    }
  }

  /**
   * @param {string} at
   * @param {{by?: string, h?: number, expand?: number[]|null, signal?: AbortSignal}} [options]
   */
  async receipt(at, { by = this.store.state.by, h, expand = null, signal } = {}) {
    const body = { at, by, label: this.label, expand, ...(h === undefined ? {} : { h }) };
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

  /** Take a network that the server put into this page (an adopted training); edits are dropped. @param {NetworkInfo} network */
  async adopt(network) {
    this.sent.network = JSON.stringify([network.source, network.seed]);
    this.sent.edits = "[]";
    this.sent.image = "";
    this.set("network", network);
    this.store.change({ source: network.source, seed: network.seed, edits: [] }, { how: "push" });
    await this.sync();
  }

  /** @param {State} state */
  #networkKey(state) { return JSON.stringify([state.source ?? this.first, state.seed]); }

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

  /** @param {State} state */
  async #step(state) {
    if (!this.pageId) await this.#makePage(state);
    const network = this.#networkKey(state);
    if (network !== this.sent.network) await this.#changeNetwork(state, network);
    const edits = JSON.stringify(state.edits);
    const image = imageKey(state);
    if (this.picture) await this.#sendPicture(state);
    else if (image !== this.sent.image) await this.#changeImage(state, image);
    if (edits !== this.sent.edits) await this.#changeEdits(state, edits);
    if (!this.again) await this.#fetchWanted(state);
  }

  /** @param {State} state */
  async #makePage(state) {
    const body = { source: state.source, seed: state.seed, edits: state.edits, image: null, label: null, stages: state.stages };
    let answer;
    try {
      answer = await request("POST", "/api/pages", { json: body });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status === 403 || error.status >= 500) throw error;
      this.tell("trouble", { where: "network", message: error.message });
      answer = await request("POST", "/api/pages", { json: { ...body, source: null, edits: [] } });
      state = { ...state, source: answer.network.source, edits: [], image: null, label: null, focus: null, second: null };
      this.store.change(state);
    }
    this.pageId = answer.page;
    this.first ??= answer.network.source;
    this.sent = { network: this.#networkKey(state), image: "", edits: JSON.stringify(state.edits) };
    this.fetched = { weights: -1, gradients: -1, contributions: -1 };
    this.set("network", answer.network);
    this.tell("page", answer);
  }

  /**
   * @param {State} state
   * @param {string} key
   */
  async #changeNetwork(state, key) {
    this.sent.network = key;
    this.tell("busy", true);
    try {
      const answer = await this.call("PUT", "network", { json: { source: state.source ?? this.first, seed: state.seed } });
      this.sent.edits = "[]";
      this.sent.image = "";
      this.version += 1;
      this.receipts.clear();
      this.set("network", answer.network);
      this.tell("fine", { where: "network" });
    } catch (error) {
      await this.#failed(error, "network", () => { this.sent.network = ""; });
    } finally {
      this.tell("busy", false);
    }
  }

  /**
   * @param {State} state
   * @param {string} key
   */
  async #changeImage(state, key) {
    this.sent.image = key;
    if (state.image && "split" in state.image && !this.network?.fits_data) {
      this.store.change({ image: null, label: null });
      return;
    }
    if (!state.image) {
      this.take(/** @type {any} */ (null));
      return;
    }
    try {
      this.#received(await this.call("PUT", "image", {
        frame: true, json: { choice: state.image, label: state.label, stages: state.stages },
      }));
    } catch (error) {
      if (error instanceof ApiError && error.status !== 403 && error.code !== "no_page") this.take(/** @type {any} */ (null));
      await this.#failed(error, "image", () => { this.sent.image = ""; });
    }
  }

  /** @param {State} state */
  async #sendPicture(state) {
    const { path, body, done } = /** @type {NonNullable<typeof this.picture>} */ (this.picture);
    this.picture = null;
    this.sent.image = imageKey(state);
    try {
      const frame = await this.call("PUT", path, { frame: true, body });
      if (frame.meta.choice) this.sent.image = imageKey({ ...this.store.state, image: frame.meta.choice });
      this.#received(frame);
      done(frame);
    } catch (error) {
      done(null);
      await this.#failed(error, "image");
    }
  }

  /**
   * @param {State} state
   * @param {string} key
   */
  async #changeEdits(state, key) {
    this.sent.edits = key;
    try {
      const frame = await this.call("PUT", "edits", { frame: true, json: { edits: state.edits, label: state.label } });
      if (state.image) this.#received(frame);
      else this.version += 1;
    } catch (error) {
      await this.#failed(error, "network", () => { this.sent.edits = ""; });
    }
  }

  /** @param {Frame} frame */
  #received(frame) {
    this.take(frame);
    this.tell("fine", { where: "image" });
  }

  /** @param {State} state */
  async #fetchWanted(state) {
    const labelled = this.label === null ? "" : `?label=${this.label}`;
    const backward = state.direction === "backward";
    /** @type {[string, boolean, string][]} */
    const all = [
      ["gradients", (backward || this.wanted.gradients.size > 0) && !!this.image && this.label !== null, `gradients${labelled}`],
      ["weights", this.wanted.weights.size > 0, "weights"],
      ["contributions", this.wanted.contributions.size > 0 && !!this.image, "contributions"],
    ];
    for (const [name, wanted, path] of all) {
      if (!wanted || this.fetched[name] === this.version || this.again) continue;
      const version = this.version;
      try {
        const frame = await this.call("GET", path, { frame: true });
        this.fetched[name] = version;
        this.set(name, frame);
      } catch (error) {
        this.fetched[name] = version;
        await this.#failed(error, "image");
      }
    }
  }

  /**
   * @param {any} error
   * @param {string} where
   * @param {() => void} [repeat] what makes the request due again once the server is back
   */
  async #failed(error, where, repeat) {
    if (error.name === "AbortError") return;
    if (error instanceof ApiError && error.status === 403) {
      this.pageId = null;
      this.#locked();
      return;
    }
    if (error instanceof ApiError && error.code === "no_page") {
      this.pageId = null;
      this.again = true;
    } else if (error instanceof ApiError) this.tell("trouble", { where, message: error.message });
    else if (error instanceof GoneError) {
      repeat?.();
      this.#wait();
    } else throw error;
  }

  /** The server was started again and has another token: go on when another tab has opened its link. */
  #locked() {
    if (this.again) return;
    this.tell("locked");
    setTimeout(() => this.sync(), 2000);
  }

  /** Say that the server is gone, and go on when it is back. */
  async #wait() {
    if (this.gone) return;
    this.gone = true;
    this.tell("gone");
    await whenBack();
    this.gone = false;
    this.pageId = null;
    this.receipts.clear();
    this.tell("back");
    this.sync();
  }

  /** A view's request failed because nobody answered. */
  lost() { this.#wait(); }
}

/** @param {State} state */
function imageKey(state) {
  const stages = state.image && "pixels" in state.image ? null : state.stages;
  return JSON.stringify([state.image, state.label, stages]);
}
