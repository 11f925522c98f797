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
  if (typeof limit !== "number") return [bar, ticksOf(low, text("legend.each"))];
  const small = limit !== 0 && (limit < 0.1 || limit >= 10000); // longer numbers would run into those of the next map
  const power = small ? Math.floor(Math.log10(limit)) : 0;
  const most = number(limit / 10 ** power, { maximumSignificantDigits: small ? 2 : 3 });
  return [bar, ticksOf(low, most), ...(small ? [h("span", { class: "legend-power" }, "× 10", h("sup", {}, number(power)))] : [])];
}

/**
 * @param {number} low
 * @param {string} most
 */
function ticksOf(low, most) {
  const ticks = !low ? ["0", most] : most === "0" ? ["", "0", ""] : [`−${most}`, "0", most];
  return h("span", { class: "legend-ticks" }, ...ticks.map((words) => h("span", {}, words)));
}
