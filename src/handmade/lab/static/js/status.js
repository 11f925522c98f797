/**
 * The status line: the hovered or pinned number in words, for everyone; a slower copy of it for screen readers; messages; the server.
 *
 * Interface
 *   new Status(lab); status.say(text)   a sentence for screen readers; status.tell(text) shows it too
 *   message(() => text)                  a line under the top bar that can be closed
 */
import { byId, h } from "./dom.js";
import { find, nodeOf, placeAt, roomOf } from "./places.js";
import { BENDS } from "./receiptparts.js";
import { write } from "./said.js";
import { languages, number, precise, text } from "./text.js";

const PAUSE = 500; // ms between sentences for screen readers

/** @param {() => string} make */
export function message(make) {
  const box = byId("messages");
  const words = h("span");
  write(words, make);
  const line = h("p", { class: "message" }, words, " ", h("button", { type: "button", class: "icon small", label: "close", on: { click: () => line.remove() } }, "×"));
  box.replaceChildren(line);
}

export class Status {
  /** @param {any} lab */
  constructor(lab) {
    this.lab = lab;
    this.line = byId("status-line");
    this.live = byId("live");
    this.server = byId("server-state");
    /** @type {any} */
    this.timer = 0;
    const { focus, data } = lab;
    focus.addEventListener("hover", (/** @type {CustomEvent} */ event) => this.show(event.detail ?? lab.store.state.focus));
    focus.addEventListener("pin", () => this.show(lab.store.state.focus));
    focus.addEventListener("receipt", (/** @type {CustomEvent} */ event) => {
      const { place, receipt } = event.detail;
      if (place === focus.hovered && receipt) this.show(place, receipt);
    });
    data.addEventListener("gone", () => this.#server("server.gone", true));
    data.addEventListener("back", () => this.#server("server.back", false));
    data.addEventListener("locked", () => this.#server("server.locked", true));
    data.addEventListener("page", () => { if (this.server.classList.contains("gone")) this.#server("server.back", false); });
    data.addEventListener("busy", (/** @type {CustomEvent} */ event) => { if (!data.gone) this.server.textContent = event.detail ? text("loading") : ""; });
    data.addEventListener("trouble", (/** @type {CustomEvent} */ event) => {
      const { where, error, key, place } = event.detail;
      if (where !== "image") message(() => error?.message ?? text(key, { place })); // it may be older than the texts
    });
    languages.addEventListener("change", () => this.show(lab.store.state.focus));
    lab.store.subscribe((/** @type {any} */ state, /** @type {any} */ old) => { if (state.covered !== old.covered) this.#repeat(); });
    data.addEventListener("image", () => { if (!focus.hovered) this.show(lab.store.state.focus); });
  }

  /**
   * @param {string|null} place
   * @param {any} [receipt]
   */
  show(place, receipt) {
    const { image, network } = this.lab.data;
    const empty = network && !network.raw_shape ? "board.noImages" : "status.empty";
    const words = place ? this.words(place, receipt) : text(image ? "status.idle" : empty);
    this.line.textContent = words;
    if (place) this.say(words);
  }

  /** Say the number again as it may be shown now: it may just have been covered. */
  #repeat() {
    const { focus, store } = this.lab;
    this.live.textContent = "";
    this.next = "";
    this.show(focus.hovered ?? store.state.focus);
  }

  /** Show a sentence, and say it. @param {string} words */
  tell(words) {
    this.line.textContent = words;
    this.say(words);
  }

  /**
   * @param {string} place
   * @param {any} [receipt]
   */
  words(place, receipt) {
    const { data, focus, overlay } = this.lab;
    const found = find(data.network, place);
    const value = this.lab.cover.written(place, receipt?.value ?? focus.value(place), precise);
    if (!found) return place;
    const reach = receipt?.reach ?? overlay.reaches.get(place);
    let words = `${place} = ${value}`;
    if (found.kind === "node" && found.index.length === 3) {
      const [row, column, channel] = found.index;
      words = text(found.gradient ? "status.gradient" : "status.pixel", { room: found.room, row, column, channel, value });
    }
    const from = reach?.sources?.[0];
    if (found.node && BENDS.includes(found.node.kind) && !found.gradient) words += this.#change(found, value);
    if (from?.rows) words += ` · ${text("status.from", { room: this.#room(from.node), rows: range(from.rows), columns: range(from.columns) })}`;
    else if (from?.numbers) words += ` · ${text("status.fromNumbers", { room: this.#room(from.node), numbers: range(from.numbers) })}`;
    return words;
  }

  /**
   * "-0.31 → 0": the number that an activation function changed.
   * @param {any} found
   * @param {string} value
   */
  #change({ node, offset }, value) {
    const { network } = this.lab.data;
    const source = nodeOf(network, node.reads[0]);
    if (!source) return "";
    const before = placeAt(roomOf(network, source), source.shape, offset);
    return ` · ${this.lab.cover.written(before, this.lab.focus.value(before), precise)} → ${value}`;
  }

  /** @param {string} name */
  #room(name) {
    return this.lab.strip.figures.get(name)?.room ?? name;
  }

  /** @param {string} words */
  say(words) {
    this.next = words;
    if (this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.live.textContent = this.next ?? "";
    }, PAUSE);
  }

  /**
   * @param {string} key
   * @param {boolean} gone
   */
  #server(key, gone) {
    this.server.textContent = text(key);
    this.server.classList.toggle("gone", gone);
    this.say(text(key));
    document.body.classList.toggle("server-gone", gone);
    if (!gone) setTimeout(() => { if (!this.lab.data.gone) this.server.textContent = ""; }, 4000);
  }
}

/** @param {[number, number]} half half-open */
const range = ([first, end]) => (end - first === 1 ? number(first) : text("status.range", { first: number(first), last: number(end - 1) }));
