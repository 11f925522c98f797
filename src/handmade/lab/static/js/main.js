/**
 * The page: makes its parts and joins them.
 *
 * Another view imports its module here and calls registerView (views.js), addTab (look.js) or addKey (keyboard.js).
 * `lab` = {store, data, focus, cover, strip, overlay, board, answer, status, receipts, views, loupe, look, search}.
 */
import { Answer } from "./answer.js";
import { startDirection } from "./backward.js";
import { Board } from "./board.js";
import { setTheme, startTheme, theme } from "./colours.js";
import { Cover } from "./cover.js";
import { Data } from "./data.js";
import { byId, h } from "./dom.js";
import { openExport } from "./export.js";
import { Focus } from "./focus.js";
import { showKeys, startKeyboard } from "./keyboard.js";
import { startDivider, startSheet } from "./layout.js";
import "./look.js";
import "./nudgeview.js";
import { startQuiz } from "./quiz.js";
import "./quizview.js";
import { startMenu } from "./menu.js";
import { Overlay } from "./overlay.js";
import { search, startPicker } from "./picker.js";
import { Store } from "./state.js";
import { message, Status } from "./status.js";
import { startStripTools } from "./striptools.js";
import { Strip } from "./strip.js";
import "./train.js";
import { language, LANGUAGES, preferredLanguage, setLanguage, text } from "./text.js";
import { Views } from "./views.js";
import "./workbookview.js";

/** @type {any} */
const lab = { receipts: new EventTarget() };

function startTools() {
  const { store } = lab;
  const languageSelect = byId("language");
  languageSelect.replaceChildren(...Object.entries(LANGUAGES).map(([name, title]) => h("option", { value: name, lang: name }, title)));
  languageSelect.value = language();
  languageSelect.addEventListener("change", () => setLanguage(languageSelect.value));
  const themeSelect = byId("theme");
  themeSelect.value = theme();
  themeSelect.addEventListener("change", () => setTheme(themeSelect.value));
  byId("undo").addEventListener("click", () => store.undo());
  byId("redo").addEventListener("click", () => store.redo());
  byId("help").addEventListener("click", () => showKeys());
  byId("export").addEventListener("click", () => openExport(lab));
  byId("share").addEventListener("click", share);
  const show = () => {
    byId("lab").classList.toggle("pinned-state", !!store.state.focus);
    byId("undo").disabled = !store.canUndo;
    byId("redo").disabled = !store.canRedo;
  };
  store.subscribe(show);
  show();
}

async function share() {
  const link = lab.store.link();
  if (!link) {
    message(() => text("share.long"));
    return;
  }
  try {
    await navigator.clipboard.writeText(link);
    message(() => text(lab.data.adopted ? "share.trained" : "share.copied"));
  } catch {
    message(() => link);
  }
}

async function start() {
  startTheme();
  const texts = setLanguage(preferredLanguage(), { store: false });
  lab.store = new Store();
  lab.data = new Data(lab.store);
  lab.focus = new Focus(lab.store, lab.data);
  lab.cover = new Cover(lab);
  /** @type {any[]} */
  const early = []; // troubles that come before anybody can show them
  const keep = (/** @type {any} */ event) => early.push(event.detail);
  lab.data.addEventListener("trouble", keep);
  lab.data.sync();
  await texts;
  lab.strip = new Strip(byId("strip"), lab);
  lab.overlay = new Overlay(lab.strip, lab);
  lab.status = new Status(lab);
  lab.board = new Board(byId("board"), lab);
  lab.answer = new Answer(byId("answer"), lab);
  lab.search = () => search(lab);
  startTools();
  startDirection(lab);
  startStripTools(lab);
  startPicker(lab);
  startDivider();
  startSheet(lab);
  startQuiz(lab);
  startKeyboard(lab);
  startMenu(lab);
  lab.views = new Views(lab);
  lab.views.show();
  if (lab.data.network) lab.data.set("network", lab.data.network);
  if (lab.data.image) lab.data.set("image", lab.data.image);
  lab.status.show(lab.store.state.focus);
  const tellProblem = () => {
    if (!lab.store.problem) return;
    message(() => text(lab.store.problem));
    lab.store.problem = null;
  };
  lab.store.subscribe(tellProblem);
  tellProblem();
  lab.data.removeEventListener("trouble", keep);
  for (const detail of early) lab.data.tell("trouble", detail);
}

start();
