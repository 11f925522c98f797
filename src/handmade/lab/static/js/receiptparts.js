/**
 * Parts of a receipt around its terms: what reads the number, the change by an activation, rounding, the way of a nudge, the loop, two receipts.
 *
 * Interface
 *   readersOf(receipt, lab, lane), changeOf(receipt), roundingOf(receipt), storyOf(receipt.story), differenceOf(a, b, cover)   elements, or null
 *   showLoop(holder, loop)   the lines of the loop that computes such a number
 */
import { h } from "./dom.js";
import { parsePlace, size } from "./places.js";
import { said } from "./said.js";
import { count, exact, number, precise, text } from "./text.js";

export const BENDS = ["ReLU", "LeakyReLU", "Sigmoid", "Tanh", "GELU", "ELU", "Clip", "HardSigmoid", "Exp", "Log", "Sqrt"]; // layers that change each number by itself

/**
 * "-0.31 → 0": a number before and after an activation function.
 * @param {any} receipt
 */
export function changeOf({ kind, at, value, total }) {
  if (!BENDS.includes(kind) || parsePlace(at)?.gradient) return null;
  const before = firstStored(total);
  return before ? h("p", { class: "change-line", data: { testid: "change" } }, h("span", { title: exact(before.value) }, precise(before.value)), " → ", h("b", { title: exact(value) }, precise(value))) : null;
}

/** @param {any} term @returns {any} the first number of a tree that the network stored */
const firstStored = (term) => (term?.place ? term : (term?.parts ?? []).map(firstStored).find(Boolean) ?? null);

/**
 * Numbers that read this one: "→ relu1[9,14,2] = 0.4213".
 * @param {any} receipt
 * @param {any} lab
 * @param {string|null} [lane] a training whose network is explained: the page does not hold its numbers
 */
export function readersOf(receipt, lab, lane = null) {
  const { network } = lab.data;
  const targets = receipt.reach?.targets ?? [];
  if (!targets.length || parsePlace(receipt.at)?.gradient) return null;
  const items = [];
  for (const box of targets) {
    const node = network.nodes.find((/** @type {any} */ each) => each.name === box.node);
    if (!node) continue;
    const room = node.name === network.logits ? "logits" : node.title;
    const spans = box.spans ?? (box.numbers ? [box.numbers] : [box.rows, box.columns, box.channels]);
    const n = size(spans.map((/** @type {number[]} */ [first, end]) => end - first));
    if (n === 1) {
      const place = `${room}[${spans.map((/** @type {number[]} */ [first]) => first).join(",")}]`;
      items.push(h("span", {}, "→ ", h("button", { type: "button", class: "place link", data: { place }, on: { click: () => lab.focus.pin(place, { trail: true }) } }, place),
        lane ? "" : ` = ${lab.cover.written(place, lab.focus.value(place), precise)}`));
    } else {
      items.push(h("span", {}, `→ ${text("receipt.feeds", { n: count(n), room })}`));
    }
  }
  return items.length ? h("p", { class: "readers" }, ...items.flatMap((item) => [item, " "])) : null;
}

/** @param {any} receipt */
export function roundingOf(receipt) {
  const same = receipt.rounding === 0;
  return h("p", { class: "fine-print", data: { testid: "rounding" } }, text(same ? "receipt.exact" : "receipt.rounding", {
    dtype: receipt.dtype, value: exact(receipt.value), sum: exact(receipt.sum),
    rounding: number(receipt.rounding, { maximumSignificantDigits: 2, notation: "scientific" }),
    bound: receipt.bound === null ? "–" : number(receipt.bound, { maximumSignificantDigits: 2, notation: "scientific" }),
  }));
}

/** @param {any[]} steps the way of a nudge through the layers */
export function storyOf(steps) {
  if (!steps?.length) return null;
  const names = ["layer", "moved", "numbers", "largest", "at"];
  return h("table", { class: "numbers story" }, h("caption", { t: "story.title" }), h("thead", {}, h("tr", {}, ...names.map((name) => h("th", { scope: "col", t: `story.${name}` })))),
    h("tbody", {}, ...steps.map((step) => h("tr", {}, h("th", { scope: "row" }, step.layer), h("td", {}, count(step.moved)), h("td", {}, count(step.numbers)), h("td", {}, precise(step.largest)), h("td", {}, step.at ?? "")))));
}

/**
 * Two receipts part by part.
 * @param {any} a
 * @param {any} b
 * @param {import("./cover.js").Cover} cover
 */
export function differenceOf(a, b, cover) {
  const named = (/** @type {any} */ receipt) => new Map((receipt.total?.parts ?? []).map((/** @type {any} */ part, /** @type {number} */ k) => {
    const place = part.place || (part.parts ?? []).map((/** @type {any} */ leaf) => leaf.place).join(" × ");
    return [part.folded ? text("term.others") : said(part.label) || place || String(k), cover.hides(place, part.value) ? Number.NaN : part.value];
  }));
  const [first, second] = [named(a), named(b)];
  const names = [...new Set([...first.keys(), ...second.keys()])];
  const rows = names.map((name) => [name, first.get(name) ?? 0, second.get(name) ?? 0]).sort((x, y) => Math.abs(y[1] - y[2]) - Math.abs(x[1] - x[2])).slice(0, 24);
  const cell = (/** @type {number} */ value) => h("td", { title: Number.isNaN(value) ? null : exact(value) }, Number.isNaN(value) && cover.any ? "?" : precise(value));
  const row = (/** @type {any[]} */ [name, x, y]) => h("tr", {}, h("th", { scope: "row" }, name), ...[x, y, x - y].map(cell));
  const own = (/** @type {any} */ receipt) => (cover.hides(receipt.at, receipt.value) ? Number.NaN : receipt.value);
  return h("article", { class: "receipt difference", data: { testid: "difference" } }, h("header", {}, h("h3", { t: "receipt.difference" })),
    h("table", { class: "numbers" }, h("thead", {}, h("tr", {}, h("td"), h("th", { scope: "col", t: "receipt.first" }), h("th", { scope: "col", t: "receipt.second" }), h("th", { scope: "col", t: "receipt.less" }))),
      h("tbody", {}, ...rows.map(row)), h("tfoot", {}, row([text("receipt.value"), own(a), own(b)]))));
}

/**
 * Show or hide the lines of the loop that computes such a number; the innermost line is marked.
 * @param {HTMLElement} holder
 * @param {{file: string, function: string, first: number, inner: number, lines: string[]}} loop
 */
export function showLoop(holder, loop) {
  const line = (/** @type {string} */ words, /** @type {number} */ k) => h(k + loop.first === loop.inner ? "mark" : "span", { class: "code-line", data: { line: k + loop.first } }, `${words}\n`);
  holder.replaceChildren(h("figure", { class: "loop", data: { testid: "loop" } }, h("figcaption", {}, text("receipt.loopOf", { file: loop.file, line: loop.inner, name: loop.function })),
    h("pre", { tabindex: "0", role: "region", "aria-label": text("receipt.loopOf", { file: loop.file, line: loop.inner, name: loop.function }) }, h("code", {}, ...loop.lines.map(line)))));
}
