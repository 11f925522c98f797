/**
 * Tools above the strip: scope of the colours, a lock of the scale.
 *
 * Interface
 *   startStripTools(lab)      #scale: map, layer or network; the lock keeps the limits as they are
 */
import { byId, h } from "./dom.js";

/** @param {any} lab */
export function startStripTools(lab) {
  const { store, strip } = lab;
  const scale = h("select", { id: "scale", data: { testid: "scale" }, on: { change: () => store.change({ scale: scale.value }, { how: "push" }) } },
    ...["map", "layer", "network"].map((name) => h("option", { value: name, t: `scale.${name}` })));
  const lock = h("button", { type: "button", class: "plain", t: "scale.lock", "aria-pressed": "false", data: { testid: "lock" }, on: { click: () => {
    strip.locked = !strip.locked;
    lock.setAttribute("aria-pressed", String(strip.locked));
    strip.redraw();
  } } });
  const find = h("button", { type: "button", class: "plain", t: "search.open", data: { testid: "search" }, on: { click: () => lab.search() } });
  const zoom = (/** @type {number} */ by) => h("button", {
    type: "button", class: "icon small", label: by > 0 ? "strip.larger" : "strip.smaller", on: { click: () => strip.magnify(by) },
  }, by > 0 ? "+" : "−");
  byId("strip-tools").append(h("h2", { t: "network" }), h("span", { class: "hint", t: "strip.hint" }), h("span", { class: "space" }), find,
    h("label", { for: "scale", t: "scale.label" }), scale, lock, zoom(-1), zoom(1));
  const show = () => { scale.value = store.state.scale; };
  store.subscribe(show);
  show();
}
