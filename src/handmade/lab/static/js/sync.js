/**
 * Keeps the page on the server in step with the state: one request after the other, always for the newest state.
 *
 * Interface
 *   new Sync(data, store): sync.run() until nothing differs; sync.makePage(state) when the server has forgotten the page;
 *   sync.wait() when nobody answers; sync.sent: the network, image and edits that the server has, as text
 */
import { ApiError, GoneError, request, whenBack } from "./api.js";

/**
 * @typedef {import("./frames.js").Frame} Frame
 * @typedef {import("./state.js").State} State
 */

export class Sync {
  /**
   * @param {import("./data.js").Data} data
   * @param {import("./state.js").Store} store
   */
  constructor(data, store) {
    this.data = data;
    this.store = store;
    this.sent = { network: "", image: "", edits: "[]" };
    this.running = false;
    this.again = false;
  }

  /** One request after the other, until nothing differs. */
  async run() {
    this.again = true;
    if (this.running || this.data.gone) return;
    this.running = true;
    while (this.again && !this.data.gone) {
      this.again = false;
      try {
        await this.#step(this.store.state);
      } catch (error) {
        await this.#failed(error, "page");
      }
    }
    this.running = false;
  }

  /** @param {State} state */
  #networkKey(state) { return JSON.stringify([state.source ?? this.data.first ?? "", state.seed]); }

