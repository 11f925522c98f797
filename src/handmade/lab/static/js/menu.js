/**
 * Menu of a number: a long press, the right button, or the menu key on a map or on a number of a receipt.
 *
 * Interface
 *   startMenu(lab)     pin, compare, table, copy, cover
 */
import { byId, h } from "./dom.js";
import { mapTable } from "./maptable.js";
import { find } from "./places.js";
import { letGo, placeUnder } from "./pointer.js";
import { exact, text } from "./text.js";

const LONG = 500; // ms of a long press
const SLOP = 4; // pixels that the finger may move meanwhile

/** @type {HTMLElement|null} */
let open = null;

/**
 * Return the number under a point, or that of the element.
 * @param {EventTarget|null} target
 * @param {{x: number, y: number}|null} point
 */
function placeAt(target, point) {
  if (!(target instanceof Element) || target.closest("input, select, dialog")) return null;
  if (target instanceof HTMLCanvasElement) return placeUnder(target, point);
  const { valuePlace, place } = /** @type {HTMLElement|null} */ (target.closest("[data-value-place], [data-place]"))?.dataset ?? {};
  return valuePlace ?? place ?? null;
}

function close() {
  open?.remove();
  open = null;
}

/** @param {any} lab */
export function startMenu(lab) {
  /** @type {{id: number, x: number, y: number, timer: any}|null} */
  let finger = null;
  let down = { x: 0, y: 0 };
  let swallow = 0; // time until which a click belongs to the finger that opened the menu
  const lift = () => {
    clearTimeout(finger?.timer);
    finger = null;
  };
  document.addEventListener("contextmenu", (event) => {
    const byKey = !(/** @type {any} */ (event).pointerType) && event.button !== 2;
    const near = Math.hypot(event.clientX - down.x, event.clientY - down.y) < 2; // this event has coordinates without fractions: another cell
    const place = placeAt(event.target, byKey ? null : near ? down : { x: event.clientX, y: event.clientY });
    if (!place) return;
    event.preventDefault();
    letGo();
    if (!open) show(lab, place, event.clientX, event.clientY);
  });
  document.addEventListener("keydown", (event) => { // not every browser makes a menu event of these keys
    if (event.key !== "ContextMenu" && !(event.key === "F10" && event.shiftKey)) return;
    const place = placeAt(event.target, null);
    if (!place || open || !(event.target instanceof Element)) return;
    event.preventDefault();
    const box = event.target.getBoundingClientRect();
    show(lab, place, box.left + Math.min(24, box.width / 2), box.top + Math.min(24, box.height / 2));
  });
  document.addEventListener("pointerdown", (event) => {
    if (open && !(event.target instanceof Node && open.contains(event.target))) close();
    lift();
    down = { x: event.clientX, y: event.clientY };
    if (event.pointerType !== "touch" || !event.isPrimary) return;
    const { target, clientX: x, clientY: y } = event;
    const timer = setTimeout(() => {
      const place = placeAt(target, { x, y });
      if (!place || open) return;
      letGo();
      swallow = Infinity;
      show(lab, place, x, y);
    }, LONG);
    finger = { id: event.pointerId, x, y, timer };
  }, { capture: true });
  document.addEventListener("pointermove", (event) => { if (finger?.id === event.pointerId && Math.hypot(event.clientX - finger.x, event.clientY - finger.y) > SLOP) lift(); });
  for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) {
    document.addEventListener(name, () => {
      lift();
      if (swallow === Infinity) swallow = performance.now() + 60;
    }, { capture: true });
  }
  document.addEventListener("click", (event) => {
    if (performance.now() >= swallow) return;
    swallow = 0;
    event.preventDefault();
    event.stopPropagation();
  }, { capture: true });
  addEventListener("scroll", () => { if (open && !open.contains(document.activeElement)) close(); }, { capture: true });
  lab.store.subscribe(close);
}

/**
 * @param {any} lab
 * @param {string} place
 * @param {number} x
 * @param {number} y
 */
function show(lab, place, x, y) {
  const before = /** @type {HTMLElement|null} */ (document.activeElement);
  const items = itemsOf(lab, place).map(({ name, run, off }) => h("button", {
    type: "button", role: "menuitem", t: `menu.${name}`, tabindex: "-1", disabled: off, data: { testid: `menu-${name}` }, on: { click: () => {
      leave();
      run();
    } },
  }));
  const leave = () => {
    close();
    before?.focus({ preventScroll: true });
  };
  const menu = h("div", { class: "menu", role: "menu", "aria-label": place, data: { testid: "menu" } }, h("p", { class: "menu-place", "aria-hidden": "true" }, place), ...items);
  menu.addEventListener("contextmenu", (/** @type {Event} */ event) => event.preventDefault());
  menu.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const on = items.filter((each) => !each.disabled);
    const at = on.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: on.length - 1 }[event.key];
    if (next !== undefined) on[(next + on.length) % on.length].focus();
    else if (event.key === "Escape" || event.key === "Tab") leave();
    else if (event.key !== "Enter" && event.key !== " ") return;
    event.stopPropagation();
    if (event.key !== "Enter" && event.key !== " ") event.preventDefault();
  });
  byId("lab").append(menu);
  open = menu;
  menu.style.left = `${Math.max(4, Math.min(x, document.documentElement.clientWidth - menu.offsetWidth - 4))}px`;
  menu.style.top = `${Math.max(4, Math.min(y, innerHeight - menu.offsetHeight - 4))}px`;
  items.find((each) => !each.disabled)?.focus({ preventScroll: true });
}

/**
 * @param {any} lab
 * @param {string} place
 * @returns {{name: string, run: () => any, off?: boolean}[]}
 */
function itemsOf(lab, place) {
  const { cover, data, focus, quiz, store, strip } = lab;
  const found = find(data.network, place);
  const figure = found?.kind === "node" ? strip.figures.get(found.node?.name) : null;
  const covered = store.state.covered.includes(place);
  const uncover = () => store.change({ covered: store.state.covered.filter((/** @type {string} */ each) => each !== place) }, { how: "push", undo: true });
  return [
    { name: "pin", run: () => focus.pin(place), off: store.state.focus === place },
    { name: "compare", run: () => focus.pin(place, { second: true }), off: !store.state.focus || store.state.focus === place },
    { name: "table", run: () => mapTable(lab, figure, found?.channel ?? 0), off: !figure || !strip.values(figure.node) },
    { name: "copy", run: () => copy(lab, place), off: cover.hides(place, focus.value(place)) },
    covered ? { name: "uncover", run: uncover } : { name: "cover", run: () => quiz.add([place]) },
  ];
}

/**
 * @param {any} lab
 * @param {string} place
 */
async function copy(lab, place) {
  try {
    const value = lab.focus.value(place) ?? (await lab.data.receipt(place)).value;
    await navigator.clipboard.writeText(`${place} = ${exact(value)}`);
    lab.status.say(text("copied"));
  } catch {
    lab.status.say(text("menu.notCopied"));
  }
}
