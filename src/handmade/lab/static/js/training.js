/**
 * Trainings of the page: their news and curves from the server's events, and what a user does with them.
 *
 * Interface
 *   lab.training = new Training(lab): .lanes {a, b}: null or {news, log: {steps, loss, accuracy, validation}, method}
 *   training.listen()                        opens the stream of events, and again for another page on the server
 *   training.start(plan), .race(plan), .act(lane, "play"|"pause"|"step"|"epoch"|"stop"), .adopt(lane), .save(lane, name), .estimate(plan)
 *     plan: {settings, start: "scratch"|"here", paused, accept_cost}; they return the answer, or throw ApiError
 *   training.follow(lane|null)               fetches frames of a lane at the page's own pace
 *   events "news", "log" (detail lane), "frame" (detail frame; null when none is followed), "trouble" (detail text)
 *
 * @typedef {{steps: number[], loss: (number|null)[], accuracy: (number|null)[], validation: [number, number][]}} Log
 * @typedef {{news: any, log: Log, settings: Record<string, any>}} LaneState
 */
import { ApiError, GoneError } from "./api.js";

const MOST = 4000; // points of a curve
const PAUSE = 100; // ms between two frames at least
const SHARE = 3; // a frame waits for this many times the time that the last one took to draw

export class Training extends EventTarget {
  /** @param {any} lab */
  constructor(lab) {
    super();
    this.lab = lab;
    /** @type {Record<string, LaneState|null>} */
    this.lanes = { a: null, b: null };
    this.isRace = false;
    /** @type {EventSource|null} */
    this.source = null;
    /** @type {string|null} */
    this.page = null;
    /** @type {string|null} */
    this.followed = null;
    /** @type {import("./frames.js").Frame|null} */
    this.frame = null;
    this.shownVersion = -1;
    this.fetching = false;
    this.nextAt = 0;
    lab.data.addEventListener("page", () => { if (this.page) this.listen(); });
    lab.data.addEventListener("image", () => { this.shownVersion = -1; this.#look(); });
  }

  listen() {
    const { pageId } = this.lab.data;
    if (!pageId || this.page === pageId) return;
    if (this.page) this.#reset();
    this.page = pageId;
    this.source?.close();
    const source = new EventSource(`/api/pages/${pageId}/events`);
    this.source = source;
    source.addEventListener("training", (event) => this.#news(JSON.parse(event.data)));
    source.addEventListener("log", (event) => this.#log(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      if (source.readyState !== 2) return; // the browser tries again by itself
      if (this.page === pageId) this.page = null;
      if (!this.lab.data.gone) setTimeout(() => this.listen(), 2000);
    });
  }

  #reset() {
    this.lanes = { a: null, b: null };
    this.frame = null;
    this.shownVersion = -1;
    for (const lane of ["a", "b"]) this.#tell("news", lane);
    this.#tell("frame", null);
  }

  /**
   * @param {string} name
   * @param {any} detail
   */
  #tell(name, detail) {
    this.lab.data.training = { a: this.lanes.a?.news ?? null, b: this.lanes.b?.news ?? null };
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** @param {string} name @returns {LaneState} */
  #lane(name) {
    return (this.lanes[name] ??= { news: null, log: { steps: [], loss: [], accuracy: [], validation: [] }, settings: {} });
  }

  /** @param {any} news */
  #news(news) {
    this.#lane(news.lane).news = news;
    this.#tell("news", news.lane);
    document.querySelector("[data-view=train][data-testid]")?.classList.toggle("is-training", this.running);
    this.#look();
  }

  /** @param {any} points */
  #log({ lane: name, fresh, steps, loss, accuracy, validation }) {
    const lane = this.#lane(name);
    const log = fresh ? { steps: [], loss: [], accuracy: [], validation: [] } : lane.log;
    log.steps.push(...steps);
    log.loss.push(...loss);
    log.accuracy.push(...accuracy);
    log.validation.push(...validation);
    if (log.steps.length > MOST) {
      const keep = (/** @type {any[]} */ list) => list.filter((_, i) => i % 2 === 0 || i === list.length - 1);
      [log.steps, log.loss, log.accuracy] = [keep(log.steps), keep(log.loss), keep(log.accuracy)];
    }
    lane.log = log;
    this.#tell("log", name);
  }

  /** @param {any} plan */
  async start(plan) {
    this.listen();
    const answer = await this.lab.data.call("POST", "training", { json: { lane: "a", ...plan } });
    this.#lane("a").settings = plan.settings;
    this.isRace = false;
    return answer;
  }

  /** @param {any} plan */
  async race(plan) {
    this.listen();
    const answer = await this.lab.data.call("POST", "race", { json: plan });
    for (const name of ["a", "b"]) this.#lane(name).settings = plan[name];
    this.isRace = true;
    return answer;
  }

  /** @param {any} plan */
  estimate({ settings, start }) { return this.lab.data.call("POST", "training/estimate", { json: { settings, start } }); }

  /**
   * @param {string} lane
   * @param {string} action
   */
  async act(lane, action) {
    const news = await this.lab.data.call("POST", `training/${lane}/${action}`);
    if (this.source?.readyState !== EventSource.OPEN) this.#news(news); // else the stream brings newer news
  }

  /** @param {string} lane */
  async adopt(lane) {
    const { network } = await this.lab.data.call("POST", `training/${lane}/adopt`);
    await this.lab.data.adopt(network);
  }

  /**
   * @param {string} lane
   * @param {string} name
   */
  async save(lane, name) {
    const answer = await this.lab.data.call("POST", `training/${lane}/save`, { json: { name } });
    await this.lab.data.loadSources();
    return answer;
  }

  /** Lanes in which something was started. */
  get names() { return ["a", "b"].filter((name) => this.lanes[name]?.news && (name === "a" || this.isRace)); }

  get running() { return this.names.some((name) => this.lanes[name]?.news.status === "running"); }

  /** @param {string|null} lane */
  follow(lane) {
    if (lane === this.followed) return;
    this.followed = lane;
    this.shownVersion = -1;
    if (lane) this.#look();
    else {
      this.frame = null;
      this.#tell("frame", null);
    }
  }

  /** Fetch the newest frame, if it is another one and the time for it has come. */
  async #look() {
    const { followed: lane } = this;
    const { data } = this.lab;
    const version = lane && this.lanes[lane]?.news?.version;
    if (!lane || !version || version === this.shownVersion || this.fetching || !data.image || data.gone || document.hidden) return;
    const wait = this.nextAt - performance.now();
    this.fetching = true;
    if (wait > 0) await new Promise((done) => setTimeout(done, wait));
    try {
      const frame = await data.call("GET", `training/${lane}/frame`, { frame: true });
      if (this.followed === lane) this.#show(frame);
    } catch (error) {
      this.shownVersion = version; // this one cannot be had
      if (error instanceof GoneError) data.lost();
      else if (!(error instanceof ApiError)) throw error;
    } finally {
      this.fetching = false;
    }
    this.#look();
  }

  /** @param {import("./frames.js").Frame} frame */
  #show(frame) {
    this.shownVersion = frame.meta.version;
    frame.arrays["act:input"] = frame.arrays.input;
    this.frame = frame;
    const began = performance.now();
    this.#tell("frame", frame);
    requestAnimationFrame(() => setTimeout(() => {
      const took = performance.now() - began;
      this.nextAt = performance.now() + Math.max(PAUSE, SHARE * took) - took;
    }, 0));
    this.nextAt = began + PAUSE;
  }
}
