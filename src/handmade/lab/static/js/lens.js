/**
 * A lens above the finger: the cells around the one that is touched, enlarged, its place and its value.
 *
 * Interface
 *   showLens(view, offset, x, y, words)   view: the MapView that is touched; x, y: the finger in the window
 *   hideLens()
 */
import { h } from "./dom.js";

const SIDE = 132; // CSS pixels
const CELLS = 7; // in a row of the lens
const ABOVE = 40; // pixels between finger and lens

/** @type {{box: HTMLElement, canvas: HTMLCanvasElement, words: HTMLElement}|null} */
let lens = null;

function made() {
  if (lens) return lens;
  const canvas = h("canvas", { width: 2 * SIDE, height: 2 * SIDE });
  canvas.style.width = canvas.style.height = `${SIDE}px`;
  const words = h("span", { class: "lens-words" });
  lens = { box: h("div", { class: "lens", "aria-hidden": "true", hidden: true, data: { testid: "lens" } }, canvas, words), canvas, words };
  document.body.append(lens.box);
  return lens;
}

/**
 * @param {import("./mapview.js").MapView} view
 * @param {number} offset
 * @param {number} x
 * @param {number} y
 * @param {string} words
 */
export function showLens(view, offset, x, y, words) {
  const cell = view.cellBox(offset);
  if (!cell) return;
  const { box, canvas, words: line } = made();
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const ratio = view.canvas.width / (view.width || 1);
  const side = cell.width * CELLS;
  const [left, top] = [cell.x + cell.width / 2 - side / 2, cell.y + cell.height / 2 - side / 2];
  context.imageSmoothingEnabled = false;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(view.canvas, left * ratio, top * ratio, side * ratio, side * ratio, 0, 0, canvas.width, canvas.height);
  const shown = canvas.width / CELLS;
  context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--select");
  context.lineWidth = 4;
  context.strokeRect((canvas.width - shown) / 2, (canvas.height - shown) / 2, shown, shown);
  line.textContent = words;
  box.hidden = false;
  const { offsetWidth: width, offsetHeight: height } = box;
  const above = y - ABOVE - height;
  box.style.left = `${Math.round(Math.min(document.documentElement.clientWidth - width - 4, Math.max(4, x - width / 2)))}px`;
  box.style.top = `${Math.round(above >= 4 ? above : y + ABOVE)}px`;
}

export function hideLens() { if (lens) lens.box.hidden = true; }
