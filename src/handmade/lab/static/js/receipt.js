/**
 * The receipt of the pinned number, else of the hovered one; with a second pin, two side by side and their difference.
 *
 * Interface
 *   new ReceiptPanel(root, lab); panel.lane: a training whose network is explained; events of lab.receipts (an EventTarget): "rendered" (detail {root, receipt, place}), after every rendering,
 *   so that another module (the quiz) can change what is shown; "again" asks for a rendering. Numbers have [data-value-place] and [data-value].
 */
import { ApiError, GoneError } from "./api.js";
import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { find } from "./places.js";
import { changeOf, differenceOf, readersOf, roundingOf, showLoop, storyOf } from "./receiptparts.js";
import { said } from "./said.js";
import { renderTotal } from "./terms.js";
import { exact, languages, precise, text } from "./text.js";

const WAYS = ["backprop", "difference", "definition"];

export class ReceiptPanel {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    this.root = root;
    this.lab = lab;
    this.turn = 0;
    this.shownKey = "";
    /** The lane of a training whose network is explained; null: the page's network. @type {string|null} */
    this.lane = null;
    /** True while the receipt of a training stays as it is. */
    this.frozen = false;
    root.classList.add("receipts");
    const again = () => this.refresh();
    lab.focus.addEventListener("pin", again);
    lab.receipts.addEventListener("again", again);
    lab.data.addEventListener("image", again);
    lab.data.addEventListener("gradients", again);
    languages.addEventListener("change", () => { this.shownKey = ""; again(); });
    lab.store.subscribe((/** @type {any} */ state, /** @type {any} */ old) => { if (state.by !== old.by || state.label !== old.label) again(); });
    lab.focus.addEventListener("receipt", (/** @type {CustomEvent} */ event) => this.#hovered(event.detail));
    lab.focus.addEventListener("hover", (/** @type {CustomEvent} */ event) => { if (!event.detail) this.#left(); });
    this.refresh();
  }

  show() { this.refresh(); }

  /** Show the pinned receipts as they are now. */
  async refresh() {
    const { focus, second } = this.lab.store.state;
    if (this.frozen && this.shownKey === [focus, second].filter(Boolean).join()) return;
    this.turn += 1;
    const { turn } = this;
    if (!focus) {
      this.#empty();
      return;
    }
    if (!this.lab.data.image || !this.lab.data.pageId) return;
    const places = second ? [focus, second] : [focus];
    const found = await Promise.all(places.map((place) => this.#get(place)));
    if (turn !== this.turn) return;
    if (found[0].receipt && !this.lab.focus.hovered) this.lab.status.show(focus, found[0].receipt);
    found.forEach((answer, i) => { if (answer.receipt) this.lab.overlay.remember(places[i], answer.receipt.reach); });
    this.#render(places, found);
  }

  /** @param {string} place */
  async #get(place) {
    try {
      return { receipt: await this.lab.data.receipt(place, { lane: this.lane }) };
    } catch (error) {
      if (error instanceof GoneError) this.lab.data.lost();
      return { error: error instanceof ApiError ? error.message : text("server.gone") };
    }
  }

  #empty() {
    this.shownKey = "";
    const { image, network } = this.lab.data;
    const key = image ? "receipt.empty" : network && !network.raw_shape ? "board.noImages" : "receipt.noImage";
    this.root.replaceChildren(h("p", { class: "empty-text", t: key }));
  }

  /** @param {{place: string, receipt?: any, error?: string}} detail */
  #hovered({ place, receipt, error }) {
    const { focus } = this.lab.store.state;
    if (focus) this.#ghost(place, receipt);
    else if (place !== this.shownKey) {
      this.shownKey = place;
      this.#render([place], [{ receipt, error }], true);
    }
  }

  #left() {
    if (!this.lab.store.state.focus) return;
    this.root.querySelector(".ghost")?.replaceChildren();
  }

