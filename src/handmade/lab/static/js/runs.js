/**
 * Runs of the disk: a training saved as one, and the curves of others laid over those of the training.
 *
 * Interface
 *   new Runs(root, lab, curves): show() when its tab opens
 */
import { ApiError, GoneError, request } from "./api.js";
import { MOST_RUNS } from "./curves.js";
import { h } from "./dom.js";
import { said, write } from "./said.js";
import { languages, percent, text } from "./text.js";

export class Runs {
  /**
   * @param {HTMLElement} root
   * @param {any} lab
   * @param {import("./curves.js").Curves} curves
   */
  constructor(root, lab, curves) {
    this.lab = lab;
    this.curves = curves;
    this.name = h("input", { type: "text", id: "run-name", value: "my-run", maxlength: 80, data: { testid: "run-name" } });
    this.message = h("p", { class: "note", role: "status", data: { testid: "save-message" } });
    this.list = h("ul", { class: "runs" });
    this.save = h("button", { type: "submit", t: "train.save", data: { testid: "save-run" } });
    root.append(h("form", { class: "save-row", on: { submit: (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#save();
    } } }, h("label", { for: "run-name", t: "train.runName" }), this.name, this.save), this.message, h("h4", { t: "train.overlay" }), this.list);
    lab.data.addEventListener("sources", () => this.draw());
    languages.addEventListener("change", () => { if (lab.data.sources) this.draw(); });
    lab.training.addEventListener("news", () => { this.save.disabled = !lab.training.names.length; });
  }

  show() {
    this.save.disabled = !this.lab.training.names.length;
    this.lab.data.loadSources().catch(() => this.lab.data.lost());
  }

  draw() {
    const runs = (this.lab.data.sources?.sources ?? []).filter((/** @type {any} */ each) => each.kind === "run" && !each.source.endsWith("/best"));
    if (!runs.length) {
      this.list.replaceChildren(h("li", { class: "muted" }, text("train.noRuns")));
      return;
    }
    this.list.replaceChildren(...runs.map((/** @type {any} */ run) => {
      const name = run.source.slice(4);
      const box = h("input", { type: "checkbox", data: { testid: `overlay-${name}` }, on: { change: () => this.#overlay(name, box) } });
      box.checked = this.curves.runs.has(name);
      return h("li", {}, h("label", { class: "check" }, box, name, h("span", { class: "muted" }, run.accuracy === null ? said(run.status) : percent(run.accuracy))),
        h("button", { type: "button", class: "link", t: "train.open", on: { click: () => this.lab.store.change({ source: run.source, edits: [] }, { how: "push", undo: true }) } }));
    }));
  }

  /**
   * @param {string} name
   * @param {HTMLInputElement} box
   */
  async #overlay(name, box) {
    if (!box.checked) {
      this.curves.overlay(name, null);
      return;
    }
    if (this.curves.runs.size >= MOST_RUNS) {
      box.checked = false;
      write(this.message, () => text("train.mostRuns", { n: MOST_RUNS }));
      return;
    }
    try {
      this.curves.overlay(name, await request("GET", `/api/runs/${encodeURIComponent(name)}/log`));
    } catch (error) {
      box.checked = false;
      this.#failed(error);
    }
  }

  async #save() {
    const { training } = this.lab;
    const lane = training.followed ?? training.names[0];
    if (!lane) return;
    try {
      const { run } = await training.save(lane, this.name.value.trim());
      write(this.message, () => text("train.saved", { run }));
    } catch (error) {
      this.#failed(error);
    }
  }

  /** @param {any} error */
  #failed(error) {
    if (error instanceof GoneError) this.lab.data.lost();
    else if (error instanceof ApiError) write(this.message, () => error.message);
    else throw error;
  }
}
