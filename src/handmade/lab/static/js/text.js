/**
 * Text of the page in the user's language, and numbers.
 *
 * Interface
 *   text("key", {name: value})     text of static/text/<language>.json with its {name}s replaced
 *   setLanguage("de")              loads a language and repeats applyText; `languages` fires "change"
 *   applyText(root)                fills elements with data-text (content), data-label (aria-label and title), data-hint (title)
 *   number(x, options)             Intl.NumberFormat of the language, with a real minus sign
 *   shown(x)                       number in a small cell: 2 decimals, or 3 significant digits below 0.01
 *   brief(x)                       4 significant digits
 *   precise(x)                     about 7 significant digits; exact(x): all digits
 *   count(n), percent(x), moment(iso)
 *   english()                      the English table, whose "said." templates the words of the engine are matched with (said.js)
 */

export const LANGUAGES = { en: "English", de: "Deutsch", zh: "简体中文" };
const STORED = "handmade.lab.language";
export const languages = new EventTarget();

/** @type {Record<string, string>} */
let texts = {};
/** @type {Record<string, string>} */
let source = {};
let current = "en";
/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

export const language = () => current;
export const english = () => source;

/** Return the stored language, or the browser's, or English. */
export function preferredLanguage() {
  /** @type {string[]} */
  const wishes = [...navigator.languages];
  try {
    wishes.unshift(localStorage.getItem(STORED) ?? "");
  } catch { /* Storage may be switched off. */ }
  return wishes.map((name) => name.slice(0, 2)).find((name) => name in LANGUAGES) ?? "en";
}

/**
 * @param {string} name
 * @param {{store?: boolean}} [options]
 */
export async function setLanguage(name, { store = true } = {}) {
  try {
    [source, texts] = await Promise.all([table("en"), table(name)]);
  } catch {
    return; // the language stays as it was
  }
  current = name;
  formats.clear();
  document.documentElement.lang = name === "zh" ? "zh-Hans" : name;
  try {
    if (store) localStorage.setItem(STORED, name);
  } catch { /* Storage may be switched off. */ }
  applyText(document.body);
  languages.dispatchEvent(new Event("change"));
}

/** @param {string} name @returns {Promise<Record<string, string>>} */
async function table(name) {
  if (name === "en" && Object.keys(source).length) return source;
  const answer = await fetch(`/static/text/${name}.json`);
  if (!answer.ok) throw new Error(name);
  return answer.json();
}

/**
 * @param {string} key
 * @param {Record<string, any>} [values]
 */
export function text(key, values = {}) {
  const found = texts[key] ?? key;
  return found.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

export const hasText = (/** @type {string} */ key) => key in texts;

/** @param {ParentNode & Node} root */
export function applyText(root) {
  const selector = "[data-text], [data-label], [data-hint]";
  /** @type {HTMLElement[]} */
  const elements = [...root.querySelectorAll(selector)].map((element) => /** @type {HTMLElement} */ (element));
  if (root instanceof HTMLElement && root.matches(selector)) elements.push(root);
  for (const element of elements) {
    const { text: content, label, hint } = element.dataset;
    if (content) element.textContent = text(content);
    if (label) element.setAttribute("aria-label", text(label));
    if (label || hint) element.title = text(hint ?? label ?? "");
  }
}

/**
 * @param {number|null|undefined} x
 * @param {Intl.NumberFormatOptions} [options]
 */
export function number(x, options = {}) {
  if (x === null || x === undefined || Number.isNaN(x)) return "–";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  const key = JSON.stringify(options);
  let format = formats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(current, options);
    formats.set(key, format);
  }
  return format.format(Object.is(x, -0) ? 0 : x).replaceAll("-", "−").replace("E", "e");
}

/** @param {number|null|undefined} x */
export function shown(x) {
  const size = Math.abs(x ?? 0);
  if (size === 0 || (size >= 0.01 && size < 100)) return number(x, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return number(x, { maximumSignificantDigits: 3, notation: size < 1e-4 || size >= 1e6 ? "scientific" : "standard" });
}

/** @param {number|null|undefined} x */
export function precise(x) {
  const size = Math.abs(x ?? 0);
  if (size === 0) return number(x);
  if (size >= 1e-4 && size < 1e6) return number(x, { maximumSignificantDigits: 6 });
  return number(x, { maximumSignificantDigits: 5, notation: "scientific" });
}

/** @param {number|null|undefined} x */
export function brief(x) {
  const size = Math.abs(x ?? 0);
  if (size === 0 || (size >= 1e-3 && size < 1e5)) return number(x, { maximumSignificantDigits: 4 });
  return number(x, { maximumSignificantDigits: 4, notation: "scientific" });
}

/** @param {number|null|undefined} x */
export function exact(x) {
  if (x === null || x === undefined || !Number.isFinite(x)) return number(x);
  const [mantissa, exponent] = String(x).split("e");
  const point = number(0.5).charAt(1);
  const digits = mantissa.replace(".", point).replace("-", "−");
  return exponent ? `${digits}e${exponent.replace("-", "−").replace("+", "")}` : digits;
}

/** @param {number} n */
export const count = (n) => number(n, { maximumFractionDigits: 0 });

/** @param {number|null} x */
export const percent = (x, digits = 1) =>
  number(x, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });

/** Date and time of day. @param {string} iso */
export function moment(iso) {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : new Intl.DateTimeFormat(current, { dateStyle: "medium", timeStyle: "short" }).format(date);
}
