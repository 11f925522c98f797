/**
 * Sizes of the strip: nodes by columns, and tiles as large as the strip has room for.
 *
 * Interface
 *   columnsOf(network) -> nodes by column, the image first
 *   sideOf(columns, {width, height}, zoom) -> side of a tile; zoom: steps larger than what fits
 *   tilesOf(node, side, n, height) -> Tiles of one of n nodes of a column
 *   reveal(strip)   scrolls to the map of the pinned number, as far as it lies outside
 *
 * @typedef {import("./places.js").NodeInfo} NodeInfo
 * @typedef {{grid: import("./mapview.js").Grid, scale: number, across: number, list: boolean, wide: number}} Tiles
 */
import { LISTED_MOST, mapOf } from "./mapview.js";
import { inputNode } from "./places.js";

export const MOST = 64; // maps of a node that are drawn
const SIZES = [112, 84, 56, 42, 28]; // sides of a tile in CSS pixels, the largest that fits first
const [SCROLLED, FAR] = [42, 1.3]; // FAR: a strip this many times as wide as its frame is scrolled in any case; SCROLLED: side of its tiles in pixels
const SIDE = 26; // margins around the maps of a column
const HEAD = 62; // title, shape and legend of a node
const LIST_CELL = 20; // side of a cell that is listed with its value
const LIST_WIDTH = 84; // of names and values beside listed cells
const LEAST_WIDTH = 84; // of a node

/**
 * @param {import("./places.js").NetworkInfo} network
 * @returns {NodeInfo[][]}
 */
export function columnsOf(network) {
  /** @type {NodeInfo[][]} */
  const columns = [];
  for (const node of [inputNode(network), ...network.nodes]) (columns[node.column] ??= []).push(node);
  return columns.filter(Boolean);
}

/**
 * @param {NodeInfo[][]} columns
 * @param {{width: number, height: number}} frame
 * @param {number} zoom
 */
export function sideOf(columns, { width, height }, zoom) {
  const widthAt = (/** @type {number} */ side) => columns.reduce((sum, nodes) =>
    sum + SIDE + Math.max(...nodes.map((node) => tilesOf(node, side, nodes.length, height).wide)), 0);
  const fits = SIZES.findIndex((side) => widthAt(side) <= width - 16);
  const least = widthAt(SIZES[SIZES.length - 1]) > FAR * width ? SIZES.indexOf(SCROLLED) : SIZES.length - 1;
  const at = (fits < 0 ? least : fits) - zoom;
  return SIZES[Math.min(SIZES.length - 1, Math.max(0, at))];
}

/**
 * @param {NodeInfo} node
 * @param {number} side
 * @param {number} n
 * @param {number} height
 * @returns {Tiles}
 */
export function tilesOf(node, side, n, height) {
  const grid = mapOf(node.shape);
  const channels = Math.min(grid.channels, MOST);
  const list = grid.flat && grid.channels === 1 && grid.cells <= LISTED_MOST;
  const most = Math.max(grid.width, grid.height);
  const alone = node.name === "input" ? Math.max(side, 2 * Math.min(most, 56)) : side;
  const room = Math.max(60, (height - 20) / n - HEAD);
  let scale = Math.max(1, Math.floor(alone / most));
  if (list) scale = Math.max(12, Math.min(LIST_CELL, Math.floor(room / grid.cells)));
  else if (grid.flat) scale = Math.max(1, Math.min(6, Math.floor((alone * 1.5) / most)));
  const down = Math.max(1, Math.floor((room + 2) / (grid.height * scale + 2)));
  const across = Math.ceil(channels / Math.min(down, channels));
  return { grid, scale, across, list, wide: Math.max(across * (grid.width * scale + 2) + (list ? LIST_WIDTH : 0), LEAST_WIDTH) };
}

/** @param {import("./strip.js").Strip} strip */
export function reveal({ figures, root, store }) {
  const room = store.state.focus?.replace("d loss / d ", "").replace(/\[.*/, "");
  const own = [...figures.values()].find((figure) => figure.room === room)?.element.getBoundingClientRect();
  const frame = root.getBoundingClientRect();
  if (own && (own.left < frame.left || own.right > frame.right)) root.scrollLeft += own.left + own.width / 2 - frame.left - frame.width / 2;
}
