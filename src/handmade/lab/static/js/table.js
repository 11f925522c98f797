/**
 * Tables of numbers in a dialog: "as a table" for every map and chart.
 *
 * Interface
 *   showTable({title, corner, columns: [name], rows: [{name, cells: [number|string|null]}]})   corner: name of the first column
 */
import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { exact, precise } from "./text.js";

/** @param {{title: string, corner?: string, columns: string[], rows: {name: string, cells: (number|string|null)[]}[]}} table */
export function showTable({ title, corner = "", columns, rows }) {
  const written = (/** @type {number|string|null} */ cell) => (cell === null ? "" : typeof cell === "number" ? precise(cell) : cell);
  const copy = () => {
    const lines = rows.map(({ name, cells }) => [name, ...cells.map((cell) => cell ?? "")].join("\t"));
    navigator.clipboard?.writeText([[corner, ...columns].join("\t"), ...lines].join("\n"));
  };
  openDialog({
    name: title, wide: true,
    body: [
      h("p", {}, h("button", { type: "button", class: "button", t: "table.copy", on: { click: copy } })),
      h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": title },
        h("table", { class: "numbers", data: { testid: "table" } },
          h("thead", {}, h("tr", {}, corner ? h("th", { scope: "col" }, corner) : h("td"), ...columns.map((name) => h("th", { scope: "col" }, name)))),
          h("tbody", {}, ...rows.map(({ name, cells }) => h("tr", {}, h("th", { scope: "row" }, name), ...cells.map((cell) =>
            h("td", { title: typeof cell === "number" ? exact(cell) : null }, written(cell)))))))),
    ],
  });
}
