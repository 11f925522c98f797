/**
 * Outlines over the strip: the hovered and the pinned cells, their source windows, the places that they feed, and lines of joins.
 *
 * Interface
 *   new Overlay(strip, lab)     draws into an SVG over the strip and follows focus, strip and store
 *   overlay.mark([{node, offset}])   outlines cells of a view's own
 */
import { svg } from "./dom.js";
import { channelsIn, find } from "./places.js";
import { wiresOf } from "./wires.js";

const MOST = 150; // outlines of one reach
const MOST_LINES = 40;

export class Overlay {
  /**
   * @param {import("./strip.js").Strip} strip
   * @param {{store: import("./state.js").Store, data: import("./data.js").Data, focus: import("./focus.js").Focus}} lab
   */
  constructor(strip, lab) {
    this.strip = strip;
    this.lab = lab;
    this.svg = svg("svg", { class: "overlay", "aria-hidden": "true" });
    const hatch = svg("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse" },
      svg("path", { d: "M0 6 6 0", class: "hatch-line" }));
    this.wires = svg("g", { class: "wires" });
    this.marks = svg("g");
    this.svg.append(svg("defs", {}, hatch), this.wires, this.marks);
    /** Reaches by place. @type {Map<string, any>} */
    this.reaches = new Map();
    this.due = false;
    /** Boxes of canvases, while one picture is drawn. @type {Map<import("./mapview.js").MapView, import("./mapview.js").Box>} */
    this.origins = new Map();
    /** Cells that a view marks. @type {{node: string, offset: number}[]} */
    this.marked = [];
    const draw = () => this.draw();
    const sizes = new ResizeObserver(() => {
      this.drawWires();
      draw();
    });
    strip.addEventListener("built", () => {
      strip.inner.append(this.svg);
      sizes.disconnect();
      sizes.observe(strip.inner);
      for (const { element } of strip.figures.values()) sizes.observe(element);
      this.drawWires();
      draw();
    });
    strip.addEventListener("drawn", draw);
    lab.focus.addEventListener("hover", draw);
    lab.focus.addEventListener("pin", draw);
    lab.focus.addEventListener("receipt", (event) => {
      const { place, receipt } = /** @type {CustomEvent} */ (event).detail;
      if (receipt) this.remember(place, receipt.reach);
    });
  }

  /**
   * @param {string} place
   * @param {any} reach
   */
  remember(place, reach) {
    this.reaches.set(place, reach);
    if (this.reaches.size > 300) this.reaches.delete(this.reaches.keys().next().value ?? "");
    this.draw();
  }

  /** Mark cells, with the class "switched". @param {{node: string, offset: number}[]} cells */
  mark(cells) {
    this.marked = cells;
    this.draw();
  }

  /** Lines from every node to its readers. */
  drawWires() {
    const { strip } = this;
    this.svg.setAttribute("width", String(strip.inner.scrollWidth));
    this.svg.setAttribute("height", String(strip.inner.scrollHeight));
    this.wires.replaceChildren(...wiresOf(strip));
  }

  /** Draw the outlines in the next picture. */
  draw() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => {
      this.due = false;
      this.#draw();
    });
  }

  #draw() {
    const { focus, store } = this.lab;
    const { focus: pinned, second } = store.state;
    const marks = [];
    if (pinned) marks.push(...this.#place(pinned, "pin"));
    if (second) marks.push(...this.#place(second, "pin second"));
    if (focus.hovered && focus.hovered !== pinned) marks.push(...this.#place(focus.hovered, "hover"));
    for (const { node, offset } of this.marked) {
      const figure = this.strip.figures.get(node);
      const cell = figure?.view.cellBox(offset);
      if (figure && cell) marks.unshift(this.#rect(figure, cell, "switched"));
    }
    this.origins.clear();
    this.marks.replaceChildren(...marks);
  }

  /**
   * @param {string} text
   * @param {string} name class of the outlines
   */
  #place(text, name) {
    const found = find(this.lab.data.network, text);
    const marks = [];
    const reach = this.reaches.get(text);
    const own = found?.node && found.kind === "node" ? this.strip.figures.get(found.node.name) : null;
    const cell = own?.view.cellBox(found?.offset ?? 0);
    if (own && cell) marks.push(this.#rect(own, cell, `${name} cell`));
    for (const [boxes, side] of [[reach?.sources, "source"], [reach?.targets, "target"]]) {
      for (const box of boxes ?? []) {
        if (marks.length > MOST) break;
        marks.push(...this.#box(box, `${name} ${side}`));
      }
    }
    if (reach?.winner && reach.sources?.[0]) {
      const source = this.strip.figures.get(reach.sources[0].node);
      const [row, column, channel] = reach.winner;
      const box = source?.view.rowsBox(channel, row, row + 1, column, column + 1);
      if (source && box) marks.push(...this.#losers(source, reach.sources[0], reach.winner), this.#rect(source, box, `${name} winner`));
    }
    if (own && cell && reach) marks.push(...this.#lines(own, cell, reach, name));
    return marks;
  }

  /**
   * Numbers of a pool's window that it does not take.
   * @param {import("./strip.js").Figure} figure
   * @param {any} box
   * @param {number[]} winner
   */
  #losers(figure, { rows, columns, channels }, winner) {
    const marks = [];
    const { width, height } = figure.view.grid;
    for (let row = Math.max(0, rows[0]); row < Math.min(height, rows[1]); row++) {
      for (let column = Math.max(0, columns[0]); column < Math.min(width, columns[1]); column++) {
        const cell = row === winner[0] && column === winner[1] ? null : figure.view.rowsBox(channels[0], row, row + 1, column, column + 1);
        if (cell && marks.length < MOST) marks.push(this.#rect(figure, cell, "loser"));
      }
    }
    return marks;
  }

  /**
   * Lines from the cell to the middles of its windows.
   * @param {import("./strip.js").Figure} own
   * @param {import("./mapview.js").Box} cell
   * @param {any} reach
   * @param {string} name
   */
  #lines(own, cell, reach, name) {
    const start = this.#origin(own.view);
    const [x, y] = [start.x + cell.x + cell.width / 2, start.y + cell.y + cell.height / 2];
    const lines = [];
    for (const box of [...(reach.sources ?? []), ...(reach.targets ?? [])]) {
      const figure = this.strip.figures.get(box.node);
      if (!figure) continue;
      const end = this.#origin(figure.view);
      for (const target of box.rows ? this.#windows(figure, box) : [around(figure.view.pieces(box.numbers))]) {
        if (!target || lines.length >= MOST_LINES) continue;
        lines.push(svg("line", {
          class: `${name} line`, x1: x, y1: y, x2: end.x + target.x + target.width / 2, y2: end.y + target.y + target.height / 2,
        }));
      }
    }
    return lines;
  }

  /**
   * @param {any} box a Box of a reach
   * @param {string} name
   */
  #box(box, name) {
    const figure = this.strip.figures.get(box.node);
    if (!figure) return [];
    if (box.numbers) return figure.view.pieces(box.numbers).map((piece) => this.#rect(figure, piece, name));
    const { width, height } = figure.view.grid;
    const [top, bottom] = box.rows;
    const [left, right] = box.columns;
    const marks = [];
    for (const channel of channelsIn(box, figure.node.shape)) {
      if (marks.length >= MOST) break;
      const whole = figure.view.rowsBox(channel, top, bottom, left, right);
      if (!whole) continue;
      if (top < 0 || left < 0 || bottom > height || right > width) {
        marks.push(...this.#padding(figure, channel, [top, bottom, left, right]));
      }
      marks.push(this.#rect(figure, whole, name));
    }
    return marks;
  }

  /**
   * Parts of a window that lie outside the map: padding.
   * @param {import("./strip.js").Figure} figure
   * @param {number} channel
   * @param {number[]} window
   */
  #padding(figure, channel, [top, bottom, left, right]) {
    const { width, height } = figure.view.grid;
    const pieces = [
      [top, Math.min(0, bottom), left, right], [Math.max(height, top), bottom, left, right],
      [Math.max(0, top), Math.min(height, bottom), left, Math.min(0, right)],
      [Math.max(0, top), Math.min(height, bottom), Math.max(width, left), right],
    ];
    return pieces.filter(([a, b, c, d]) => a < b && c < d).map(([a, b, c, d]) =>
      this.#rect(figure, /** @type {any} */ (figure.view.rowsBox(channel, a, b, c, d)), "padding"));
  }

  /**
   * Boxes of a window, one a map that is drawn.
   * @param {import("./strip.js").Figure} figure
   * @param {any} box
   */
  #windows({ node, view }, box) {
    const [[top, bottom], [left, right]] = [box.rows, box.columns];
    return channelsIn(box, node.shape).map((channel) => view.rowsBox(channel, top, bottom, left, right)).filter((each) => each !== null);
  }

  /** Box of a canvas in the strip. @param {import("./mapview.js").MapView} view */
  #origin(view) {
    let found = this.origins.get(view);
    if (!found) {
      const box = view.canvas.getBoundingClientRect();
      const frame = this.strip.inner.getBoundingClientRect();
      found = { x: box.left - frame.left, y: box.top - frame.top, width: box.width, height: box.height };
      this.origins.set(view, found);
    }
    return found;
  }

  /**
   * @param {import("./strip.js").Figure} figure
   * @param {import("./mapview.js").Box} box
   * @param {string} name
   */
  #rect(figure, box, name) {
    const start = this.#origin(figure.view);
    const grow = name.includes("cell") ? 1.5 : 0.5;
    return svg("rect", {
      class: name, x: start.x + box.x - grow, y: start.y + box.y - grow, width: box.width + 2 * grow, height: box.height + 2 * grow,
    });
  }
}

/**
 * Return the smallest box around boxes.
 * @param {import("./mapview.js").Box[]} boxes
 * @returns {import("./mapview.js").Box|null}
 */
function around(boxes) {
  if (!boxes.length) return null;
  const [x, y] = [Math.min(...boxes.map((box) => box.x)), Math.min(...boxes.map((box) => box.y))];
  return { x, y, width: Math.max(...boxes.map((box) => box.x + box.width)) - x, height: Math.max(...boxes.map((box) => box.y + box.height)) - y };
}
