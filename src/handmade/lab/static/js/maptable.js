/**
 * A map of a layer as a table of numbers.
 *
 * Interface
 *   mapTable(lab, figure, channel)   figure: one of strip.figures
 */
import { showTable } from "./table.js";
import { text } from "./text.js";

/**
 * @param {any} lab
 * @param {any} figure
 * @param {number} channel
 */
export function mapTable(lab, figure, channel) {
  const { grid } = figure.view;
  const values = lab.strip.values(figure.node);
  if (!values) return;
  const rows = [];
  for (let row = 0; row < grid.height; row++) {
    const cells = [];
    for (let column = 0; column < grid.width; column++) {
      const cell = row * grid.width + column;
      const value = cell < grid.cells ? values[cell * grid.channels + channel] : null;
      cells.push(lab.cover.any && Number.isNaN(value) ? "?" : value);
    }
    rows.push({ name: String(grid.flat ? row * grid.width : row), cells });
  }
  showTable({
    title: text("loupe.name", { room: figure.room, k: channel, shape: `${grid.height} × ${grid.width}` }),
    columns: Array.from({ length: grid.width }, (_, i) => String(i)), rows,
  });
}
