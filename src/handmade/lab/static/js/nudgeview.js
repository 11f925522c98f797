/** The view "nudge": its controls, the chart of the loss, and tabs. */
import { h } from "./dom.js";
import { Edits } from "./edits.js";
import { LossChart } from "./losschart.js";
import { Nudge } from "./nudge.js";
import { NudgeControls } from "./nudgecontrols.js";
import { Probabilities, Switches } from "./nudgetabs.js";
import { QuotientChart } from "./quotients.js";
import { makeTabs } from "./tabs.js";
import { registerView } from "./views.js";
import { WeightsPanel } from "./weights.js";

registerView("nudge", {
  order: 2,
  label: "view.nudge",
  mount(root, lab) {
    lab.nudge ??= new Nudge(lab);
    const controls = h("div", { class: "nudge-controls" });
    const chart = h("div", { class: "nudge-chart" });
    const tabs = makeTabs(lab, [
      { name: "probabilities", label: "nudge.probabilities", mount: (body) => new Probabilities(body, lab) },
      { name: "switches", label: "nudge.switches", mount: (body) => new Switches(body, lab) },
      { name: "quotients", label: "nudge.quotients", mount: (body) => new QuotientChart(body, lab) },
      { name: "weights", label: "tab.weights", mount: (body) => new WeightsPanel(body, lab) },
      { name: "edits", label: "nudge.edits", mount: (body) => new Edits(body, lab) },
    ], "nudge-");
    root.append(controls, chart, tabs.element);
    new NudgeControls(controls, lab);
    new LossChart(chart, lab);
    tabs.open("probabilities");
    lab.nudge.tabs = tabs;
  },
  show(_, lab) {
    lab.nudge.turn(true);
    lab.nudge.tabs.open(lab.nudge.tabs.current());
  },
  hide(_, lab) {
    lab.nudge.turn(false);
    lab.nudge.tabs.part("weights")?.hide?.();
  },
});
