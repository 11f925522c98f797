/**
 * Colours of numbers: blue is positive, orange is negative, zero is neutral; the input is grey. Limits are symmetric.
 *
 * Interface
 *   palette("signed"|"grey"|"probability")   511 colours (little-endian RGBA) for -limit .. limit, of the theme that is shown
 *   paintInto(pixels, values, options)        write colours of values into a Uint32Array
 *   textOn(t)                                 "#000" or "#fff", the better one on the colour of t in -1 .. 1
 *   largest(values), largestOf(values, channels, channel)   limits
 *   cssOf(t, kind)                            colour of t as CSS text
 *   themes                                    EventTarget: "change" when light and dark change
 *   setTheme("light"|"dark"|"system"), theme()
 */

const LIGHT = ["#b35806", "#e08214", "#fdb863", "#fee0b6", "#f7f7f7", "#d1e5f0", "#92c5de", "#4393c3", "#2166ac"];
const DARK = ["#fdb863", "#e08214", "#a3520c", "#5a3413", "#20242b", "#17395c", "#1f5f9c", "#3b8fd1", "#86c1ee"];
const GREY = ["#000000", "#000000", "#000000", "#000000", "#000000", "#404040", "#808080", "#bfbfbf", "#ffffff"];
const HALF = 255;
const STORED = "handmade.lab.theme";

export const themes = new EventTarget();
const darkSystem = matchMedia("(prefers-color-scheme: dark)");
/** @type {string} */
let wish = "system";
/** @type {Map<string, Uint32Array<ArrayBuffer>>} */
const tables = new Map();

export const theme = () => wish;
export const isDark = () => wish === "dark" || (wish === "system" && darkSystem.matches);

/** @param {string} name */
export function setTheme(name, { store = true } = {}) {
  wish = name;
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  try {
    if (store) localStorage.setItem(STORED, name);
  } catch { /* Storage may be switched off. */ }
  tables.clear();
  themes.dispatchEvent(new Event("change"));
}

export function startTheme() {
  let stored = null;
  try {
    stored = localStorage.getItem(STORED);
  } catch { /* Storage may be switched off. */ }
  setTheme(stored === "light" || stored === "dark" ? stored : "system", { store: false });
  darkSystem.addEventListener("change", () => { if (wish === "system") setTheme("system", { store: false }); });
}

/** @param {string} kind */
const stopsOf = (kind) => (kind === "grey" ? GREY : isDark() ? DARK : LIGHT);

/** @param {string} hex */
const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/**
 * @param {number} t
 * @param {string} kind
 */
function colourAt(t, kind) {
  if (Number.isNaN(t)) return [214, 0, 108];
  const stops = stopsOf(kind);
  const x = (Math.min(1, Math.max(-1, t)) + 1) * 4;
  const low = Math.min(7, Math.floor(x));
  const [a, b] = [rgb(stops[low]), rgb(stops[low + 1])];
  return a.map((channel, i) => Math.round(channel + (b[i] - channel) * (x - low)));
}

/** @param {number} t */
export function cssOf(t, kind = "signed") {
  const [r, g, b] = colourAt(t, kind);
  return `rgb(${r} ${g} ${b})`;
}

/** @param {number} t */
export function textOn(t, kind = "signed") {
  const [r, g, b] = colourAt(t, kind).map((c) => {
    const x = c / 255;
    return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  });
  const light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return light > 0.179 ? "#000" : "#fff";
}

/** @param {string} kind @returns {Uint32Array<ArrayBuffer>} */
export function palette(kind) {
  let table = tables.get(kind);
  if (!table) {
    table = new Uint32Array(2 * HALF + 2);
    for (let i = 0; i <= 2 * HALF; i++) {
      const [r, g, b] = colourAt(i / HALF - 1, kind);
      table[i] = (255 << 24) | (b << 16) | (g << 8) | r;
    }
    table[2 * HALF + 1] = 0xff6c00d6; // not a number: the colour of a selection
    tables.set(kind, table);
  }
  return table;
}

/**
 * Return the index in a palette of a value.
 * @param {number} value
 * @param {number} limit
 */
export function step(value, limit) {
  if (Number.isNaN(value)) return 2 * HALF + 1;
  const t = limit > 0 ? value / limit : 0;
  return t >= 1 ? 2 * HALF : t <= -1 ? 0 : Math.round((t + 1) * HALF);
}

/** @param {ArrayLike<number>} values */
export function largest(values) {
  let limit = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]);
    if (size > limit && size < Infinity) limit = size;
  }
  return limit;
}

/**
 * @param {ArrayLike<number>} values
 * @param {number} channels
 * @param {number} channel
 */
export function largestOf(values, channels, channel) {
  let limit = 0;
  for (let i = channel; i < values.length; i += channels) {
    const size = Math.abs(values[i]);
    if (size > limit && size < Infinity) limit = size;
  }
  return limit;
}
