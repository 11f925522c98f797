/**
 * The answer: probabilities as bars, predicted class, label, rejection, loss.
 *
 * Interface
 *   new Answer(root, lab); answer.show(frame) shows another frame than the page's, null the page's
 *   Elements: [data-class] bars with [data-place="probability[k]"], #predicted, #label-select, [data-place="loss"]
 */
import { h } from "./dom.js";
import { said } from "./said.js";
import { showTable } from "./table.js";
import { languages, percent, precise, text } from "./text.js";

const LONG = 3; // letters of a name; longer ones stand above their bars
const MOST = 10; // classes that are shown

export class Answer {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   */
  constructor(root, lab) {
    this.root = root;
    this.lab = lab;
    this.labelsKey = "";
    /** @type {import("./frames.js").Frame|null} */
    this.other = null;
    this.predicted = h("p", { id: "predicted", data: { testid: "predicted" } });
    this.bars = h("ol", { class: "bars", label: "answer.bars" });
    this.more = h("p", { class: "note" });
    this.select = h("select", { id: "label-select", data: { testid: "label" }, on: { change: () => this.#choose() } });
    this.truth = h("span", { data: { testid: "verdict" } });
    this.loss = h("button", { type: "button", class: "link loss", data: { place: "loss", testid: "loss" } });
    this.unlabelled = h("p", { class: "note", t: "answer.unlabelled" });
    this.rejection = h("p", { class: "problem", data: { testid: "rejection" } });
    this.certainty = h("p", { class: "muted", hidden: true, data: { testid: "certainty" } });
    this.labelRow = h("div", { class: "label-row" }, h("label", { for: "label-select", t: "answer.label" }), this.select, this.truth);
    this.table = h("button", { type: "button", class: "plain", t: "table.open", data: { testid: "answer-table", hint: "table.as" }, on: { click: () => this.#table() } });
    root.append(h("div", { class: "answer-head" }, h("h2", { t: "answer.title" }), this.table), this.predicted, this.certainty, this.rejection, this.bars, this.more,
      this.labelRow,
      this.unlabelled, h("p", {}, this.loss));
    this.#watch(this.loss, "loss");
    const draw = () => this.draw();
    for (const event of ["image", "network"]) lab.data.addEventListener(event, draw);
    lab.focus.addEventListener("pin", draw);
    lab.store.subscribe((/** @type {any} */ state, /** @type {any} */ old) => { if (state.covered !== old.covered) draw(); });
    languages.addEventListener("change", draw);
    this.draw();
  }

  /** Show another frame in the place of the page's: that of a training. @param {import("./frames.js").Frame|null} frame */
  show(frame) {
    if (frame === this.other) return;
    this.other = frame;
    this.draw();
  }

  draw() {
    const { network } = this.lab.data;
    const image = this.other ?? this.lab.data.image;
    if (!network) return;
    this.#labels(network, image);
    const p = image?.arrays.probabilities?.values ?? null;
    const order = Array.from({ length: network.classes.length }, (_, k) => k);
    if (p && order.length > MOST) order.sort((a, b) => p[b] - p[a]);
    const shown = order.slice(0, MOST);
    const longest = Math.max(1, ...shown.map((k) => network.classes[k].length));
    this.bars.style.setProperty("--name", `${Math.min(9, longest + 0.5)}ch`);
    for (const element of [this.predicted, this.bars]) element.classList.toggle("long", longest > LONG);
    this.bars.replaceChildren(...shown.map((k) => this.#bar(network, p, k)));
    this.more.textContent = order.length > MOST ? text("answer.most", { shown: MOST, all: order.length }) : "";
    const { predicted, label, loss, rejection, certainty } = image?.meta ?? {};
    this.predicted.classList.toggle("rejected", Boolean(rejection));
    this.predicted.replaceChildren(...this.#name(network, image, p));
    this.labelRow.hidden = !network.classes.length;
    this.rejection.textContent = rejection ? text("answer.rejected", { reason: said(rejection) }) : "";
    this.certainty.hidden = Boolean(rejection) || certainty === null || certainty === undefined;
    this.certainty.textContent = this.certainty.hidden ? "" : text("answer.certainty", { share: percent(certainty) });
    const known = image && label !== null && label !== undefined;
    this.unlabelled.hidden = !image || known || !network.classes.length;
    this.truth.textContent = known ? text(label === predicted ? "answer.right" : "answer.wrong") : "";
    this.truth.className = known ? (label === predicted ? "right" : "wrong") : "";
    this.loss.hidden = !known || loss === null;
    this.loss.textContent = `${text("answer.loss")} ${this.lab.cover.written("loss", loss, precise)}`;
    this.loss.setAttribute("aria-pressed", String(this.lab.store.state.focus === "loss"));
  }

  /**
   * Return the predicted class with its probability; of a rejected picture, a question mark and the best guess.
   * @param {any} network
   * @param {import("./frames.js").Frame|null} image
   * @param {ArrayLike<number>|null} p
   */
  #name(network, image, p) {
    const { predicted, rejection } = image?.meta ?? {};
    if (!image || predicted === null || predicted === undefined) return [h("span", { class: "muted" }, text(image ? "answer.noClasses" : "answer.none"))];
    const name = network.classes[predicted] ?? String(predicted);
    const share = p ? this.#percent(p, predicted) : "";
    if (!rejection) return [h("span", { class: "answer-name", title: network.classes[predicted] ?? "" }, name), h("span", {}, share)];
    return [h("span", { class: "answer-name" }, "?"), h("span", { class: "muted" }, text("answer.guess", { name, share }))];
  }

  /**
   * @param {ArrayLike<number>} p
   * @param {number} k
   */
  #percent(p, k) { return this.lab.cover.written(`probability[${k}]`, p[k], percent); }

  /**
   * @param {any} network
   * @param {ArrayLike<number>|null} p
   * @param {number} k
   */
  #bar(network, p, k) {
    const place = `probability[${k}]`;
    const { predicted, label } = (this.other ?? this.lab.data.image)?.meta ?? {};
    const fill = h("span", { class: "fill" });
    const covered = this.lab.cover.hides(place);
    fill.style.inlineSize = `${covered ? 0 : 100 * (p?.[k] ?? 0)}%`;
    const names = [k === predicted ? "predicted" : "", k === label ? "label" : "", this.lab.store.state.focus === place ? "pinned" : ""].join(" ");
    const button = h("button", { type: "button", class: `bar-row ${names}`, disabled: !p, data: { class: k, place, testid: `bar-${k}` } },
      h("span", { class: "class-name", title: network.classes[k] }, network.classes[k]), h("span", { class: "track" }, fill),
      h("span", { class: "percent" }, p ? this.#percent(p, k) : "–"), k === label ? h("span", { class: "is-label", title: text("answer.isLabel") }, "◂") : null);
    this.#watch(button, place);
    return h("li", {}, button);
  }

  /**
   * @param {HTMLElement} element
   * @param {string} place
   */
  #watch(element, place) {
    const { focus } = this.lab;
    element.addEventListener("click", (event) => focus.pin(place, { second: event.shiftKey }));
    element.addEventListener("pointerenter", () => focus.hover(place));
    element.addEventListener("pointerleave", () => focus.leave());
  }

  /**
   * @param {any} network
   * @param {any} image
   */
  #labels(network, image) {
    const key = JSON.stringify([network.classes, document.documentElement.lang]);
    if (key !== this.labelsKey) {
      this.labelsKey = key;
      this.select.replaceChildren(h("option", { value: "" }, text("answer.unknown")), ...network.classes.map((/** @type {string} */ name, /** @type {number} */ k) => h("option", { value: k }, name)));
    }
    const label = this.lab.store.state.label ?? image?.meta.label;
    this.select.value = label === null || label === undefined ? "" : String(label);
    this.select.disabled = !image;
    this.table.disabled = !image;
  }

  /** All probabilities and logits as a table. */
  #table() {
    const { network } = this.lab.data;
    const { arrays } = this.other ?? this.lab.data.image ?? {};
    const logits = arrays?.[`act:${network.logits}`]?.values;
    const p = arrays?.probabilities?.values;
    if (!logits) return;
    const cell = (/** @type {string} */ place, /** @type {number} */ value) => (this.lab.cover.hides(place) ? "?" : value);
    showTable({
      title: text("answer.title"), corner: text("answer.class"), columns: [text("answer.logit"), ...(p ? [text("answer.probability")] : [])],
      rows: Array.from(logits, (/** @type {number} */ z, /** @type {number} */ k) => ({
        name: network.classes[k] ?? String(k), cells: [cell(`logits[${k}]`, z), ...(p ? [cell(`probability[${k}]`, p[k])] : [])],
      })),
    });
  }

  #choose() {
    const { value } = this.select;
    this.lab.store.change({ label: value === "" ? null : Number(value) }, { how: "push", undo: true });
  }
}
