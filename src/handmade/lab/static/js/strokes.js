/**
 * Strokes of a drawing: white or coloured ink on a black canvas.
 *
 * Interface
 *   drawStrokes(context, strokes)
 *   inkOf(canvas, side, colours) -> {bytes, height, width, ink}: one byte a pixel, or three; ink: their sum
 *
 * @typedef {{width: number, colour: string, erase: boolean, points: [number, number][]}} Stroke
 */

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke[]} strokes
 */
export function drawStrokes(context, strokes) {
  for (const { width, colour, erase, points } of strokes) {
    context.strokeStyle = erase ? "#000" : colour;
    context.fillStyle = context.strokeStyle;
    context.lineWidth = width;
    context.lineCap = "round";
    context.lineJoin = "round";
    context.beginPath();
    context.arc(points[0][0], points[0][1], width / 2, 0, 2 * Math.PI); // a line of one place would not be drawn
    context.fill();
    context.beginPath();
    points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
  }
}

/**
 * Return the bytes of a canvas at a smaller size.
 * @param {HTMLCanvasElement} canvas
 * @param {number} side
 * @param {boolean} colours
 */
export function inkOf(canvas, side, colours) {
  const small = document.createElement("canvas");
  [small.width, small.height] = [side, side];
  const context = /** @type {CanvasRenderingContext2D} */ (small.getContext("2d", { willReadFrequently: true }));
  context.drawImage(canvas, 0, 0, side, side);
  const { data } = context.getImageData(0, 0, side, side);
  const channels = colours ? 3 : 1;
  const bytes = new Uint8Array(side * side * channels);
  let ink = 0;
  for (let i = 0; i < side * side; i++) {
    for (let k = 0; k < channels; k++) {
      bytes[channels * i + k] = data[4 * i + k];
      ink += data[4 * i + k];
    }
  }
  return { bytes, height: side, width: side, ink };
}
