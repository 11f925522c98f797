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
import { find, parsePlace } from "./places.js";
import { said } from "./said.js";
import { renderTotal } from "./terms.js";
import { count, exact, languages, number, precise, text } from "./text.js";

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
    if (line && receipt && place !== this.lab.store.state.focus) line.replaceChildren(`${place} = ${this.lab.store.state.covered.includes(place) ? "?" : precise(receipt.value)}`);
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
      h("div", { class: `receipt-row${preview ? " preview" : ""}` }, ...parts, both ? difference(answers[0].receipt, answers[1].receipt) : null));
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
      h("span", { class: "ghost" }));
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
      this.#readers(receipt, context), story(receipt.story), receipt.total ? rounding(receipt) : null);
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
    const copy = async (/** @type {any} */ event) => {
      const button = event.currentTarget;
      try {
        await navigator.clipboard.writeText(receipt.snippet);
        button.textContent = text("copied");
      } catch {
        openDialog({ title: "receipt.copy", body: [h("pre", { tabindex: "0" }, receipt.snippet)], wide: true });
      }
    };
    const asGradient = find(this.lab.data.network, place);
    const turn = asGradient?.kind === "weight" && !asGradient.gradient
      ? h("button", { type: "button", class: "plain", t: "receipt.gradient", data: { testid: "to-gradient" }, on: { click: () => this.lab.focus.pin(`d loss / d ${place}`, { trail: true }) } }) : null;
    return h("span", { class: "actions" }, turn,
      receipt.snippet ? h("button", { type: "button", class: "plain", t: "receipt.copy", data: { testid: "copy-numpy" }, on: { click: copy } }) : null,
      h("button", { type: "button", class: "icon small", label: "unpin", data: { testid: "unpin" }, on: { click: () => this.#close(place) } }, "×"));
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

  /**
   * What reads this number: "→ relu1 → 0.4213".
   * @param {any} receipt
   * @param {import("./terms.js").Context} context
   */
  #readers(receipt, context) {
    const { network } = this.lab.data;
    const targets = receipt.reach?.targets ?? [];
    if (!targets.length || parsePlace(receipt.at)?.gradient) return null;
    const items = [];
    for (const box of targets) {
      const node = network.nodes.find((/** @type {any} */ each) => each.name === box.node);
      if (!node) continue;
      const room = node.name === network.logits ? "logits" : node.title;
      const single = box.numbers ? box.numbers[1] - box.numbers[0] === 1
        : ["rows", "columns", "channels"].every((axis) => box[axis][1] - box[axis][0] === 1);
      if (single) {
        const place = `${room}[${box.numbers ? box.numbers[0] : [box.rows[0], box.columns[0], box.channels[0]].join(",")}]`;
        items.push(h("span", {}, "→ ", h("button", { type: "button", class: "place link", data: { place }, on: { click: () => context.lab.focus.pin(place, { trail: true }) } }, place),
          ` = ${precise(context.lab.focus.value(place))}`));
      } else {
        const n = box.numbers ? box.numbers[1] - box.numbers[0]
          : ["rows", "columns", "channels"].reduce((product, axis) => product * (box[axis][1] - box[axis][0]), 1);
        items.push(h("span", {}, `→ ${text("receipt.feeds", { n: count(n), room })}`));
      }
    }
    return items.length ? h("p", { class: "readers" }, ...items.flatMap((item) => [item, " "])) : null;
  }
}

/** @param {any} receipt */
function rounding(receipt) {
  const same = receipt.rounding === 0;
  return h("p", { class: "fine-print", data: { testid: "rounding" } }, text(same ? "receipt.exact" : "receipt.rounding", {
    dtype: receipt.dtype, value: exact(receipt.value), sum: exact(receipt.sum),
    rounding: number(receipt.rounding, { maximumSignificantDigits: 2, notation: "scientific" }),
    bound: receipt.bound === null ? "–" : number(receipt.bound, { maximumSignificantDigits: 2, notation: "scientific" }),
  }));
}

/** @param {any[]} steps the way of a nudge through the layers */
function story(steps) {
  if (!steps?.length) return null;
  const names = ["layer", "moved", "numbers", "largest", "at"];
  return h("table", { class: "numbers story" }, h("caption", { t: "story.title" }), h("thead", {}, h("tr", {}, ...names.map((name) => h("th", { scope: "col", t: `story.${name}` })))),
    h("tbody", {}, ...steps.map((step) => h("tr", {}, h("th", { scope: "row" }, step.layer), h("td", {}, count(step.moved)), h("td", {}, count(step.numbers)), h("td", {}, precise(step.largest)), h("td", {}, step.at ?? "")))));
}

/**
 * Two receipts part by part.
 * @param {any} a
 * @param {any} b
 */
function difference(a, b) {
  const named = (/** @type {any} */ receipt) => new Map((receipt.total?.parts ?? []).map((/** @type {any} */ part, /** @type {number} */ k) =>
    [part.folded ? text("term.others") : said(part.label) || part.place || (part.parts ?? []).map((/** @type {any} */ leaf) => leaf.place).join(" × ") || String(k), part.value]));
  const [first, second] = [named(a), named(b)];
  const names = [...new Set([...first.keys(), ...second.keys()])];
  const rows = names.map((name) => [name, first.get(name) ?? 0, second.get(name) ?? 0]).sort((x, y) => Math.abs(y[1] - y[2]) - Math.abs(x[1] - x[2])).slice(0, 24);
  const row = (/** @type {any[]} */ [name, x, y], /** @type {string} */ tag) => h("tr", {}, h("th", { scope: "row" }, name), ...[x, y, x - y].map((value) => h(tag, { title: exact(value) }, precise(value))));
  return h("article", { class: "receipt difference", data: { testid: "difference" } }, h("header", {}, h("h3", { t: "receipt.difference" })),
    h("table", { class: "numbers" }, h("thead", {}, h("tr", {}, h("td"), h("th", { scope: "col", t: "receipt.first" }), h("th", { scope: "col", t: "receipt.second" }), h("th", { scope: "col", t: "receipt.less" }))),
      h("tbody", {}, ...rows.map((each) => row(each, "td"))), h("tfoot", {}, row([text("receipt.value"), a.value, b.value], "td"))));
}
