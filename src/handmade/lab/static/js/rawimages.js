/**
 * Raw images of the server, bytes (H, W, C), as pictures: in colour if they have three channels, else their first channel as grey.
 *
 * Interface
 *   drawRaw(context, {values, shape}, side)    draws one as large as fits into a square, on black
 *   rawCanvas({values, shape}, start)          a canvas with one pixel a pixel; start: of the values
 */

const COLOURS = 3;

/**
 * @param {{values: ArrayLike<number>, shape: number[]}} raw
 * @param {number} [start]
 */
export function rawCanvas({ values, shape: [height, width, channels] }, start = 0) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const pixels = context.createImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    for (let k = 0; k < COLOURS; k++) pixels.data[4 * i + k] = values[start + i * channels + (channels === COLOURS ? k : 0)];
    pixels.data[4 * i + COLOURS] = 255;
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{values: ArrayLike<number>, shape: number[]}} raw
 * @param {number} side
 */
export function drawRaw(context, raw, side) {
  const [height, width] = raw.shape;
  const scale = side / Math.max(height, width);
  context.imageSmoothingEnabled = false;
  context.fillStyle = "#000";
  context.fillRect(0, 0, side, side);
  context.drawImage(rawCanvas(raw), (side - width * scale) / 2, (side - height * scale) / 2, width * scale, height * scale);
}
