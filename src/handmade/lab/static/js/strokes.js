/**
 * Strokes of a drawing: white ink on a black canvas.
 *
 * Interface
 *   drawStrokes(context, strokes, side), inkOf(canvas, side) -> {bytes, height, width}
 *
 * @typedef {{width: number, erase: boolean, points: [number, number][]}} Stroke
 */

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke[]} strokes
 */
export function drawStrokes(context, strokes) {
  for (const { width, erase, points } of strokes) {
    context.strokeStyle = erase ? "#000" : "#fff";
    context.fillStyle = context.strokeStyle;
    context.lineWidth = width;
    context.lineCap = "round";
    context.lineJoin = "round";
    context.beginPath();
    if (points.length === 1) {
      context.arc(points[0][0], points[0][1], width / 2, 0, 2 * Math.PI);
      context.fill();
      continue;
    }
    points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
  }
}

/**
 * Return the grey bytes of a canvas at a smaller size.
 * @param {HTMLCanvasElement} canvas
 * @param {number} height
 * @param {number} width
 */
export function inkOf(canvas, height, width) {
  const small = document.createElement("canvas");
  small.width = width;
  small.height = height;
  const context = /** @type {CanvasRenderingContext2D} */ (small.getContext("2d", { willReadFrequently: true }));
  context.drawImage(canvas, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const bytes = new Uint8Array(height * width);
  let ink = 0;
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = data[4 * i];
    ink += bytes[i];
  }
  return { bytes, height, width, ink };
}
