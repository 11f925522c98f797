/**
 * Legend of colours: three ticks (-m, 0, +m) under a bar.
 *
 * Interface
 *   legend(kind, limit)   elements; a limit that is a function stands for "the largest of each map"
 */
import { cssOf } from "./colours.js";
import { h } from "./dom.js";
import { number, text } from "./text.js";

const STEPS = 17;

/**
 * @param {string} kind
 * @param {number|((channel: number) => number)} limit
 * @returns {HTMLElement[]}
 */
export function legend(kind, limit) {
  const low = kind === "grey" || kind === "probability" ? 0 : -1;
  const bar = h("canvas", { class: "legend-bar", width: STEPS, height: 1, "aria-hidden": "true" });
  const context = bar.getContext("2d");
  for (let i = 0; i < STEPS; i++) {
    context.fillStyle = cssOf(low + ((1 - low) * i) / (STEPS - 1), kind);
    context.fillRect(i, 0, 1, 1);
  }
  const most = typeof limit === "number" ? tick(limit) : text("legend.each");
  const ticks = low ? [`−${most}`, "0", most] : ["0", most];
  return [bar, h("span", { class: "legend-ticks" }, ...ticks.map((words) => h("span", {}, words)))];
}

/** @param {number} x */
function tick(x) {
  const small = x !== 0 && (x < 0.001 || x >= 10000);
  return number(x, small ? { maximumSignificantDigits: 2, notation: "scientific" } : { maximumSignificantDigits: 3 });
}
