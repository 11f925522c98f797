/**
 * Products of a window as grids: patch × kernel = product, one row of grids a channel, the largest channels first.
 *
 * Interface
 *   gridOfProducts(term) -> {rows, columns, cells} or null if the products form no grid
 *   renderChannels(total, grids, context) -> element
 *
 * @typedef {import("./terms.js").Term} Term
 * @typedef {{row: number, column: number, weight: Term, pixel: Term, product: Term}} Cell
 * @typedef {{height: number, width: number, top: number|null, left: number|null, cells: Cell[]}} ProductGrid
 */
import { cssOf, textOn } from "./colours.js";
import { h } from "./dom.js";
import { parsePlace } from "./places.js";
import { placeLink, productKey, termName, valueElement } from "./terms.js";
import { count, exact, precise, shown, text } from "./text.js";

const FIRST = 3; // channels that are shown at first

/**
 * @param {Term} term a sum of products
 * @returns {ProductGrid|null}
 */
export function gridOfProducts(term) {
  const cells = [];
  let [top, left] = [/** @type {number|null} */ (null), /** @type {number|null} */ (null)];
  for (const product of term.parts ?? []) {
    const [a, b] = product.parts ?? [];
    const [first, second] = [a, b].map((part) => (part?.place ? parsePlace(part.place) : null));
    const swapped = !first || (!/\.\w+$/.test(first.room) && !!second && /\.\w+$/.test(second.room));
    const [weight, pixel, where, from] = swapped ? [b, a, second, first] : [a, b, first, second];
    if (!where || where.index.length < 3 || where.gradient) return null;
    const [row, column] = where.index;
    if (from?.index.length === 3 && top === null) [top, left] = [from.index[0] - row, from.index[1] - column];
    cells.push({ row, column, weight, pixel, product });
  }
  if (!cells.length) return null;
  const height = 1 + Math.max(...cells.map(({ row }) => row));
  const width = 1 + Math.max(...cells.map(({ column }) => column));
  if (cells.length > height * width || height * width > 400) return null;
  return { height, width, top, left, cells };
}

/**
 * @param {Term} total
 * @param {{term: Term, k: number, grid: ProductGrid|null}[]} grids
 * @param {import("./terms.js").Context} context
 */
export function renderChannels(total, grids, context) {
  const sorted = [...grids].sort((a, b) => Math.abs(b.term.value) - Math.abs(a.term.value));
  const others = (total.parts ?? []).filter((part) => !grids.some(({ term }) => term === part));
  const limits = {
    weight: largestIn(sorted, "weight"), pixel: largestIn(sorted, "pixel"), product: largestIn(sorted, "product"),
  };
  const list = h("div", { class: "channels" });
  const add = (/** @type {typeof sorted} */ some) => list.append(...some.map((each) => renderChannel(each, limits, context)));
  add(sorted.slice(0, FIRST));
  const rest = sorted.slice(FIRST);
  if (rest.length) {
    const sum = rest.reduce((value, { term }) => value + term.value, 0);
    const button = h("button", {
      type: "button", class: "link more", data: { testid: "more-channels" }, on: { click: () => { button.remove(); add(rest); } },
    }, `▸ ${text("receipt.more", { n: count(rest.length), sum: precise(sum) })}`);
    list.append(button);
  }
  const addends = [...sorted.map(({ term }) => ({ name: termName(term), term })), ...others.map((term) => ({ name: termName(term) || term.place || "", term }))];
  return h("div", {}, h("p", { class: "formula" }, termName(total)), list, sumLine(total, grids, others, context), roundingOfShown(total, addends.map(({ term }) => term)));
}

/**
 * "sum of the channels (0.3562) + bias (0.0651) = 0.4213"
 * @param {Term} total
 * @param {{term: Term}[]} grids
 * @param {Term[]} others
 * @param {import("./terms.js").Context} context
 */
function sumLine(total, grids, others, context) {
  const sum = grids.reduce((value, { term }) => value + term.value, 0);
  const pieces = [h("span", {}, grids.length > 1 ? text("receipt.channels", { n: count(grids.length) }) : text("receipt.products"), " ", h("b", { title: exact(sum) }, precise(sum)))];
  for (const term of others) pieces.push(" + ", h("span", {}, termName(term), " ", placeLink(term.place, context), " ", valueElement(term.place, term.value)));
  return h("p", { class: "sum-line", data: { testid: "sum-line" } }, ...pieces, " = ", h("b", { title: exact(total.value), data: { testid: "sum" } }, precise(total.value)));
}

