/**
 * Networks that can be opened: the example, presets, runs, the model of the command.
 *
 * Interface
 *   startPicker(lab); openPicker(lab); search(lab) opens a place by its text
 */
import { openDialog } from "./dialog.js";
import { byId, h } from "./dom.js";
import { find } from "./places.js";
import { said } from "./said.js";
import { count, languages, moment, percent, text } from "./text.js";

const KINDS = ["example", "preset", "run", "model"];
const BEST = "/best"; // end of a source: the best model of a run

/** Title of a network in the user's language. @param {{source: string, title: string}} network */
const titleOf = ({ source, title }) => (source === "example" ? text("picker.exampleName")
  : source.startsWith("run:") && source.endsWith(BEST) ? text("picker.best", { name: source.slice(4, -BEST.length) }) : title);

/** @param {any} lab */
export function startPicker(lab) {
  const button = byId("picker-button");
  const show = () => {
    const { network } = lab.data;
    if (!network) return;
    const accuracy = lab.data.sources?.sources.find((/** @type {any} */ each) => each.source === network.source)?.accuracy;
    const { edits } = lab.store.state;
    const known = accuracy !== null && accuracy !== undefined && !edits.length; // of the weights as they were read
    const facts = [
      lab.data.adopted ? text("picker.adopted") : known ? percent(accuracy) : "", text("picker.weights", { n: count(network.weights) }),
      network.trained ? "" : text("picker.seed", { seed: network.seed }), edits.length ? text("picker.edits", { n: edits.length }) : "",
    ];
    button.replaceChildren(h("span", { class: "network-title" }, titleOf(network)), h("span", { class: "network-facts" }, facts.filter(Boolean).join(" · ")), h("span", { "aria-hidden": "true" }, "▾"));
    document.title = `${titleOf(network)} · handmade lab`;
  };
  button.addEventListener("click", () => openPicker(lab));
  lab.data.addEventListener("network", show);
  lab.data.addEventListener("sources", show);
  lab.data.addEventListener("image", () => setTimeout(() => lab.data.loadSources().catch(() => null), 500), { once: true });
  languages.addEventListener("change", show);
  lab.store.subscribe(show);
}

/** @param {any} lab */
export async function openPicker(lab) {
  const body = h("div", {}, h("p", { t: "loading" }));
  const dialog = openDialog({ title: "picker.title", body: [body], wide: true });
  try {
    const { sources } = await lab.data.loadSources();
    body.replaceChildren(...KINDS.flatMap((kind) => group(lab, kind, sources.filter((/** @type {any} */ each) => each.kind === kind), dialog)));
  } catch (error) {
    body.replaceChildren(h("p", { class: "problem" }, /** @type {Error} */ (error).message || text("server.gone")));
  }
}

/**
 * @param {any} lab
 * @param {string} kind
 * @param {any[]} sources
 * @param {HTMLDialogElement} dialog
 */
function group(lab, kind, sources, dialog) {
  if (!sources.length) return [];
  const seed = h("input", { type: "number", min: 0, max: 999999, value: lab.store.state.seed, class: "seed" });
  const open = (/** @type {any} */ source) => {
    dialog.close();
    lab.store.change({ source: source.source, seed: kind === "preset" ? Number(seed.value) || 0 : 0, edits: [], focus: null, second: null }, { how: "push", undo: true });
  };
  const current = lab.data.network?.source;
  return [
    h("h3", { t: `picker.${kind}` }),
    kind === "preset" ? h("label", { class: "seed-row" }, h("span", { t: "picker.seedLabel" }), seed) : null,
    h("ul", { class: "sources" }, ...sources.map((source) => h("li", {}, h("button", {
      type: "button", class: "source-row", "aria-current": source.source === current ? "true" : null, data: { source: source.source }, on: { click: () => open(source) },
    }, h("b", {}, titleOf(source)), h("span", {}, source.network),
      h("span", { class: "facts" }, [source.weights === null ? "" : text("picker.weights", { n: count(source.weights) }), source.accuracy === null ? "" : percent(source.accuracy), said(source.status), source.when && moment(source.when)].filter(Boolean).join(" · ")))))),
  ].filter(Boolean);
}

/** Ask for a place and pin it. @param {any} lab */
export function search(lab) {
  const problem = h("p", { class: "problem", role: "alert" });
  const field = h("input", { type: "text", id: "search-field", autocomplete: "off", spellcheck: "false", placeholder: "conv1[12,10,3]", value: lab.store.state.focus ?? "" });
  const rooms = h("p", { class: "note" }, [...lab.strip.figures.values()].map(({ node, room }) => `${room}[${node.shape.map((/** @type {number} */ n) => `0–${n - 1}`).join(", ")}]`).join("  "));
  const form = h("form", { on: { submit: (/** @type {Event} */ event) => {
    event.preventDefault();
    const place = field.value.trim();
    if (!find(lab.data.network, place)) problem.textContent = text("problem.place", { place });
    else {
      dialog.close();
      lab.focus.pin(place);
    }
  } } }, h("label", { for: "search-field", t: "search.label" }), field, h("button", { type: "submit", class: "button", t: "search.go" }), problem, rooms);
  const dialog = openDialog({ title: "search.title", body: [form] });
  field.select();
}
