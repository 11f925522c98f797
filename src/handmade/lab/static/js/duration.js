/**
 * Durations in the user's language.
 *
 * Interface
 *   duration(seconds) -> "0.2 s", "12 s", "3 min 20 s", "2 h 5 min", "3 days"
 */
import { number } from "./text.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** @param {number|null|undefined} seconds */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const unit = (/** @type {number} */ x, /** @type {string} */ name, digits = 0) => number(x, { style: "unit", unit: name, unitDisplay: name === "day" ? "long" : "short", maximumFractionDigits: digits });
  if (seconds < 1) return unit(seconds * 1000, "millisecond", seconds < 0.01 ? 1 : 0);
  if (seconds < 10) return unit(seconds, "second", 1);
  if (seconds < MINUTE) return unit(Math.round(seconds), "second");
  if (seconds < HOUR) return `${unit(Math.floor(seconds / MINUTE), "minute")} ${unit(Math.floor(seconds % MINUTE), "second")}`;
  if (seconds < DAY) return `${unit(Math.floor(seconds / HOUR), "hour")} ${unit(Math.floor((seconds % HOUR) / MINUTE), "minute")}`;
  return unit(seconds / DAY, "day", 1);
}