/**
 * A line for the reader who adds up what is shown, if its rounding can be seen.
 * @param {Term} total
 * @param {Term[]} terms
 * @param {number} [digits] significant digits that are shown; without, 2 decimals
 */
export function roundingOfShown(total, terms, digits) {
  const round = (/** @type {number} */ x) => (digits ? Number(x.toPrecision(digits)) : Math.round(x * 100) / 100);
  const sum = terms.reduce((value, term) => value + round(term.value), 0);
  if (Math.abs(round(sum) - round(total.value)) < (digits ? Number.EPSILON : 0.005)) return null;
  return h("p", { class: "fine-print" }, text("receipt.rounded", { value: exact(total.value) }));
}

/**
 * @param {{grid: ProductGrid|null}[]} grids
 * @param {"weight"|"pixel"|"product"} part
 */
function largestIn(grids, part) {
  let most = 0;
  for (const { grid } of grids) for (const cell of grid?.cells ?? []) most = Math.max(most, Math.abs(cell[part].value));
  return most;
}

/**
 * @param {{term: Term, k: number, grid: ProductGrid|null}} channel
 * @param {{weight: number, pixel: number, product: number}} limits
 * @param {import("./terms.js").Context} context
 */
function renderChannel({ term, k, grid }, limits, context) {
  if (!grid) return h("div");
  return h("section", { class: "channel", data: { channel: k } },
    h("h4", {}, termName(term), " ", h("span", { class: "value", title: exact(term.value) }, `= ${precise(term.value)}`)),
    h("div", { class: "grids" },
      renderGrid(grid, "pixel", "receipt.patch", limits.pixel, context), h("span", { class: "operator" }, "×"),
      renderGrid(grid, "weight", "receipt.kernel", limits.weight, context), h("span", { class: "operator" }, "="),
      renderGrid(grid, "product", "receipt.product", limits.product, context)));
}

/**
 * @param {ProductGrid} grid
 * @param {"weight"|"pixel"|"product"} part
 * @param {string} caption
 * @param {number} limit
 * @param {import("./terms.js").Context} context
 */
function renderGrid(grid, part, caption, limit, context) {
  const at = new Map(grid.cells.map((cell) => [cell.row * grid.width + cell.column, cell]));
  const [top, left] = part === "pixel" ? [grid.top ?? 0, grid.left ?? 0] : [0, 0];
  const rows = [];
  for (let row = 0; row < grid.height; row++) {
    const cells = [];
    for (let column = 0; column < grid.width; column++) {
      const term = at.get(row * grid.width + column)?.[part];
      cells.push(h("td", {}, term ? cellOf(term, limit, context.lab) : ""));
    }
    rows.push(h("tr", {}, h("th", { scope: "row" }, String(top + row)), ...cells));
  }
  const head = Array.from({ length: grid.width }, (_, column) => h("th", { scope: "col" }, String(left + column)));
  return h("table", { class: "mini", data: { part } }, h("caption", { t: caption }), h("thead", {}, h("tr", {}, h("td"), ...head)), h("tbody", {}, ...rows));
}

/**
 * @param {Term} term
 * @param {number} limit
 * @param {any} lab
 */
function cellOf(term, limit, { focus, status, store }) {
  const t = limit ? term.value / limit : 0;
  const { place } = term;
  const padded = term.note === "padding";
  const outside = () => status.tell(text("note.padding"));
  const cell = h(place && !padded ? "button" : "span", {
    type: place && !padded ? "button" : null, class: padded ? "cell padding" : "cell", title: `${place ?? ""} ${exact(term.value)}${padded ? ` · ${text("note.padding")}` : ""}`.trim(),
    data: { value: term.value, ...(term.parts ? { key: productKey(term) } : {}), ...(place ? { place, valuePlace: place } : {}) },
    on: place && !padded ? {
      click: (/** @type {MouseEvent} */ event) => focus.pin(place, { second: event.shiftKey, trail: !event.shiftKey }),
      pointerenter: () => focus.hover(place), pointerleave: () => focus.leave(),
    } : padded ? { pointerenter: outside, click: outside, pointerleave: () => status.show(store.state.focus) } : {},
  }, shown(term.value));
  cell.classList.toggle("tight", cell.textContent.length > 6);
  if (!padded) {
    cell.style.backgroundColor = cssOf(t);
    cell.style.color = textOn(t);
  }
  return cell;
}
