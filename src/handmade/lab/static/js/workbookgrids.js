/**
 * Small arrays of the workbook as grids: numbers in the colours of the lab, marked ones with an outline.
 *
 * Interface
 *   gridsOf(parts) -> element; a part is {kind: "grid"|"yours"|"expected", text, rows, marked, dim, top, left} or {kind: "sign", text}
 */
import { cssOf, textOn } from "./colours.js";
import { h } from "./dom.js";
import { exact, shown, text } from "./text.js";

/** @typedef {{kind: string, text: string, rows: (number|string)[][], marked: [number, number][], dim: [number, number][], top: number, left: number}} Part */

/** @param {Part[]} parts */
export function gridsOf(parts) {
  const values = parts.flatMap(({ rows = [] }) => rows.flat()).filter((value) => typeof value === "number");
  const limit = Math.max(...values.map(Math.abs), 0) || 1;
  return h("div", { class: "grids" }, ...parts.map((part) => (part.kind === "sign" ? h("span", { class: "operator" }, part.text) : grid(part, limit))));
}

/**
 * @param {Part} part
 * @param {number} limit
 */
function grid({ kind, text: title, rows, marked, dim, top, left }, limit) {
  const isIn = (/** @type {[number, number][]} */ places, /** @type {number} */ row, /** @type {number} */ column) => places.some(([i, j]) => i === row && j === column);
  const name = kind === "grid" ? title : text(`workbook.${kind}`, { name: title });
  const head = rows[0]?.map((_, column) => h("th", { scope: "col" }, String(left + column))) ?? [];
  const body = rows.map((row, i) => h("tr", {}, h("th", { scope: "row" }, String(top + i)), ...row.map((value, j) => h("td", {}, cell(value, limit, isIn(marked, i, j), isIn(dim, i, j), kind)))));
  const table = h("table", { class: "mini", "aria-label": name, data: { grid: kind } }, h("thead", {}, h("tr", {}, h("td"), ...head)), h("tbody", {}, ...body));
  return h("figure", { class: "grid-figure" }, h("figcaption", { "aria-hidden": "true" }, name), table);
}

/**
 * @param {number|string} value
 * @param {number} limit
 * @param {boolean} marked
 * @param {boolean} dim
 * @param {string} kind
 */
function cell(value, limit, marked, dim, kind) {
  const plain = typeof value === "number";
  const words = plain ? shown(value) : value;
  const hidden = marked && h("span", { class: "hidden-text" }, ` ${text(kind === "grid" ? "workbook.marked" : "workbook.wrong")}`);
  const element = h("span", { class: `cell${marked ? " marked" : ""}${dim ? " padding" : ""}${words.length > 6 ? " tight" : ""}`, title: plain ? exact(value) : value }, words, hidden);
  if (plain && !dim) {
    element.style.backgroundColor = cssOf(value / limit);
    element.style.color = textOn(value / limit);
  }
  return element;
}
