/**
 * Stages of the preparation of a drawing: a picture of each, and a box that switches it off.
 *
 * Interface
 *   new Stages(lab, changed): stages.element; stages.show(frame); changed() is called after a box was changed
 */
import { h } from "./dom.js";
import { MapView } from "./mapview.js";

const STAGES = ["picture", "sheet", "even", "ink", "box", "fitted", "image", "input"];
const SIDE = 56; // of a picture, at most

export class Stages {
  /**
   * @param {any} lab
   * @param {() => void} changed
   */
  constructor({ store }, changed) {
    this.pictures = STAGES.map((name) => {
      const view = new MapView(h("canvas", { class: "map", "aria-hidden": "true" }));
      const element = h("figure", { class: "stage", hidden: true, data: { stage: name } }, view.canvas, h("figcaption", { t: `stage.${name}` }));
      return { name, view, element };
    });
    const boxes = ["crop", "scale", "centre"].map((name) => {
      const box = h("input", { type: "checkbox", data: { testid: `stage-${name}` }, on: { change: () => {
        store.change({ stages: { ...store.state.stages, [name]: box.checked } }, { how: "push", undo: true });
        changed();
      } } });
      return { name, box };
    });
    this.element = h("details", { class: "stages", open: true }, h("summary", { t: "stage.title" }),
      h("div", { class: "stage-row" }, ...this.pictures.map(({ element }) => element)),
      h("div", { class: "stage-boxes" }, ...boxes.map(({ name, box }) => h("label", {}, box, h("span", { t: `stage.use.${name}` })))));
    const check = () => { for (const { name, box } of boxes) box.checked = store.state.stages[name]; };
    store.subscribe(check);
    check();
    this.show(null);
  }

  /** @param {import("./frames.js").Frame|null} frame */
  show(frame) {
    const raw = frame?.arrays.raw;
    const colours = raw?.shape[2] === 3;
    for (const { name, view, element } of this.pictures) {
      const array = name !== "input" ? frame?.arrays[`stage:${name}`] : colours ? raw : frame?.arrays.input;
      element.hidden = !array;
      if (!array) continue;
      const [height, width] = array.shape;
      const most = Math.max(height, width);
      const scale = Math.max(1, Math.floor(SIDE / most));
      const shrink = Math.max(1, most / SIDE);
      view.layout({ cells: height * width, width, height, channels: colours ? 1 : array.shape[2] ?? 1, flat: false }, { scale, across: 1, channels: [0] });
      view.canvas.style.width = `${(width * scale) / shrink}px`;
      view.canvas.style.height = `${(height * scale) / shrink}px`;
      const signed = name === "input" && array.values.some((/** @type {number} */ x) => x < 0);
      if (colours) view.drawColour(name === "input" ? array.values : array.values.map((/** @type {number} */ x) => 255 * x));
      else view.draw(array.values, { kind: signed ? "signed" : "grey", limit: 1 });
    }
  }
}
