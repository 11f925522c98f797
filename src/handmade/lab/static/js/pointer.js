/**
 * Pointer, finger and keyboard on maps: hover, pin, second pin, scrub, arrows.
 *
 * Interface
 *   watchMap(canvas, {view, placeAt, move, lab})
 *     view: its MapView; placeAt(offset) -> place; move(offset, dx, dy, dc) -> offset
 *     mouse: hover, click = pin, shift-click = second pin, click beside the cells = unpin
 *     finger: tap = pin; rest a moment, then move = scrub with a lens, and lifting it pins; a quick swipe scrolls, as everywhere
 *     keyboard: arrows, Page Up and Down, Enter
 *     returns {select(offset)}, the cell that the keyboard is on
 *   placeUnder(element, x, y)   the place on a watched map under a point of the window, or null; without a point, the keyboard's
 *   letGo()   a menu took the finger: it pins nothing
 */
import { hideLens, showLens } from "./lens.js";
import { shown } from "./text.js";

const REST = 120; // ms that a finger rests before it scrubs
const SLOP = 4; // pixels that a resting finger may move

/** @type {WeakMap<Element, (point: {x: number, y: number}|null) => string|null>} */
const watched = new WeakMap();
let taken = false;

/**
 * @param {Element} element
 * @param {{x: number, y: number}|null} point
 */
export const placeUnder = (element, point) => watched.get(element)?.(point) ?? null;

export function letGo() {
  taken = true;
  hideLens();
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{view: import("./mapview.js").MapView, placeAt: (offset: number) => string,
 *   move: (offset: number, dx: number, dy: number, dc: number) => number, lab: any}} options
 */
export function watchMap(canvas, { view, placeAt, move, lab }) {
  const { focus } = lab;
  let current = 0;
  const at = (/** @type {{clientX: number, clientY: number}} */ event) => {
    const box = canvas.getBoundingClientRect();
    return view.offsetAt(event.clientX - box.left, event.clientY - box.top);
  };
  const hover = (/** @type {PointerEvent} */ event) => { // a browser sends one such event a frame
    const offset = at(event);
    if (offset < 0) focus.leave();
    else {
      current = offset;
      focus.hover(placeAt(offset));
    }
    return offset;
  };
  let pressed = -1;
  let lifted = false; // the finger scrubbed: its lifting is no tap on what appears under it
  /** The finger that is down. @type {{x: number, y: number, time: number, scrubs: boolean}|null} */
  let finger = null;
  const rested = () => !!finger && !taken && (finger.scrubs || performance.now() - finger.time >= REST);
  const end = () => {
    finger = null;
    hideLens();
  };
  canvas.addEventListener("pointerdown", (event) => {
    pressed = at(event); // a click has coordinates without fractions: another cell
    taken = lifted = false;
    finger = event.pointerType === "touch" ? { x: event.clientX, y: event.clientY, time: performance.now(), scrubs: false } : null;
  });
  canvas.addEventListener("touchmove", (event) => { if (rested() && event.cancelable) event.preventDefault(); }, { passive: false });
  canvas.addEventListener("touchend", (event) => { if (lifted) event.preventDefault(); });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "touch") hover(event);
    else if (finger && rested() && (finger.scrubs || Math.hypot(event.clientX - finger.x, event.clientY - finger.y) > SLOP)) {
      finger.scrubs = true;
      const offset = hover(event);
      if (offset < 0) hideLens();
      else showLens(view, offset, event.clientX, event.clientY, `${placeAt(offset)} = ${lab.cover.written(placeAt(offset), focus.value(placeAt(offset)), shown)}`);
    }
  });
  canvas.addEventListener("pointerrawupdate", (/** @type {any} */ event) => { // comes at once; "pointermove" waits for the next picture
    const offset = event.pointerType === "touch" ? -1 : at(event);
    if (offset >= 0) focus.prepare(placeAt(offset));
  });
  canvas.addEventListener("pointerup", (event) => {
    if (finger?.scrubs && !taken) {
      const offset = at(event);
      lifted = true;
      focus.leave();
      if (offset >= 0) focus.pin(placeAt(offset));
    }
    end();
  });
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("pointerleave", (event) => {
    if (!finger) focus.leave();
    else if (event.pointerType !== "touch") end();
  });
  canvas.addEventListener("click", (event) => {
    const offset = pressed;
    if (taken) return;
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
  watched.set(canvas, (point) => {
    const offset = point ? at({ clientX: point.x, clientY: point.y }) : current;
    return offset < 0 ? null : placeAt(offset);
  });
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
