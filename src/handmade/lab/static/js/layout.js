/**
 * Sizes of the page that a user changes, the height of the panel; and on a phone, the maps above the sheet of a receipt.
 *
 * Interface
 *   startDivider(); startSheet(lab)
 */
import { byId } from "./dom.js";

const STORED = "handmade.lab.panel";
const LEAST = 15;
const MOST = 75;
const [SEEN, SLACK] = [0.48, 60]; // share of the window above the sheet; pixels of the strip that it may cover

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

/**
 * Keep the maps in sight when a receipt opens as a sheet over the lower half of a phone.
 * @param {any} lab
 */
export function startSheet(lab) {
  const narrow = matchMedia("(max-width: 799px)");
  lab.focus.addEventListener("pin", () => {
    const { focus, view } = lab.store.state;
    if (!narrow.matches || !focus || view !== "look" || document.activeElement?.closest("#panel")) return;
    const box = byId("strip").getBoundingClientRect();
    if (box.top < 0 || box.bottom > document.documentElement.clientHeight * SEEN + SLACK) byId("strip").scrollIntoView({ block: "start" });
  });
}