  /**
   * A line about the hovered number above the pinned receipt.
   * @param {string} place
   * @param {any} receipt
   */
  #ghost(place, receipt) {
    const line = this.root.querySelector(".ghost");
    if (line && receipt && place !== this.lab.store.state.focus) line.replaceChildren(`${place} = ${this.lab.cover.written(place, receipt.value, precise)}`);
  }

  /**
   * @param {string[]} places
   * @param {{receipt?: any, error?: string}[]} answers
   */
  #render(places, answers, preview = false) {
    const scroll = this.root.scrollTop;
    const same = this.shownKey === places.join();
    this.shownKey = places.join();
    const parts = places.map((place, i) => this.#one(place, answers[i], i, preview));
    const both = answers.length === 2 && answers[0].receipt && answers[1].receipt;
    this.root.replaceChildren(
      ...(preview ? [] : [this.#trail()]),
      h("div", { class: `receipt-row${preview ? " preview" : ""}` }, ...parts, both ? differenceOf(answers[0].receipt, answers[1].receipt, this.lab.cover) : null));
    this.root.scrollTop = same ? scroll : 0;
    answers.forEach(({ receipt }, i) => {
      if (receipt) this.lab.receipts.dispatchEvent(new CustomEvent("rendered", { detail: { root: parts[i], receipt, place: places[i], preview } }));
    });
  }

  #trail() {
    const { focus, store } = this.lab;
    const crumbs = focus.trail.flatMap((/** @type {string} */ place, /** @type {number} */ k) => [
      h("button", { type: "button", class: "link", on: { click: () => focus.back(k) } }, place), " › "]);
    return h("div", { class: "trail" },
      focus.trail.length ? h("nav", { label: "receipt.trail" }, h("button", { type: "button", class: "plain", t: "receipt.back", data: { testid: "trail-back" }, on: { click: () => focus.back() } }), " ", ...crumbs, store.state.focus) : null,
      h("span", { class: "ghost" }), this.lane ? this.#freezer() : null);
  }

  /** Button that holds the receipt of a training as it is. */
  #freezer() {
    return h("button", { type: "button", class: "plain", t: "receipt.freeze", "aria-pressed": String(this.frozen), data: { testid: "freeze", hint: "receipt.freezeHint" }, on: { click: (/** @type {any} */ event) => {
      this.frozen = !this.frozen;
      event.currentTarget.setAttribute("aria-pressed", String(this.frozen));
      this.refresh();
    } } });
  }

  /**
   * @param {string} place
   * @param {{receipt?: any, error?: string}} answer
   * @param {number} i
   * @param {boolean} preview
   */
  #one(place, { receipt, error }, i, preview) {
    if (!receipt) return h("article", { class: "receipt" }, h("h3", {}, place), h("p", { class: "problem" }, error ?? ""));
    const context = {
      lab: this.lab, at: place,
      expand: async (/** @type {number[]} */ path) => (await this.lab.data.receipt(place, { expand: path, lane: this.lane })).total,
    };
    return h("article", { class: "receipt", data: { receipt: place, testid: i ? "receipt-second" : "receipt" } },
      h("header", {}, h("h3", {}, h("span", { class: "place" }, receipt.at ?? place), " = ",
        h("span", { class: "value main", data: { valuePlace: place, value: receipt.value, testid: "receipt-value" }, title: exact(receipt.value) }, precise(receipt.value))),
      h("span", { class: "kind" }, `${said(receipt.kind)} · ${receipt.dtype}`), preview ? null : this.#actions(place, receipt)),
      this.#ways(place, receipt),
      receipt.total ? renderTotal(receipt.total, context) : h("p", { class: "empty-text" }, text(this.#leafKey(place))),
      changeOf(receipt), readersOf(receipt, this.lab, this.lane), storyOf(receipt.story), receipt.total ? roundingOf(receipt) : null, h("div", { class: "loop-holder" }));
  }

  /** @param {string} place */
  #leafKey(place) {
    const found = find(this.lab.data.network, place);
    return found?.kind === "weight" ? "receipt.isWeight" : found?.room === "input" ? "receipt.isPixel" : "receipt.isStored";
  }

  /**
   * @param {string} place
   * @param {any} receipt
   */
  #actions(place, receipt) {
    const asGradient = find(this.lab.data.network, place);
    const turn = asGradient?.kind === "weight" && !asGradient.gradient
      ? h("button", { type: "button", class: "plain", t: "receipt.gradient", data: { testid: "to-gradient" }, on: { click: () => this.lab.focus.pin(`d loss / d ${place}`, { trail: true }) } }) : null;
    return h("span", { class: "actions" }, turn,
      receipt.snippet ? copier("receipt.copy", "copy-numpy", async () => receipt.snippet) : null,
      copier("receipt.copyText", "copy-text", async () => (await this.#call("text", place)).text),
      receipt.loop ? h("button", { type: "button", class: "plain", t: "receipt.loop", "aria-expanded": "false", data: { testid: "open-loop", hint: "receipt.loopHint" }, on: { click: (/** @type {any} */ event) => this.#loop(place, event.currentTarget) } }) : null,
      h("button", { type: "button", class: "icon small", label: "unpin", data: { testid: "unpin" }, on: { click: () => this.#close(place) } }, "×"));
  }

  /**
   * @param {"text"|"loop"} what
   * @param {string} place
   */
  #call(what, place) {
    const { data, store } = this.lab;
    return data.call("POST", what, { json: { at: place, by: store.state.by, label: data.label, ...(this.lane ? { lane: this.lane } : {}) } });
  }

  /**
   * Show or hide the loop that computes such a number.
   * @param {string} place
   * @param {HTMLElement} button
   */
  async #loop(place, button) {
    const holder = /** @type {HTMLElement|null} */ (button.closest("[data-receipt]")?.querySelector(".loop-holder"));
    const open = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!open));
    if (!holder) return;
    holder.replaceChildren();
    if (open) return;
    try {
      showLoop(holder, await this.#call("loop", place));
      holder.querySelector("mark")?.scrollIntoView({ block: "center", inline: "nearest" });
    } catch (error) {
      if (error instanceof GoneError) this.lab.data.lost();
      else if (error instanceof ApiError) holder.replaceChildren(h("p", { class: "problem" }, error.message));
    }
  }

  /** @param {string} place */
  #close(place) {
    const { focus, second } = this.lab.store.state;
    if (second && place === focus) this.lab.store.change({ focus: second, second: null }, { how: "push" });
    else this.lab.focus.unpin();
  }

  /**
   * The three ways to a gradient of a weight.
   * @param {string} place
   * @param {any} receipt
   */
  #ways(place, receipt) {
    const found = find(this.lab.data.network, place);
    if (!found?.gradient || found.kind !== "weight") return null;
    const { store } = this.lab;
    return h("div", { class: "segments small", role: "group", label: "receipt.ways" }, ...WAYS.map((way) => h("button", {
      type: "button", t: `way.${way}`, "aria-pressed": String((receipt.by ?? store.state.by) === way), data: { by: way },
      on: { click: () => store.change({ by: way }, { how: "push" }) },
    })));
  }
}

/**
 * A button that copies; without a clipboard, a dialog shows the words.
 * @param {string} key text key of its name
 * @param {string} testid
 * @param {() => Promise<string>} read
 */
function copier(key, testid, read) {
  return h("button", { type: "button", class: "plain", t: key, data: { testid, copies: "" }, on: { click: async (/** @type {any} */ event) => {
    const button = event.currentTarget;
    const words = await read();
    try {
      await navigator.clipboard.writeText(words);
      button.textContent = text("copied");
    } catch {
      openDialog({ title: key, body: [h("pre", { tabindex: "0" }, words)], wide: true });
    }
  } } });
}
