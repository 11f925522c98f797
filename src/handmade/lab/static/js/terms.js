/**
 * Trees of terms as elements: sums of products as patch, kernel and product for each channel; tables of products; lists; nested lists.
 *
 * Interface
 *   renderTotal(total, context) -> element      context: {lab, at, expand(path) -> Promise<Term>}
 *   valueElement(place, value)                  a number that leads to its own receipt; [data-value-place], quiz.js covers these
 *   productKey(term)                            name of a product in [data-key]; products have no place
 *   termName(term)                              its name in the user's language
 *
 * @typedef {{value: number, how: string, place?: string, label?: string, note?: string, folded?: true, count?: number, parts?: Term[]}} Term
 * @typedef {{lab: any, at: string, expand: (path: number[]) => Promise<Term>}} Context
 */
import { h } from "./dom.js";
import { gridOfProducts, renderChannels, roundingOfShown } from "./grids.js";
import { said } from "./said.js";
import { count, exact, hasText, precise, text } from "./text.js";

const SIGNS = { sum: "+", difference: "−", product: "×", quotient: "÷" };
const DEEP = 2; // levels of a tree that are open at first

/** @param {Term} term */
export const termName = (term) => said(term.label);

/** @param {string|undefined} note */
const noteText = (note) => (note && hasText(`note.${note}`) ? text(`note.${note}`) : said(note));

/**
 * @param {string|undefined} place
 * @param {number} value
 * @param {string} [key] of a product, which has no place
 */
export function valueElement(place, value, key) {
  const shownValue = precise(value);
  if (!place || place.startsWith("d logits") || /^d [^l]/.test(place)) return h("span", { class: "value", data: key ? { key, value } : {}, title: exact(value) }, shownValue);
  return h("span", { class: "value", data: { valuePlace: place, value }, title: exact(value) }, shownValue);
}

/** Name of a product by its factors: "conv1.W[0,1,0,3] × input[5,7,0]". @param {Term} term */
export const productKey = ({ parts }) => (parts ?? []).map(({ place, value }) => place ?? exact(value)).join(" × ");

/**
 * @param {string|undefined} place
 * @param {Context} context
 */
export function placeLink(place, context) {
  if (!place) return null;
  if (/^d (?!loss)/.test(place)) return h("span", { class: "place" }, place);
  const { focus } = context.lab;
  return h("button", {
    type: "button", class: "place link", data: { place },
    on: {
      click: (/** @type {MouseEvent} */ event) => focus.pin(place, { second: event.shiftKey, trail: !event.shiftKey }),
      pointerenter: () => focus.hover(place), pointerleave: () => focus.leave(),
    },
  }, place);
}

/**
 * @param {Term} total
 * @param {Context} context
 * @returns {HTMLElement}
 */
export function renderTotal(total, context) {
  const grids = channelsOf(total);
  if (grids) return renderChannels(total, grids, context);
  if (total.how === "sum" && total.parts?.some(isProduct)) return renderProducts(total, [], context);
  return h("div", {}, formula(total), renderParts(total, [], context, 0));
}

/** @param {Term} term */
const formula = (term) => (term.label || term.note ? h("p", { class: "formula" }, termName(term), term.note ? h("b", {}, `  ${noteText(term.note)}`) : null) : null);

/** @param {Term} term */
const isProduct = (term) => term.how === "product" && term.parts?.length === 2 && !!term.parts.every((part) => !part.parts);

/**
 * Return the channels of a sum if each is a sum of products that form a grid.
 * @param {Term} total
 */
function channelsOf(total) {
  if (total.how !== "sum" || !total.parts) return null;
  const channels = total.parts.map((term, k) => ({ term, k })).filter(({ term }) => term.how === "sum" && term.parts?.every(isProduct));
  if (!channels.length) return null;
  const grids = channels.map(({ term, k }) => ({ term, k, grid: gridOfProducts(term) }));
  return grids.every(({ grid }) => grid) ? grids : null;
}

/**
 * A sum of products as a table: name, factors, product.
 * @param {Term} total
 * @param {number[]} path
 * @param {Context} context
 * @returns {HTMLElement}
 */
export function renderProducts(total, path, context) {
  const parts = total.parts ?? [];
  const most = Math.max(...parts.map(({ value }) => Math.abs(value)), Number.MIN_VALUE);
  const body = h("tbody");
  const add = (/** @type {Term} */ term, /** @type {number[]} */ at, /** @type {HTMLElement|null} */ before) => {
    const row = productRow(term, at, most, context, async (button) => {
      const opened = await context.expand(at);
      for (const [k, part] of (opened.parts ?? []).slice(0, 500).entries()) add(part, [...at, k], row);
      button.closest("tr")?.remove();
      if ((opened.parts?.length ?? 0) > 500) body.append(h("tr", {}, h("td", { colspan: "4" }, text("term.first", { n: 500 }))));
    });
    body.insertBefore(row, before);
  };
  parts.forEach((term, k) => add(term, [...path, k], null));
  return h("div", {}, formula(total), h("table", { class: "products" },
    h("thead", {}, h("tr", {}, ...["receipt.factorA", "receipt.factorB", "receipt.product"].map((key) => h("th", { scope: "col", t: key })), h("td"))),
    body, h("tfoot", {}, h("tr", {}, h("th", { scope: "row", colspan: "2", t: "receipt.sum" }), h("td", { title: exact(total.value) }, precise(total.value)), h("td")))), roundingOfShown(total, parts, 6));
}

