/**
 * The student's workbook: the list of steps, the step that is shown, and texts that are not saved yet.
 *
 * The student's file is the single truth. A file that an editor has changed is taken over; if the page has another text that is not saved,
 * `conflict` is true, and the student chooses. Unsaved texts outlive a reload of the page.
 *
 * Interface
 *   await book.open(name|null)        show a step; null: the current one
 *   book.list, book.step, book.text, book.isUnsaved, book.conflict, book.deleted, book.busy, book.problem
 *   book.edit(text)                   the field was changed
 *   await book.check({replace})       save what is not saved, and grade it; replace: the other text goes to backups
 *   book.takeFile()                   drop the page's text for the file's
 *   await book.hint(), reset(), giveUp()
 *   book.watch(true|false)            look for changes of the files
 *   events "list", "step" (new facts of the step), "text" (the field has to show book.text), "state" (the rest)
 */
import { ApiError, GoneError, request } from "./api.js";
import { language } from "./text.js";

const STORED = "handmade.lab.workbook"; // in sessionStorage: each tab has its own texts
const PAUSE = 1000; // ms between two looks for changed files

/** @typedef {{text: string, base: string}} Draft text that is not saved, and the base of the text that it was made from */

export class Workbook extends EventTarget {
  /** @param {any} lab */
  constructor(lab) {
    super();
    this.lab = lab;
    /** @type {any} */
    this.list = null;
    /** @type {any} */
    this.step = null;
    this.text = "";
    this.busy = "";
    /** @type {string|null} */
    this.wished = null;
    /** @type {ApiError|null} */
    this.problem = null;
    this.watching = false;
    /** @type {Record<string, Draft>} */
    this.drafts = {};
    try {
      this.drafts = JSON.parse(sessionStorage.getItem(STORED) ?? "{}");
    } catch { /* Storage may be switched off. */ }
    addEventListener("beforeunload", (event) => { if (Object.keys(this.drafts).length) event.preventDefault(); });
  }

  get isUnsaved() { return !!this.#draft; }

  /** True if an editor has changed the file since the text of the page was read. */
  get conflict() { return !!this.#draft && this.step.base !== "" && this.#draft.base !== this.step.base; }

  /** True if the file is gone. */
  get deleted() { return !!this.step && this.step.base === ""; }

  /** @param {string|null} name */
  async open(name) {
    this.wished = name; // another one may be wished before this one is here
    if (!this.list) await this.refreshList();
    const chosen = name ?? this.list?.current;
    if (!chosen) return;
    const answer = await this.#ask("open", "POST", `steps/${chosen}/open`);
    if (answer && (name === null || name === this.wished)) this.#take(answer);
    await this.refreshList();
  }

  async refreshList() {
    const answer = await this.#ask("", "GET", "steps");
    if (!answer) return;
    this.list = answer;
    this.#tell("list");
  }

  /** @param {string} text */
  edit(text) {
    this.text = text;
    if (text === this.step.text) this.#keep(null);
    else this.#keep({ text, base: this.#draft?.base ?? this.step.base });
    this.#tell("state");
  }

  takeFile() {
    this.#keep(null);
    this.#take(this.step);
  }

  /** @param {{replace?: boolean}} [options] */
  async check({ replace = false } = {}) {
    if (!this.step || this.busy || (this.conflict && !replace)) return;
    const { text } = this;
    const [draft, key] = [this.#draft, this.#key];
    const path = `steps/${this.step.name}`;
    const answer = draft || this.deleted
      ? await this.#ask("check", "PUT", path, { text, base: draft?.base ?? this.step.base, replace })
      : await this.#ask("check", "POST", `${path}/check`);
    if (!answer) {
      if (this.problem?.code === "changed") await this.#reread();
      return;
    }
    const newer = this.drafts[key]; // typed while the text was graded
    this.#keep(newer && newer.text !== text ? { text: newer.text, base: answer.base } : null, key);
    if (this.step.name === answer.name) this.#take(answer);
    await this.refreshList();
  }

  hint() { return this.#act("hint"); }

  giveUp() { return this.#act("give-up"); }

  /** @returns {Promise<any>} the answer; its backup is the name of the old file */
  async reset() {
    const draft = this.#draft;
    if (draft) { // so that the backup holds the text that is seen
      await this.check({ replace: true });
      if (this.#draft) return null;
    }
    return this.#act("reset");
  }

  /** @param {boolean} on */
  watch(on) {
    if (on && !this.watching) setTimeout(() => this.#look(), PAUSE);
    this.watching = on;
  }

  get #key() { return `${this.list?.folder}|${this.step?.name}`; }

  get #draft() { return this.step ? this.drafts[this.#key] : undefined; }

  /** @param {Draft|null} draft */
  #keep(draft, key = this.#key) {
    if (draft) this.drafts[key] = draft;
    else delete this.drafts[key];
    try {
      sessionStorage.setItem(STORED, JSON.stringify(this.drafts));
    } catch { /* Storage may be switched off or full. */ }
  }

  /** @param {string} action */
  async #act(action) {
    if (!this.step || this.busy) return null;
    const answer = await this.#ask(action, "POST", `steps/${this.step.name}/${action}`);
    if (answer) this.#take(answer);
    await this.refreshList();
    return answer;
  }

  /** Show what the server says about a step. @param {any} answer */
  #take(answer) {
    const sameStep = this.step?.name === answer.name;
    if (sameStep && answer.base === "" && this.step.base !== "" && !this.#draft) { // the file is gone, its text is not
      this.step = answer;
      this.#keep({ text: this.text, base: "" });
    }
    this.step = answer;
    if (this.#draft && this.#draft.text === answer.text) this.#keep(null);
    this.text = this.#draft?.text ?? answer.text ?? "";
    this.#tell("text");
    this.#tell("step");
    this.#tell("state");
  }

  async #reread() {
    const { name, base } = this.step;
    const found = await this.#ask("", "GET", `steps/${name}`);
    if (!found || this.step.name !== name) return;
    this.#take(found);
    if (found.base !== base && !this.busy) {
      const answer = await this.#ask("check", "POST", `steps/${name}/check`);
      if (answer && this.step.name === name) this.#take(answer);
    }
    await this.refreshList();
  }

  async #look() {
    if (!this.watching) return;
    if (this.step && !this.busy && !document.hidden && !this.lab.data.gone) {
      const { name, stamp } = this.step;
      const found = await this.#ask("", "GET", `steps/${name}/stamp`);
      const differs = found && this.step?.name === name && !this.busy && (found.file !== this.step.stamp.file || found.state !== this.step.stamp.state);
      if (differs && this.step.stamp === stamp) await this.#reread();
    }
    setTimeout(() => this.#look(), PAUSE);
  }

  /**
   * Return the answer, or null after a problem, which is told.
   * @param {string} what action that the page shows as going on; "" for none
   * @param {string} method
   * @param {string} path
   * @param {any} [json]
   */
  async #ask(what, method, path, json) {
    if (what) {
      this.busy = what;
      this.#tell("state");
    }
    try {
      const answer = await request(method, `/api/workbook/${path}?language=${language()}`, { json });
      this.problem = null;
      return answer;
    } catch (error) {
      if (error instanceof GoneError) this.lab.data.lost();
      else if (error instanceof ApiError) this.problem = error;
      else throw error;
      return null;
    } finally {
      if (what) this.busy = "";
      this.#tell("state");
    }
  }

  /** @param {string} event */
  #tell(event) { this.dispatchEvent(new Event(event)); }
}
