/**
 * Charts: lines over a common axis, with a legend that shows exact values, a crosshair, arrow keys and a table.
 *
 * uPlot (static/vendor/uplot) draws on canvas; it is loaded when the first chart is made.
 *
 * Interface
 *   new Chart(root, {lab, name: text key, x: Axis, y: Axis, series: [Series]})
 *     Axis: {label: text key, log, format(number) -> text}
 *     Series: {label: text key or text, colour: CSS variable, width, dash, points: size of dots, line: false for dots alone, value(number) -> text, last: show the last value, silent: not in the legend}
 *   chart.set(columns)               [x, y of the first series, ...]; null is a gap
 *   chart.change({x, y, series})     other axes or series; call set afterwards
 *   chart.mark(x)                    a vertical line at x; null: none
 *   joined([{x, y: [column, ...]}])  columns over a common x, from tables with an x each
 *   chart.table()                    the numbers in a dialog
 */
import { themes } from "./colours.js";
import { h } from "./dom.js";
import { showTable } from "./table.js";
import { hasText, languages, number, precise, text } from "./text.js";

/**
 * @typedef {{label: string, log?: boolean, format?: (x: number) => string, range?: [number|null, number|null]}} Axis
 * @typedef {{label: string, colour: string, width?: number, dash?: number[], points?: number, line?: boolean, value?: (x: number) => string, last?: boolean, silent?: boolean}} Series
 * @typedef {(number|null)[]} Column
 */

const POWERS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20]; // of 10, between ticks of a logarithmic axis
const MOST_ROWS = 2000; // of a table
const FONT = '12px system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif';
/** @type {Promise<any>|null} */
let library = null;

/** @returns {Promise<any>} */
export function loadLibrary() {
  library ??= new Promise((done, failed) => {
    document.head.append(h("link", { rel: "stylesheet", href: "/static/vendor/uplot/uPlot.min.css" }));
    document.head.append(h("script", {
      src: "/static/vendor/uplot/uPlot.iife.min.js", on: { load: () => done(/** @type {any} */ (window).uPlot), error: () => { library = null; failed(new Error("uPlot")); } },
    }));
  });
  return library;
}