/**
 * @param {Term} term
 * @param {number[]} path
 * @param {number} most
 * @param {Context} context
 * @param {(button: HTMLElement) => void} open
 */
function productRow(term, path, most, context, open) {
  const bar = h("td", { class: "bar-cell" }, h("span", { class: term.value < 0 ? "bar negative" : "bar" }));
  bar.firstChild.style.inlineSize = `${(100 * Math.abs(term.value)) / most}%`;
  const result = h("td", { data: { path: path.join(".") } }, valueElement(undefined, term.value, isProduct(term) ? productKey(term) : undefined));
  if (isProduct(term)) {
    const [a, b] = term.parts ?? [];
    return h("tr", {}, factor(a, context), factor(b, context), result, bar);
  }
  const name = term.folded
    ? h("button", { type: "button", class: "link", data: { testid: "folded" }, on: { click: (/** @type {any} */ event) => open(event.currentTarget) } }, `▸ ${termName(term)}`)
    : h("span", {}, termName(term), " ", placeLink(term.place, context));
  if (term.parts && !term.folded) {
    return h("tr", {}, h("td", { colspan: "2" }, name, renderParts(term, path, context, DEEP)), result, bar);
  }
  return h("tr", {}, h("td", { colspan: "2" }, name), result, bar);
}

/**
 * @param {Term} term
 * @param {Context} context
 */
function factor(term, context) {
  return h("td", { class: term.note === "padding" ? "padding" : "" }, placeLink(term.place, context) ?? termName(term), " ",
    valueElement(term.place, term.value), term.note ? h("small", {}, ` ${noteText(term.note)}`) : null);
}

/**
 * The parts of any term as a nested list.
 * @param {Term} term
 * @param {number[]} path
 * @param {Context} context
 * @param {number} depth
 * @returns {HTMLElement|null}
 */
export function renderParts(term, path, context, depth) {
  const parts = term.parts ?? [];
  if (!parts.length) return null;
  const sign = SIGNS[/** @type {keyof typeof SIGNS} */ (term.how)] ?? "";
  const ties = parts.filter(({ note }) => note === "tie");
  const taken = (/** @type {Term} */ part) => part.note === "wins" || part === ties[0];
  const chosen = parts.some(taken);
  const head = h("span", { class: "how" }, hasText(`how.${term.how}`) ? text(`how.${term.how}`) : term.how);
  return h("div", { class: "parts" }, head, h("ul", { class: "tree" }, ...parts.map((part, k) => {
    const mark = sign ? h("span", { class: "sign", "aria-hidden": "true" }, k ? sign : "") : null;
    const name = taken(part) ? "wins" : part.note === "padding" ? "padding" : chosen ? "loses" : "";
    const note = part.note !== "tie" ? undefined : part === ties[0] ? text("note.firstOf", { n: count(ties.length) }) : text("note.equal");
    return h("li", { class: name }, mark, renderNode(part, [...path, k], context, depth + 1, note));
  })));
}

/**
 * @param {Term} term
 * @param {number[]} path
 * @param {Context} context
 * @param {number} depth
 * @param {string} [note] in the place of the term's own
 * @returns {HTMLElement}
 */
function renderNode(term, path, context, depth, note) {
  const line = [
    h("span", { class: "term-name" }, termName(term)), " ", placeLink(term.place, context), " ", valueElement(term.place, term.value, isProduct(term) ? productKey(term) : undefined),
    term.note ? h("small", { class: "note" }, ` ${note ?? noteText(term.note)}`) : null,
  ];
  if (term.folded) {
    const holder = h("div");
    const button = h("button", {
      type: "button", class: "link", data: { testid: "folded" }, on: {
        click: async () => holder.replaceChildren(renderParts(await context.expand(path), path, context, DEEP) ?? ""),
      },
    }, `▸ ${termName(term)}`);
    holder.append(button, " ", valueElement(undefined, term.value));
    return holder;
  }
  if (!term.parts?.length) return h("div", { class: "leaf" }, ...line);
  if (isProduct(term)) {
    const [a, b] = term.parts;
    return h("div", { class: "leaf" }, ...line, " = ", placeLink(a.place, context) ?? termName(a), " ", valueElement(a.place, a.value), " × ",
      placeLink(b.place, context) ?? termName(b), " ", valueElement(b.place, b.value));
  }
  return h("details", { open: depth <= DEEP }, h("summary", {}, ...line), renderParts(term, path, context, depth));
}
