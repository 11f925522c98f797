/**
 * Pointer and keyboard on maps: hover, pin, second pin, arrows.
 *
 * Interface
 *   watchMap(canvas, {offsetAt, placeAt, move, lab})
 *     offsetAt(x, y) -> offset or -1; placeAt(offset) -> place; move(offset, dx, dy) -> offset
 *     attaches: hover, click = pin, shift-click = second pin, click beside the cells = unpin, touch: tap = pin, arrows, Enter
 *     returns {select(offset)}, the cell that the keyboard is on
 */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{offsetAt: (x: number, y: number) => number, placeAt: (offset: number) => string,
 *   move: (offset: number, dx: number, dy: number, dc: number) => number, lab: any}} options
 */
export function watchMap(canvas, { offsetAt, placeAt, move, lab }) {
  const { focus } = lab;
  let current = 0;
  const at = (/** @type {MouseEvent} */ event) => {
    const box = canvas.getBoundingClientRect();
    return offsetAt(event.clientX - box.left, event.clientY - box.top);
  };
  const hover = (/** @type {PointerEvent} */ event) => { // a browser sends one such event a frame
    const offset = at(event);
    if (offset < 0) focus.leave();
    else {
      current = offset;
      focus.hover(placeAt(offset));
    }
  };
  let pressed = -1;
  canvas.addEventListener("pointermove", hover);
  canvas.addEventListener("pointerrawupdate", (/** @type {any} */ event) => { // comes at once; "pointermove" waits for the next picture
    const offset = at(event);
    if (offset >= 0) focus.prepare(placeAt(offset));
  });
  canvas.addEventListener("pointerleave", () => focus.leave());
  canvas.addEventListener("pointerdown", (event) => { pressed = at(event); }); // a click has coordinates without fractions: another cell
  canvas.addEventListener("click", (event) => {
    const offset = pressed;
    if (offset < 0) {
      focus.unpin();
      return;
    }
    current = offset;
    focus.pin(placeAt(offset), { second: event.shiftKey });
  });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0, 0], ArrowRight: [1, 0, 0], ArrowUp: [0, -1, 0], ArrowDown: [0, 1, 0], PageUp: [0, 0, -1], PageDown: [0, 0, 1] }[event.key];
    if (step && !event.ctrlKey && !event.altKey && !event.metaKey) {
      current = move(current, step[0], step[1], step[2]);
      focus.hover(placeAt(current));
    } else if (event.key === "Enter" || (event.key === " " && !event.ctrlKey)) {
      focus.pin(placeAt(current), { second: event.shiftKey });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  canvas.addEventListener("focus", () => {
    if (canvas.matches(":focus-visible")) focus.hover(placeAt(current));
  });
  canvas.addEventListener("blur", () => focus.leave());
  return { select: (/** @type {number} */ offset) => { current = offset; } };
}

/**
 * Return the offset of the neighbour of a cell in a grid.
 * @param {import("./mapview.js").Grid} grid
 * @param {number} offset
 * @param {number} dx
 * @param {number} dy
 * @param {number} dc
 * @param {number[]} channels that are drawn, in order
 */
export function neighbour(grid, offset, dx, dy, dc, channels) {
  const cell = Math.floor(offset / grid.channels);
  const column = Math.min(grid.width - 1, Math.max(0, (cell % grid.width) + dx));
  const row = Math.min(grid.height - 1, Math.max(0, Math.floor(cell / grid.width) + dy));
  const slot = Math.max(0, channels.indexOf(offset % grid.channels));
  const channel = channels[(slot + dc + channels.length) % channels.length];
  const moved = row * grid.width + column;
  return (moved < grid.cells ? moved : cell) * grid.channels + channel;
}
