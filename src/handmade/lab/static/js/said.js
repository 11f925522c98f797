/**
 * Words of the engine and the server in the user's language.
 *
 * They speak English: labels and notes of terms, errors, warnings, reasons. en.json holds a template for each, "said.<name>"; the
 * template that fits gives the values of its placeholders, and the same key of the user's language is filled with them.
 *
 * Placeholders
 *   {said}, {said2}       words that are translated in the same way
 *   {field}               name of a setting: its label on the page
 *   {n}, {name}, {kind}, {dtype}, {place}    one number, name or place, without a space
 *   {rest}                a part that only the English text says
 *   any other             any text, as it is
 *
 * Interface
 *   said(words)     -> the words in the user's language; as they are if no template fits, such as a formula
 *   write(element, make)   shows the sentence make() in an element, and again in another language when that is chosen
 */
import { english, exact, hasText, language, languages, number, text } from "./text.js";

/** @typedef {{key: string, names: string[], pattern: RegExp, size: number}} Rule */

const FIELDS = new Set(["learning_rate", "batch_size", "epochs", "seed", "limit", "schedule", "momentum", "scheme", "step_size", "optimiser", "gradient", "loss"]);
const PATTERNS = /** @type {Record<string, string>} */ ({
  n: "(\\S+?)", name: "(\\S+?)", kind: "(\\S+?)", dtype: "(\\S+?)", field: "([\\w.]+)", place: "((?:d loss / d )?\\S+?)",
});
const MOST = 5000; // sentences that are remembered

/** @type {Rule[]} */
let rules = [];
/** @type {Map<string, string>} */
const known = new Map();
/** Sentences of elements, and their words now. @type {WeakMap<Element, {make: () => string, words: string}>} */
const sentences = new WeakMap();
languages.addEventListener("change", () => {
  known.clear();
  rules = [];
  for (const element of document.querySelectorAll("[data-sentence]")) {
    const sentence = sentences.get(element);
    if (sentence && element.textContent === sentence.words) write(element, sentence.make); // else somebody has changed it since
  }
});

/**
 * @param {Element} element
 * @param {() => string} make
 */
export function write(element, make) {
  const words = make();
  element.textContent = words;
  element.setAttribute("data-sentence", "");
  sentences.set(element, { make, words });
}

/** @param {string|null|undefined} words @returns {string} */
export function said(words) {
  if (!words || language() === "en") return words ?? "";
  let found = known.get(words);
  if (found === undefined) {
    found = translated(words) ?? words.split("; ").map((part) => translated(part) ?? part).join("; ");
    if (known.size > MOST) known.clear();
    known.set(words, found);
  }
  return found;
}

/**
 * Return the words by the first template that fits together with all sentences inside it; null if there is none.
 * @param {string} words
 * @returns {string|null}
 */
function translated(words) {
  if (!rules.length) rules = templates();
  for (const { key, names, pattern } of rules) {
    const values = pattern.exec(words)?.slice(1);
    const filled = values?.map((value, i) => shownValue(names[i], value));
    if (filled && !filled.includes(null)) return text(key, Object.fromEntries(names.map((name, i) => [name, filled[i]])));
  }
  return null;
}

/**
 * @param {string} name
 * @param {string} value
 * @returns {string|null}
 */
function shownValue(name, value) {
  if (name.startsWith("said") && /\p{L}{3}/u.test(value)) return translated(value);
  if (name === "field" && FIELDS.has(value) && hasText(`train.${value}`)) return text(`train.${value}`);
  const plain = /^[+-]?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.(\d+))?$/.exec(value);
  const x = Number(value.replaceAll(",", ""));
  if (plain) return number(x, { minimumFractionDigits: plain[1]?.length ?? 0, maximumFractionDigits: plain[1]?.length ?? 0 });
  return /^[+-]?\d[\d.]*e[+-]?\d+$/.test(value) ? exact(x) : value;
}

/** Templates of the English table, those with the most words of their own first. */
function templates() {
  return Object.entries(english()).filter(([key]) => key.startsWith("said.")).map(([key, template]) => {
    const pieces = template.split(/\{(\w+)\}/);
    const names = pieces.filter((_, i) => i % 2);
    const pattern = pieces.map((piece, i) => (i % 2 ? PATTERNS[piece.replace(/\d+$/, "")] ?? "(.+?)" : piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")));
    return { key, names, pattern: new RegExp(`^${pattern.join("")}$`, "s"), size: template.length - names.join("").length };
  }).sort((a, b) => b.size - a.size);
}
