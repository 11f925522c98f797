/**
 * Maps of an array on one canvas: tiles of cells, one tile a channel.
 *
 * An array is laid out as `cells` cells in rows of `width`, for each of `channels` channels; the channel is the last axis in memory.
 *   (h, w, c)          c tiles of h x w            (i, j, c, o)   c*o tiles of i x j (a kernel each)
 *   (n,)               one tile, n cells           (n, o)         o tiles of n cells (the weights of an output each)
 * A matrix of activations, (t, d), is one tile of t x d.
 *
 * Interface
 *   gridOf(shape), mapOf(shape)          -> Grid of an array, of an activation
 *   new MapView(canvas)
 *   view.layout(grid, {scale, gap, across, channels, listed})   sizes the canvas; `listed`: name and value of a cell, which stand beside it
 *   view.draw(values, {kind, limit, dead})   kind: palette; limit: a number or (channel) => number
 *   view.drawColour(bytes)               one tile of an RGB image
 *   view.offsetAt(x, y)                  offset in the array of the cell under a point of the canvas (CSS pixels), or -1
 *   view.cellBox(offset), view.tileBox(channel), view.rowsBox(channel, r0, r1, c0, c1), view.pieces([first, end])   boxes in CSS pixels
 *
 * @typedef {{cells: number, width: number, height: number, channels: number, flat: boolean, matrix?: boolean}} Grid
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 * @typedef {{scale: number, gap?: number, across: number, channels?: number[], listed?: ((offset: number) => [string, string])|null}} Layout
 */
import { largestOf, palette, step, textOn } from "./colours.js";
import { channelsOf, size } from "./places.js";

const LIST_WIDTH = 84; // of name and value beside a listed cell
export const LISTED_MOST = 16; // numbers of a vector that are listed with their values

/** @param {number[]} shape @returns {Grid} */
export function gridOf(shape) {
  const channels = channelsOf(shape);
  const cells = size(shape) / channels;
  const flat = shape.length < 3;
  const width = !flat ? shape[1] : cells <= LISTED_MOST ? 1 : Math.ceil(Math.sqrt(cells));
  return { cells, channels, width, height: Math.ceil(cells / width), flat };
}

/** @param {number[]} shape @returns {Grid} */
export const mapOf = (shape) => (shape.length === 2
  ? { cells: size(shape), channels: 1, width: shape[1], height: shape[0], flat: false, matrix: true } : gridOf(shape));