const css = (/** @type {string} */ name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const named = (/** @type {string} */ label) => (hasText(label) ? text(label) : label);

/**
 * @param {{x: number[], y: Column[]}[]} tables
 * @returns {Column[]}
 */
export function joined(tables) {
  const all = [...new Set(tables.flatMap(({ x }) => x))].sort((a, b) => a - b);
  const at = new Map(all.map((x, i) => [x, i]));
  return [all, ...tables.flatMap(({ x, y }) => y.map((column) => {
    /** @type {Column} */
    const wide = new Array(all.length).fill(null);
    x.forEach((each, i) => { wide[/** @type {number} */ (at.get(each))] = column[i] ?? null; });
    return wide;
  }))];
}

export class Chart {
  /**
   * @param {HTMLElement} root
   * @param {{lab: any, name: string, x: Axis, y: Axis, series: Series[], testid?: string}} options
   */
  constructor(root, { lab, name, x, y, series, testid }) {
    this.lab = lab;
    this.name = name;
    this.x = x;
    this.y = y;
    this.series = series;
    /** @type {Column[]} */
    this.columns = [[], ...series.map(() => [])];
    /** @type {number|null} */
    this.marked = null;
    this.isOld = false;
    /** @type {Set<string>} */
    this.hiddenNames = new Set();
    this.box = h("div", { class: "chart-box", tabindex: "0", role: "application", data: { testid } });
    this.legend = h("div", { class: "chart-legend" });
    this.tools = h("span", { class: "chart-tools" }, h("button", { type: "button", class: "plain", t: "table.open", data: { hint: "table.as" }, on: { click: () => this.table() } }));
    root.classList.add("chart");
    root.append(h("div", { class: "chart-head" }, h("h3", { t: name }), this.legend, this.tools), this.box);
    this.box.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(event));
    this.box.addEventListener("blur", () => this.plot?.setCursor({ left: -10, top: -10 }));
    const again = () => this.#build();
    themes.addEventListener("change", again);
    languages.addEventListener("change", again);
    new ResizeObserver(() => this.#resize()).observe(this.box);
    this.#describe();
    loadLibrary().then((uPlot) => {
      this.uPlot = uPlot;
      this.#build();
    }, () => { this.box.textContent = text("chart.failed"); });
  }

  /** @param {Column[]} columns */
  set(columns) {
    const wasEmpty = this.#isEmpty;
    this.columns = columns;
    if (this.plot && !this.#isEmpty) {
      this.plot.setData(this.#drawn());
      this.#values(null);
    } else if (!wasEmpty || !this.#isEmpty) this.#build();
    this.#describe();
  }

  /** @param {{x?: Axis, y?: Axis, series?: Series[]}} options */
  change({ x = this.x, y = this.y, series = this.series }) {
    [this.x, this.y, this.series] = [x, y, series];
    if (this.columns.length !== series.length + 1) this.columns = [[], ...series.map(() => [])];
    this.#build();
  }

  /** @param {number|null} x */
  mark(x) {
    this.marked = x;
    this.plot?.redraw(false);
  }

  /** A chart without a number, whose axes would have no limits. */
  get #isEmpty() { return !this.columns[0].length || this.#drawn().slice(1).every((column) => column.every((v) => v === null)); }

  /** The numbers as they are drawn: on a logarithmic axis their powers of 10. */
  #drawn() {
    const power = (/** @type {number|null} */ v) => (v !== null && v > 0 ? Math.log10(v) : null);
    return this.columns.map((column, i) => ((i ? this.y.log : this.x.log) ? column.map(power) : column));
  }

  #build() {
    if (!this.uPlot) return;
    this.isOld = !this.box.clientWidth; // hidden: it is built when it is shown
    if (this.isOld) return;
    this.plot?.destroy();
    this.plot = null;
    this.#legend();
    if (this.#isEmpty) return;
    const axis = (/** @type {Axis} */ { label, format, log }, /** @type {boolean} */ side) => ({
      stroke: css("--muted"), font: FONT, label: label && (side || this.box.clientHeight > 150) ? named(label) : undefined, labelFont: FONT, labelSize: 16, labelGap: 0, gap: 3, size: side ? 56 : 22,
      grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), size: 4 }, space: side ? 28 : 64,
      values: (/** @type {any} */ _, /** @type {(number|null)[]} */ ticks, /** @type {number} */ __, /** @type {number} */ ___, /** @type {number} */ step) => ticks.map((v) =>
        (v === null ? "" : format ? format(log ? 10 ** v : v) : tick(log ? 10 ** v : v, log ? 0 : step))),
      ...(log ? { incrs: POWERS } : {}),
    });
    const scale = (/** @type {Axis} */ { range }) => ({ time: false, ...(range ? { range } : {}) });
    this.plot = new this.uPlot({
      width: this.box.clientWidth, height: Math.max(60, this.box.clientHeight), legend: { show: false }, padding: [8, 10, 0, 0],
      cursor: { points: { size: 7 }, drag: { x: true, y: false } },
      scales: { x: scale(this.x), y: scale(this.y) }, axes: [axis(this.x, false), axis(this.y, true)],
      series: [{}, ...this.series.map(({ colour, width = 1.5, dash, points = 0, line = true, label }) => ({
        stroke: line ? css(colour) : "transparent", width, dash, spanGaps: true, show: !this.hiddenNames.has(label),
        points: { show: points > 0, size: points, fill: css(colour), stroke: css(colour) },
      }))],
      hooks: {
        setCursor: [(/** @type {any} */ plot) => this.#values(plot.cursor.idx ?? null)],
        draw: [(/** @type {any} */ plot) => this.#drawMark(plot)],
      },
    }, this.#drawn(), this.box);
    this.#values(null);
    this.#describe();
  }

  #resize() {
    if (!this.box.clientWidth) return;
    if (!this.plot || this.isOld) this.#build();
    else this.plot.setSize({ width: this.box.clientWidth, height: Math.max(60, this.box.clientHeight) });
  }

  /** @param {any} plot */
  #drawMark(plot) {
    if (this.marked === null || (this.x.log && this.marked <= 0)) return;
    const at = Math.round(plot.valToPos(this.x.log ? Math.log10(this.marked) : this.marked, "x", true));
    const { left, top, width, height } = plot.bbox;
    if (at < left || at > left + width) return;
    plot.ctx.save();
    plot.ctx.strokeStyle = css("--select");
    plot.ctx.lineWidth = devicePixelRatio;
    plot.ctx.setLineDash([4, 3]);
    plot.ctx.beginPath();
    plot.ctx.moveTo(at, top);
    plot.ctx.lineTo(at, top + height);
    plot.ctx.stroke();
    plot.ctx.restore();
  }

  #legend() {
    this.cells = this.series.map(() => h("span", { class: "chart-value" }));
    this.at = h("span", { class: "chart-value" });
    this.legend.replaceChildren(this.at, ...this.series.map((series, i) => {
      const swatch = h("span", { class: series.dash ? "swatch dashed" : series.line === false ? "swatch dot" : "swatch", "aria-hidden": "true" });
      swatch.style.setProperty("--colour", `var(${series.colour})`);
      if (!series.dash && series.line !== false && (series.width ?? 1.5) < 1) swatch.classList.add("thin");
      return h("button", {
        type: "button", class: "plain legend-entry", hidden: !!series.silent, "aria-pressed": "mixed", on: { click: (/** @type {any} */ event) => this.#toggle(series, i, event.currentTarget) },
      }, swatch, named(series.label), " ", this.cells?.[i]);
    }));
    for (const [i, button] of [...this.legend.querySelectorAll("button")].entries()) button.setAttribute("aria-pressed", String(!this.hiddenNames.has(this.series[i].label)));
  }

  /**
   * @param {Series} series
   * @param {number} i
   * @param {HTMLElement} button
   */
  #toggle({ label }, i, button) {
    const show = this.hiddenNames.has(label);
    if (show) this.hiddenNames.delete(label);
    else this.hiddenNames.add(label);
    button.setAttribute("aria-pressed", String(show));
    this.plot?.setSeries(i + 1, { show });
  }

  /** @param {number|null} index of the crosshair; null: none, the last values */
  #values(index) {
    const xs = this.columns[0];
    const at = index ?? xs.length - 1;
    if (this.at) this.at.textContent = index === null || !xs.length ? "" : `${named(this.x.label)} ${(this.x.format ?? precise)(/** @type {number} */ (xs[at]))}`;
    this.series.forEach(({ value = precise, last }, i) => {
      if (index === null && !last) {
        if (this.cells?.[i]) this.cells[i].textContent = "";
        return;
      }
      const found = nearest(this.columns[i + 1] ?? [], at, index === null);
      if (this.cells?.[i]) this.cells[i].textContent = found === null || xs.length === 0 ? "" : value(found);
    });
  }

  #describe() {
    const parts = this.series.map(({ label, value = precise }, i) => {
      const last = nearest(this.columns[i + 1] ?? [], this.columns[0].length - 1, true);
      return last === null ? "" : `${named(label)} ${value(last)}`;
    });
    this.box.setAttribute("aria-label", text("chart.name", { name: text(this.name), n: number(this.columns[0].length), last: parts.filter(Boolean).join(", ") }));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { plot } = this;
    const n = this.columns[0].length;
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -n, End: n };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (!plot || !n || step === undefined || event.ctrlKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const index = Math.min(n - 1, Math.max(0, (plot.cursor.idx ?? (step > 0 ? -1 : n)) + step));
    plot.setCursor({ left: plot.valToPos(this.#drawn()[0][index], "x"), top: 10 });
    this.#values(index);
    const words = this.series.map(({ label, value = precise }, i) => {
      const y = this.columns[i + 1]?.[index];
      return y === null || y === undefined ? "" : `${named(label)} ${value(y)}`;
    });
    this.lab.status.say(`${named(this.x.label)} ${(this.x.format ?? precise)(/** @type {number} */ (this.columns[0][index]))}: ${words.filter(Boolean).join(", ")}`);
  }

  table() {
    const xs = this.columns[0];
    const every = Math.max(1, Math.ceil(xs.length / MOST_ROWS));
    const rows = xs.map((x, i) => ({ name: x === null ? "" : (this.x.format ?? precise)(x), cells: this.series.map((_, k) => this.columns[k + 1]?.[i] ?? null) }));
    showTable({ title: text(this.name), corner: named(this.x.label), columns: this.series.map(({ label }) => named(label)), rows: rows.filter((_, i) => i % every === 0 || i === xs.length - 1) });
  }
}

/**
 * Return the value at an index; if there is none, the last one before it.
 * @param {Column} column
 * @param {number} at
 * @param {boolean} before
 */
function nearest(column, at, before) {
  for (let i = at; i >= 0; i--) {
    const value = column[i];
    if (value !== null && value !== undefined) return value;
    if (!before && at - i > 50) return null;
  }
  return null;
}

/**
 * @param {number} v
 * @param {number} step between two ticks; 0: logarithmic
 */
function tick(v, step) {
  const size = Math.max(Math.abs(v), step);
  if (size !== 0 && (size < 0.001 || size >= 1e5)) {
    const digits = step && v ? Math.max(1, Math.min(8, 1 + Math.ceil(Math.log10(Math.abs(v) / step)))) : 3;
    return number(v, { maximumSignificantDigits: digits, notation: v === 0 ? "standard" : "scientific" });
  }
  return step ? number(v, { maximumFractionDigits: Math.max(0, Math.min(12, Math.ceil(-Math.log10(step) + 0.3))) }) : number(v, { maximumSignificantDigits: 4 });
}