  /** @param {State} state */
  async #step(state) {
    if (!this.data.pageId) await this.makePage(state);
    const network = this.#networkKey(state);
    if (network !== this.sent.network) await this.#changeNetwork(state, network);
    const edits = JSON.stringify(state.edits);
    const image = imageKey(state);
    if (this.data.picture) await this.#sendPicture(state);
    else if (image !== this.sent.image) await this.#changeImage(state, image);
    if (edits !== this.sent.edits) await this.#changeEdits(state, edits);
    if (!this.again) await this.#fetchWanted(state);
  }

  /** @param {State} state */
  async makePage(state) {
    const body = { source: state.source, seed: state.seed, edits: state.edits, image: null, label: null, stages: state.stages };
    let answer;
    try {
      answer = await request("POST", "/api/pages", { json: body });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status === 403 || error.status >= 500) throw error;
      this.data.tell("trouble", { where: "network", ...reasonOf(error) });
      answer = await request("POST", "/api/pages", { json: { ...body, source: null, edits: [] } });
      const kept = fits(state.image, answer.network) ? {} : { image: null, label: null };
      state = { ...state, source: answer.network.source, edits: [], focus: null, second: null, ...kept };
      this.store.change(state);
    }
    this.data.pageId = answer.page;
    if (state.source === null) this.data.first = answer.network.source;
    this.sent = { network: this.#networkKey(state), image: "", edits: JSON.stringify(state.edits) };
    this.data.fetched = { weights: -1, gradients: -1, contributions: -1 };
    this.data.set("network", answer.network);
    this.data.tell("page", answer);
  }

  /**
   * @param {State} state
   * @param {string} key
   */
  async #changeNetwork(state, key) {
    this.sent.network = key;
    this.data.tell("busy", true);
    try {
      const source = state.source ?? this.data.first ?? (await this.data.loadSources()).first;
      if (state.source === null) this.data.first = source;
      this.sent.network = this.#networkKey(state);
      const answer = await this.data.call("PUT", "network", { json: { source, seed: state.seed } });
      this.sent.edits = "[]";
      this.sent.image = "";
      this.data.version += 1;
      this.data.receipts.clear();
      this.data.set("network", answer.network);
      this.data.tell("fine", { where: "network" });
    } catch (error) {
      await this.#failed(error, "network", () => { this.sent.network = ""; });
      if (error instanceof ApiError && error.status !== 403 && error.code !== "no_page") this.#keepNetwork();
    } finally {
      this.data.tell("busy", false);
    }
  }

  /** Return the state to the network that is shown, because the other one cannot be opened. */
  #keepNetwork() {
    const { network } = this.data;
    if (!network) return;
    this.sent.network = JSON.stringify([network.source, network.seed]);
    this.store.change({ source: network.source, seed: network.seed, edits: JSON.parse(this.sent.edits || "[]") });
  }

  /**
   * @param {State} state
   * @param {string} key
   */
  async #changeImage(state, key) {
    this.sent.image = key;
    if (state.image && "split" in state.image && !this.data.network?.fits_data) {
      this.store.change({ image: null, label: null });
      return;
    }
    if (!state.image) {
      this.data.take(/** @type {any} */ (null));
      return;
    }
    try {
      this.#received(await this.data.call("PUT", "image", {
        frame: true, json: { choice: state.image, label: state.label, stages: state.stages },
      }));
    } catch (error) {
      if (error instanceof ApiError && error.status !== 403 && error.code !== "no_page") this.data.take(/** @type {any} */ (null));
      await this.#failed(error, "image", () => { this.sent.image = ""; });
    }
  }

  /** @param {State} state */
  async #sendPicture(state) {
    const { path, body, done } = /** @type {NonNullable<typeof this.data.picture>} */ (this.data.picture);
    this.data.picture = null;
    this.sent.image = imageKey(state);
    try {
      const frame = await this.data.call("PUT", path, { frame: true, body });
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
      const frame = await this.data.call("PUT", "edits", { frame: true, json: { edits: state.edits, label: state.label } });
      if (state.image) this.#received(frame);
      else this.data.version += 1;
    } catch (error) {
      await this.#failed(error, "network", () => { this.sent.edits = ""; });
    }
  }

  /** @param {Frame} frame */
  #received(frame) {
    this.data.take(frame);
    this.data.tell("fine", { where: "image" });
  }

  /** @param {State} state */
  async #fetchWanted(state) {
    const labelled = this.data.label === null ? "" : `?label=${this.data.label}`;
    const backward = state.direction === "backward";
    /** @type {[string, boolean, string][]} */
    const all = [
      ["gradients", (backward || this.data.wanted.gradients.size > 0) && !!this.data.image && this.data.label !== null, `gradients${labelled}`],
      ["weights", this.data.wanted.weights.size > 0, "weights"],
      ["contributions", this.data.wanted.contributions.size > 0 && !!this.data.image, "contributions"],
    ];
    for (const [name, wanted, path] of all) {
      if (!wanted || this.data.fetched[name] === this.data.version || this.again) continue;
      const version = this.data.version;
      try {
        const frame = await this.data.call("GET", path, { frame: true });
        this.data.fetched[name] = version;
        this.data.set(name, frame);
      } catch (error) {
        this.data.fetched[name] = version;
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
      this.data.pageId = null;
      this.#locked();
      return;
    }
    if (error instanceof ApiError && error.code === "no_page") {
      this.data.pageId = null;
      this.again = true;
    } else if (error instanceof ApiError) this.data.tell("trouble", { where, ...reasonOf(error) });
    else if (error instanceof GoneError) {
      repeat?.();
      this.wait();
    } else throw error;
  }

  /** The server was started again and has another token: go on when another tab has opened its link. */
  #locked() {
    if (this.again) return;
    this.data.tell("locked");
    setTimeout(() => this.run(), 2000);
  }

  /** Say that the server is gone, and go on when it is back. */
  async wait() {
    if (this.data.gone) return;
    this.data.gone = true;
    this.data.tell("gone");
    await whenBack();
    this.data.gone = false;
    this.data.pageId = null;
    this.data.receipts.clear();
    this.data.tell("back");
    this.run();
  }
}

/** @param {ApiError} error */
function reasonOf(error) { return error.code === "no_weights" ? { key: "problem.weights" } : { error }; }

/**
 * True if a network reads an image.
 * @param {import("./state.js").Choice|null} image
 * @param {import("./data.js").NetworkInfo} network
 */
function fits(image, { fits_data: data, raw_shape: shape }) {
  if (!image || "split" in image) return !!image && data;
  const bytes = (shape ?? [0]).reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1);
  return image.pixels.replaceAll("=", "").length === Math.ceil((bytes * 4) / 3);
}

/** @param {State} state */
function imageKey(state) {
  const stages = state.image && "pixels" in state.image ? null : state.stages;
  return JSON.stringify([state.image, state.label, stages]);
}
