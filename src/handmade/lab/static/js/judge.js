/**
 * Answers of the view "predict": is a typed number right, and which mistake explains a wrong one?
 *
 * Interface
 *   parseNumber(words)                       a number with a point or a comma, or NaN
 *   isRight(guess, value, terms, product)    true for the value, or for what its shown terms or factors give
 *   hintOf(guess, value, known)              the likely mistake in words
 */
import { precise, text } from "./text.js";

/** @param {string} words @returns {number} */
export function parseNumber(words) {
  const plain = words.trim().replaceAll("−", "-").replaceAll(" ", "").replace(",", ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : Number.NaN;
}

/** Half a unit of the last digit of a number as small cells show it: 2 decimals, or 3 significant digits. @param {number} x */
export function half(x) {
  const most = Math.abs(x);
  if (most === 0 || (most >= 0.01 && most < 100)) return 0.005;
  return 0.5 * 10 ** (Math.floor(Math.log10(most)) - 2);
}

/** @param {number} x rounded as it is shown */
const rounded = (x) => {
  const unit = 2 * half(x);
  return Math.round(x / unit) * unit;
};

/**
 * Return true if a typed number is the value, or what its shown factors or terms give.
 * @param {number} guess
 * @param {number} value
 * @param {number[]} [terms] of a sum, or the two factors of a product
 * @param {boolean} [product]
 */
export function isRight(guess, value, terms = [], product = false) {
  const slack = half(value) * 1.001;
  if (Math.abs(guess - value) <= slack) return true;
  if (!terms.length) return false;
  const fromShown = product ? terms.reduce((a, b) => a * rounded(b), 1) : terms.reduce((a, b) => a + rounded(b), 0);
  return Math.abs(guess - fromShown) <= slack;
}

/**
 * Name the mistake in a wrong answer.
 * @param {number} guess
 * @param {number} value
 * @param {{factors?: number[], bias?: number|null, before?: number|null}} known
 */
export function hintOf(guess, value, { factors = [], bias = null, before = null } = {}) {
  const near = (/** @type {number} */ x) => Math.abs(guess - x) <= Math.max(half(x), 0.005 * Math.abs(x));
  if (value !== 0 && near(-value)) return text("quiz.sign");
  if (value !== 0 && (near(10 * value) || near(value / 10) || near(100 * value) || near(value / 100))) return text("quiz.point");
  if (factors.length === 2 && near(factors[0] + factors[1])) return text("quiz.added");
  if (factors.length === 2 && factors.some((factor) => near(factor))) return text("quiz.factor");
  if (bias !== null && bias !== 0 && near(value - bias)) return text("quiz.bias");
  if (bias !== null && bias !== 0 && near(value - 2 * bias)) return text("quiz.biasSign");
  if (before !== null && value === 0 && near(before)) return text("quiz.relu");
  return text(guess > value ? "quiz.high" : "quiz.low", { by: precise(Math.abs(guess - value)) });
}