export class MapView {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.small = document.createElement("canvas");
    /** @type {Grid} */
    this.grid = { cells: 0, width: 1, height: 1, channels: 1, flat: false };
    this.scale = 1;
    this.gap = 2;
    this.across = 1;
    /** Channels that are drawn, in order. @type {number[]} */
    this.channels = [];
    /** @type {Map<number, number>} */
    this.slots = new Map();
    /** @type {((offset: number) => [string, string])|null} */
    this.listed = null;
  }

  /**
   * @param {Grid} grid
   * @param {Layout} layout
   */
  layout(grid, { scale, gap = 2, across, channels, listed = null }) {
    this.grid = grid;
    this.scale = scale;
    this.gap = gap;
    this.channels = channels ?? Array.from({ length: grid.channels }, (_, i) => i);
    this.across = Math.max(1, Math.min(across, this.channels.length));
    this.slots = new Map(this.channels.map((channel, slot) => [channel, slot]));
    this.listed = listed;
    const down = Math.ceil(this.channels.length / this.across);
    this.tileWidth = grid.width * scale;
    this.tileHeight = grid.height * scale;
    this.width = this.across * (this.tileWidth + gap) - gap + (listed ? LIST_WIDTH : 0);
    this.height = down * (this.tileHeight + gap) - gap;
    const ratio = Math.max(1, Math.ceil(devicePixelRatio));
    this.canvas.width = this.width * ratio;
    this.canvas.height = this.height * ratio;
    this.canvas.style.width = `${this.width}px`;
    this.canvas.style.height = `${this.height}px`;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.imageSmoothingEnabled = false;
    this.small.width = grid.width;
    this.small.height = grid.height * this.channels.length;
    this.pixels = this.small.getContext("2d", { willReadFrequently: false })?.createImageData(this.small.width, this.small.height);
  }

  /**
   * @param {ArrayLike<number>} values
   * @param {{kind: string, limit: number|((channel: number) => number), dead?: Set<number>|null}} options
   */
  draw(values, { kind, limit, dead = null }) {
    if (!this.pixels || !this.channels.length) return;
    const { cells, channels, width, height } = this.grid;
    const colours = palette(kind);
    const data = new Uint32Array(this.pixels.data.buffer);
    if (cells < width * height) data.fill(0);
    this.channels.forEach((channel, slot) => {
      const most = typeof limit === "number" ? limit : limit(channel);
      let at = slot * width * height;
      for (let i = 0, from = channel; i < cells; i++, from += channels) data[at++] = colours[step(values[from], most)];
    });
    this.#show(this.pixels, height);
    this.#markSaturated(values, limit);
    if (dead) this.#markDead(dead);
    if (this.listed) this.#list(values, limit, kind);
  }

  /** @param {ArrayLike<number>} bytes rows, columns, 3 channels of 0..255 */
  drawColour(bytes) {
    if (!this.pixels) return;
    const data = this.pixels.data;
    for (let from = 0, to = 0; from < bytes.length; from += 3, to += 4) {
      for (let i = 0; i < 3; i++) data[to + i] = bytes[from + i];
      data[to + 3] = 255;
    }
    this.#show(this.pixels, this.grid.height);
  }

  clear() { this.context.clearRect(0, 0, this.width ?? 0, this.height ?? 0); }

  /**
   * @param {number} x
   * @param {number} y
   */
  offsetAt(x, y) {
    const { width, height, cells, channels } = this.grid;
    const [tileX, tileY] = [this.tileWidth ?? 1, this.tileHeight ?? 1];
    if (this.listed && x < (this.width ?? 0) && x >= 0 && y >= 0 && y < tileY) return Math.floor(y / this.scale) * channels;
    const [i, j] = [Math.floor(x / (tileX + this.gap)), Math.floor(y / (tileY + this.gap))];
    const column = Math.floor((x - i * (tileX + this.gap)) / this.scale);
    const row = Math.floor((y - j * (tileY + this.gap)) / this.scale);
    const channel = this.channels[j * this.across + i];
    const cell = row * width + column;
    if (x < 0 || y < 0 || i >= this.across || channel === undefined || column >= width || row >= height || cell >= cells) return -1;
    return cell * channels + channel;
  }

  /** @param {number} channel @returns {Box|null} */
  tileBox(channel) {
    const slot = this.slots.get(channel);
    if (slot === undefined) return null;
    const [width, height] = [this.tileWidth ?? 0, this.tileHeight ?? 0];
    return { x: (slot % this.across) * (width + this.gap), y: Math.floor(slot / this.across) * (height + this.gap), width, height };
  }

  /** @param {number} offset @returns {Box|null} */
  cellBox(offset) {
    const { width, channels } = this.grid;
    const cell = Math.floor(offset / channels);
    const [row, column] = [Math.floor(cell / width), cell % width];
    return this.rowsBox(offset % channels, row, row + 1, column, column + 1);
  }

  /**
   * @param {number} channel
   * @param {number} top
   * @param {number} bottom
   * @param {number} left
   * @param {number} right
   * @returns {Box|null}
   */
  rowsBox(channel, top, bottom, left, right) {
    const tile = this.tileBox(channel);
    return tile && {
      x: tile.x + left * this.scale, y: tile.y + top * this.scale, width: (right - left) * this.scale, height: (bottom - top) * this.scale,
    };
  }

  /**
   * Numbers of a vector as boxes: a piece of each row of the tile.
   * @param {[number, number]} numbers
   */
  pieces([first, end]) {
    const { cells, width } = this.grid;
    if (end - first >= cells) return [this.tileBox(0)].filter((each) => each !== null);
    const pieces = [];
    for (let at = first; at < end;) {
      const [row, column] = [Math.floor(at / width), at % width];
      const stop = Math.min(end, (row + 1) * width);
      pieces.push(this.rowsBox(0, row, row + 1, column, column + stop - at));
      at = stop;
    }
    return pieces.filter((each) => each !== null);
  }

  /**
   * @param {ImageData} pixels
   * @param {number} height
   */
  #show(pixels, height) {
    this.small.getContext("2d")?.putImageData(pixels, 0, 0);
    this.clear();
    this.channels.forEach((channel, slot) => {
      const box = /** @type {Box} */ (this.tileBox(channel));
      this.context.drawImage(this.small, 0, slot * height, this.grid.width, height, box.x, box.y, box.width, box.height);
    });
  }

  /**
   * Mark the corner of tiles with numbers beyond the limit, which a locked scale can have.
   * @param {ArrayLike<number>} values
   * @param {number|((channel: number) => number)} limit
   */
  #markSaturated(values, limit) {
    for (const channel of this.channels) {
      const most = 1.001 * (typeof limit === "number" ? limit : limit(channel));
      if (largestOf(values, this.grid.channels, channel) <= most) continue;
      const box = /** @type {Box} */ (this.tileBox(channel));
      const right = box.x + box.width;
      this.context.fillStyle = getComputedStyle(this.canvas).color;
      this.context.beginPath();
      this.context.moveTo(right - 7, box.y);
      this.context.lineTo(right, box.y);
      this.context.lineTo(right, box.y + 7);
      this.context.fill();
    }
  }

  /** @param {Set<number>} dead channels or cells (of a vector) that are 0 for this image */
  #markDead(dead) {
    this.context.strokeStyle = getComputedStyle(this.canvas).color;
    this.context.lineWidth = 1;
    for (const unit of dead) {
      const { flat, matrix, height } = this.grid;
      const box = flat ? this.cellBox(unit) : matrix ? this.rowsBox(0, 0, height, unit, unit + 1) : this.tileBox(unit);
      if (!box || box.width < 4) continue;
      const inset = Math.min(box.width / 4, 8);
      this.context.beginPath();
      this.context.moveTo(box.x + inset, box.y + inset);
      this.context.lineTo(box.x + box.width - inset, box.y + box.height - inset);
      this.context.moveTo(box.x + box.width - inset, box.y + inset);
      this.context.lineTo(box.x + inset, box.y + box.height - inset);
      this.context.stroke();
    }
  }

  /**
   * @param {ArrayLike<number>} values
   * @param {number|((channel: number) => number)} limit
   * @param {string} kind
   */
  #list(values, limit, kind) {
    const style = getComputedStyle(this.canvas);
    const context = this.context;
    const most = typeof limit === "number" ? limit : limit(0);
    context.font = `12px ${style.fontFamily}`;
    context.textBaseline = "middle";
    for (let i = 0; i < this.grid.cells; i++) {
      const box = /** @type {Box} */ (this.cellBox(i));
      const t = most > 0 ? values[i] / most : 0;
      const none = Number.isNaN(values[i]);
      context.fillStyle = none ? "#fff" : textOn(t, kind);
      context.textAlign = "center";
      if (none) context.fillText("?", box.x + box.width / 2, box.y + box.height / 2);
      else if (values[i] !== 0) context.fillText(values[i] > 0 ? "+" : "−", box.x + box.width / 2, box.y + box.height / 2);
      context.fillStyle = style.color;
      const [name, value] = this.listed?.(i) ?? ["", ""];
      const [left, middle] = [box.x + box.width + 5, box.y + box.height / 2];
      context.textAlign = "right";
      context.fillText(value, left + LIST_WIDTH - 6, middle);
      context.textAlign = "left";
      context.fillText(shortened(context, name, LIST_WIDTH - 12 - context.measureText(value).width), left, middle);
    }
  }
}

/**
 * Return a name, cut where it does not fit.
 * @param {CanvasRenderingContext2D} context
 * @param {string} name
 * @param {number} width
 */
function shortened(context, name, width) {
  if (context.measureText(name).width <= width) return name;
  let end = name.length;
  while (end > 1 && context.measureText(`${name.slice(0, end)}…`).width > width) end -= 1;
  return `${name.slice(0, end)}…`;
}
