/**
 * Backwards: the direction of the view, and the contributions of the pixels to the answer.
 *
 * Interface
 *   startDirection(lab)                  buttons of #direction; turn(lab, "forward"|"backward")
 *   new ContributionsPanel(root, lab)    three maps of the input: gradient, occlusion, pixel × gradient
 *   Gradient maps of every layer are drawn by the strip; receipts of gradients by the receipt panel.
 */
import { largest, themes } from "./colours.js";
import { byId, h } from "./dom.js";
import { legend } from "./legend.js";
import { MapView } from "./mapview.js";
import { turned } from "./places.js";
import { showTable } from "./table.js";
import { languages, precise, text } from "./text.js";

const KINDS = ["gradient", "occlusion", "product"];

/**
 * @param {any} lab
 * @param {"forward"|"backward"} direction
 */
export function turn({ store }, direction) {
  const { focus, second } = store.state;
  const gradient = direction === "backward";
  store.change({ direction, focus: turned(focus, gradient), second: turned(second, gradient) }, { how: "push" });
}

/** @param {any} lab */
export function startDirection(lab) {
  const root = byId("direction");
  const show = () => {
    for (const button of root.children) button.setAttribute("aria-pressed", String(button.dataset.direction === lab.store.state.direction));
    byId("lab").dataset.direction = lab.store.state.direction;
  };
  for (const button of root.children) button.addEventListener("click", () => turn(lab, button.dataset.direction));
  lab.store.subscribe(show);
  show();
}

export class ContributionsPanel {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    this.root = root;
    this.lab = lab;
    this.line = h("p", { class: "hint-line", "aria-live": "off" });
    this.maps = KINDS.map((kind) => {
      const canvas = h("canvas", { class: "map", data: { testid: `contribution-${kind}` }, role: "img" });
      const view = new MapView(canvas);
      const bar = h("div", { class: "legend" });
      canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => this.#hover(kind, view, event));
      canvas.addEventListener("pointerleave", () => { this.line.textContent = ""; lab.focus.leave(); });
      canvas.addEventListener("click", (/** @type {MouseEvent} */ event) => {
        const place = this.#place(view, event);
        if (place) lab.focus.pin(place, { second: event.shiftKey });
      });
      const element = h("figure", { class: "contribution" }, h("figcaption", {}, h("b", { t: `pixels.${kind}`, data: { hint: `pixels.${kind}Hint` } }), h("span", { t: `pixels.${kind}Hint` })), canvas,
        h("div", { class: "contribution-foot" }, bar, h("button", { type: "button", class: "plain", t: "table.open", data: { hint: "table.as" }, on: { click: () => this.#table(kind) } })));
      return { kind, view, bar, element };
    });
    this.title = h("p", { class: "formula" });
    root.append(this.title, h("div", { class: "contributions" }, ...this.maps.map(({ element }) => element)), this.line);
    const draw = () => this.draw();
    for (const event of ["contributions", "image"]) lab.data.addEventListener(event, draw);
    themes.addEventListener("change", draw);
    languages.addEventListener("change", draw);
    new ResizeObserver(draw).observe(root);
  }

  show() {
    this.lab.data.want("contributions", true, "pixels");
    this.draw();
  }

  hide() { this.lab.data.want("contributions", false, "pixels"); }

  draw() {
    const { contributions, image, network } = this.lab.data;
    const known = image && contributions;
    this.title.textContent = known && !network.classes.length ? text("pixels.titleOutput") : known ? text("pixels.title", { name: network.classes[image.meta.predicted] ?? image.meta.predicted }) : text(image ? "loading" : "receipt.noImage");
    for (const { kind, view, bar } of this.maps) {
      const array = known ? contributions.arrays[kind] : null;
      if (!array) continue;
      const [height, width] = array.shape;
      const scale = Math.max(1, Math.min(8, Math.floor(Math.min((this.root.clientHeight - (innerHeight < 800 ? 85 : 140)) / height, (this.root.clientWidth / 3 - 24) / width))));
      view.layout({ cells: height * width, width, height, channels: 1, flat: false }, { scale: Math.max(scale, 3), across: 1 });
      const limit = largest(array.values);
      view.draw(array.values, { kind: "signed", limit });
      bar.replaceChildren(...legend("signed", limit));
      view.canvas.setAttribute("aria-label", text(`pixels.${kind}`));
    }
  }

  /**
   * @param {MapView} view
   * @param {MouseEvent} event
   */
  #place(view, event) {
    const box = view.canvas.getBoundingClientRect();
    const offset = view.offsetAt(event.clientX - box.left, event.clientY - box.top);
    return offset < 0 ? null : `input[${Math.floor(offset / view.grid.width)},${offset % view.grid.width},0]`;
  }

  /**
   * @param {string} kind
   * @param {MapView} view
   * @param {PointerEvent} event
   */
  #hover(kind, view, event) {
    const place = this.#place(view, event);
    if (!place) return;
    const [row, column] = place.slice(6, -1).split(",").map(Number);
    const value = this.lab.data.contributions?.arrays[kind]?.values[row * view.grid.width + column];
    this.line.textContent = `${text(`pixels.${kind}`)}: ${place} ${precise(value)}`;
    this.lab.focus.hover(place);
  }

  /** @param {string} kind */
  #table(kind) {
    const array = this.lab.data.contributions?.arrays[kind];
    if (!array) return;
    const [height, width] = array.shape;
    showTable({
      title: text(`pixels.${kind}`), columns: Array.from({ length: width }, (_, i) => String(i)),
      rows: Array.from({ length: height }, (_, r) => ({ name: String(r), cells: [...array.values.slice(r * width, (r + 1) * width)] })),
    });
  }
}
