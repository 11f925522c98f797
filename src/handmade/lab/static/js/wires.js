/**
 * Lines between the maps of the strip: from every node to its readers. Those to the next column are curves; those that skip columns run
 * below all maps and legends.
 *
 * Interface
 *   wiresOf(strip) -> SVG paths, in pixels of strip.inner
 */
import { svg } from "./dom.js";

const ROUND = 4; // radius of a corner
const APART = 7; // pixels between lines below the maps
const INSIDE = 8; // pixels from the last letter of a column to its side
const MARGIN = 4; // below the strip

/** @param {import("./strip.js").Strip} strip */
export function wiresOf(strip) {
  const { inner, figures } = strip;
  const frame = inner.getBoundingClientRect();
  const boxOf = (/** @type {Element} */ element) => {
    const box = element.getBoundingClientRect();
    return { left: box.left - frame.left, right: box.right - frame.left, top: box.top - frame.top, bottom: box.bottom - frame.top, height: box.height };
  };
  const boxes = new Map([...figures].map(([name, { node, element, view }]) =>
    [name, { at: node.column, own: boxOf(element), map: boxOf(view.canvas), column: boxOf(/** @type {Element} */ (element.parentElement)) }]));
  const pairs = [...figures.values()].flatMap(({ node }) => node.reads.map((name) => ({ a: boxes.get(name), b: boxes.get(node.name) })));
  let far = 0;
  const paths = pairs.flatMap(({ a, b }) => {
    if (!a || !b) return [];
    const [y1, y2] = [a, b].map(({ map }) => map.top + Math.min(map.height / 2, 90));
    const [x1, x2] = [Math.max(a.map.right, a.map.left + 20) + 3, b.map.left - 3];
    const side = Math.max(a.column.right - INSIDE, x1); // of the column: titles and legends of other nodes stand before it
    if (b.at - a.at < 2) return [svg("path", { class: "wire", d: `M${x1} ${y1} H${side} C${(side + x2) / 2} ${y1} ${(side + x2) / 2} ${y2} ${x2} ${y2}` })];
    far += 1;
    const between = [...boxes.values()].filter(({ at }) => at >= a.at && at <= b.at);
    const low = Math.max(...between.map(({ own }) => own.bottom)) + APART * far;
    const [out, back] = [Math.max(a.column.right - 2, x1 + ROUND), Math.min(b.column.left + 1, x2 - ROUND)];
    return [svg("path", {
      class: "wire far",
      d: `M${x1} ${y1} H${out - ROUND} Q${out} ${y1} ${out} ${y1 + ROUND} V${low - ROUND} Q${out} ${low} ${out + ROUND} ${low} H${back - ROUND}`
        + ` Q${back} ${low} ${back} ${low - ROUND} V${y2 + ROUND} Q${back} ${y2} ${back + ROUND} ${y2} H${x2}`,
    })];
  });
  inner.style.paddingBlockEnd = `${MARGIN + APART * far}px`;
  return paths;
}
