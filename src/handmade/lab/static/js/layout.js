/**
 * Sizes of the page that a user changes: the height of the panel.
 *
 * Interface
 *   startDivider()
 */
import { byId } from "./dom.js";

const STORED = "handmade.lab.panel";
const LEAST = 15;
const MOST = 75;

export function startDivider() {
  const divider = byId("divider");
  const lab = byId("lab");
  const set = (/** @type {number} */ percent, store = true) => {
    const height = Math.round(Math.min(MOST, Math.max(LEAST, percent)));
    divider.setAttribute("aria-valuenow", String(height));
    lab.style.setProperty("--panel", `${height}%`);
    try {
      if (store) localStorage.setItem(STORED, String(height));
    } catch { /* Storage may be switched off. */ }
  };
  try {
    const stored = Number(localStorage.getItem(STORED));
    if (stored) set(stored, false);
  } catch { /* Storage may be switched off. */ }
  divider.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    divider.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  divider.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    const box = lab.getBoundingClientRect();
    set((100 * (box.bottom - event.clientY)) / box.height);
  });
  divider.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowUp: 5, ArrowDown: -5 }[event.key];
    if (!step) return;
    event.preventDefault();
    set(Number(divider.getAttribute("aria-valuenow")) + step);
  });
}
