/**
 * Any part of the page as SVG or PNG: text, boxes, maps and outlines as they are shown; of a part that scrolls, what is seen of it.
 *
 * Interface
 *   pictureOf(element) -> SVG text; save(element, "svg"|"png", name); openExport(lab): asks what and how
 */
import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { text } from "./text.js";

const PARTS = [["strip", "export.strip"], ["panel", "export.panel"], ["answer", "export.answer"], ["board", "export.board"], ["lab", "export.all"]];
const COPIED = ["stroke", "stroke-width", "stroke-dasharray", "fill", "opacity", "fill-opacity"];

const escaped = (/** @type {string} */ words) => words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
const round = (/** @type {number} */ x) => Math.round(x * 100) / 100;
const visible = (/** @type {string} */ colour) => colour && colour !== "transparent" && !/rgba?\(.*[,/] ?0\)$/.test(colour);

/**
 * @param {HTMLElement} root
 * @returns {{markup: string, width: number, height: number}}
 */
export function pictureOf(root) {
  const frame = root.getBoundingClientRect();
  const width = Math.ceil(Math.max(root.scrollWidth, frame.width));
  const height = Math.ceil(Math.max(root.scrollHeight, frame.height));
  const origin = { x: frame.left - root.scrollLeft, y: frame.top - root.scrollTop };
  /** @type {string[]} */
  const pieces = [`<rect width="${width}" height="${height}" fill="${getComputedStyle(document.body).backgroundColor}"/>`];
  let clipped = 0;
  const walk = (/** @type {Element} */ element) => {
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (style.display === "none" || style.visibility === "hidden" || style.clipPath !== "none" || element.classList.contains("hidden-text")) return;
    if (element instanceof SVGSVGElement) {
      pieces.push(overlayOf(element, box.left - origin.x, box.top - origin.y));
      return;
    }
    if (element instanceof HTMLCanvasElement) {
      if (box.width && element.width) {
        pieces.push(`<image x="${round(box.left - origin.x)}" y="${round(box.top - origin.y)}" width="${round(box.width)}" height="${round(box.height)}" preserveAspectRatio="none" image-rendering="${style.imageRendering}" href="${element.toDataURL()}"/>`);
      }
      return;
    }
    pieces.push(boxOf(style, box, origin));
    if (element instanceof HTMLSelectElement) {
      const size = parseFloat(style.fontSize);
      pieces.push(textAt(box.left - origin.x + 6, (box.top + box.bottom) / 2 - origin.y + size * 0.35, size, style, element.selectedOptions[0]?.textContent ?? ""));
      return;
    }
    if (element instanceof HTMLInputElement && ["number", "text"].includes(element.type)) {
      const size = parseFloat(style.fontSize);
      pieces.push(textAt(box.left - origin.x + 8, (box.top + box.bottom) / 2 - origin.y + size * 0.35, size, style, element.value || element.placeholder));
      return;
    }
    if (element instanceof HTMLInputElement) pieces.push(inputOf(element, style, box, origin));
    const clips = element !== root && /hidden|clip|auto|scroll/.test(`${style.overflowX} ${style.overflowY}`);
    if (clips) {
      clipped += 1;
      pieces.push(`<clipPath id="clip${clipped}"><rect x="${round(box.left - origin.x)}" y="${round(box.top - origin.y)}" width="${round(box.width)}" height="${round(box.height)}"/></clipPath><g clip-path="url(#clip${clipped})">`);
    }
    if (element.matches("summary")) pieces.push(markerOf(element, style, box, origin));
    for (const child of element.childNodes) {
      if (child instanceof Element) walk(child);
      else if (child instanceof Text) pieces.push(...textOf(child, style, origin));
    }
    if (clips) pieces.push("</g>");
  };
  walk(root);
  const markup = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${pieces.join("")}</svg>`;
  return { markup, width, height };
}

/**
 * @param {CSSStyleDeclaration} style
 * @param {DOMRect} box
 * @param {{x: number, y: number}} origin
 */
function boxOf(style, box, origin) {
  const border = parseFloat(style.borderTopWidth) > 0 && style.borderTopStyle !== "none" && style.borderLeftStyle !== "none" && visible(style.borderTopColor);
  const [left, top] = [box.left - origin.x, box.top - origin.y];
  const line = (/** @type {number} */ y, /** @type {string} */ colour, /** @type {number} */ width, dash = "") =>
    `<line x1="${round(left)}" x2="${round(left + box.width)}" y1="${round(y)}" y2="${round(y)}" stroke="${colour}" stroke-width="${width}"${dash}/>`;
  if (style.backgroundImage.startsWith("repeating-linear-gradient")) return line(top + box.height / 2, style.getPropertyValue("--colour"), box.height, ' stroke-dasharray="5 3"');
  const under = parseFloat(style.borderBottomWidth);
  if (!border && under > 0 && style.borderBottomStyle !== "none" && visible(style.borderBottomColor)) {
    const filled = visible(style.backgroundColor) ? `<rect x="${round(left)}" y="${round(top)}" width="${round(box.width)}" height="${round(box.height)}" fill="${style.backgroundColor}"/>` : "";
    return filled + line(top + box.height - under / 2, style.borderBottomColor, under);
  }
  if (!visible(style.backgroundColor) && !border) return "";
  const dashes = style.borderTopStyle === "dashed" ? ' stroke-dasharray="4 3"' : "";
  return `<rect x="${round(left)}" y="${round(top)}" width="${round(box.width)}" height="${round(box.height)}" rx="${parseFloat(style.borderTopLeftRadius) || 0}" fill="${visible(style.backgroundColor) ? style.backgroundColor : "none"}"${border ? ` stroke="${style.borderTopColor}"${dashes}` : ""}/>`;
}

/**
 * A slider, or a box with its tick.
 * @param {HTMLInputElement} input
 * @param {CSSStyleDeclaration} style
 * @param {DOMRect} box
 * @param {{x: number, y: number}} origin
 */
function inputOf(input, style, box, origin) {
  const [left, middle] = [box.left - origin.x, (box.top + box.bottom) / 2 - origin.y];
  const colour = style.accentColor === "auto" ? style.color : style.accentColor;
  if (input.type === "range") {
    const share = (Number(input.value) - Number(input.min)) / (Number(input.max) - Number(input.min));
    return `<rect x="${round(left)}" y="${round(middle - 3)}" width="${round(box.width)}" height="6" rx="3" fill="${colour}" fill-opacity="0.4"/><circle cx="${round(left + 8 + share * (box.width - 16))}" cy="${round(middle)}" r="8" fill="${colour}"/>`;
  }
  if (input.type !== "checkbox") return "";
  return `<rect x="${round(left)}" y="${round(box.top - origin.y)}" width="${round(box.width)}" height="${round(box.height)}" rx="2" fill="${input.checked ? colour : "none"}" stroke="${style.color}"/>${
    input.checked ? `<path d="M${round(left + box.width * 0.22)} ${round(middle)} l${round(box.width * 0.2)} ${round(box.width * 0.22)} l${round(box.width * 0.38)} ${round(-box.width * 0.42)}" fill="none" stroke="#fff" stroke-width="2"/>` : ""}`;
}

/**
 * The triangle before a summary.
 * @param {Element} summary
 * @param {CSSStyleDeclaration} style
 * @param {DOMRect} box
 * @param {{x: number, y: number}} origin
 */
function markerOf(summary, style, box, origin) {
  const [x, y] = [box.left - origin.x + 1, (box.top + box.bottom) / 2 - origin.y];
  const points = summary.parentElement?.hasAttribute("open") ? `${x},${y - 4} ${x + 10},${y - 4} ${x + 5},${y + 5}` : `${x},${y - 5} ${x + 9},${y} ${x},${y + 5}`;
  return `<polygon points="${points}" fill="${style.color}"/>`;
}

/**
 * @param {Text} node
 * @param {CSSStyleDeclaration} style
 * @param {{x: number, y: number}} origin
 */
function textOf(node, style, origin) {
  if (!node.data.trim()) return [];
  const range = document.createRange();
  /** @type {{top: number, left: number, bottom: number, words: string}[]} */
  const lines = [];
  for (const match of node.data.matchAll(/\S+\s*/g)) {
    range.setStart(node, match.index);
    range.setEnd(node, match.index + match[0].trimEnd().length);
    const box = range.getBoundingClientRect();
    if (!box.width) continue;
    const last = lines.at(-1);
    if (last && Math.abs(last.top - box.top) < 2) last.words += ` ${match[0].trimEnd()}`;
    else lines.push({ top: box.top, left: box.left, bottom: box.bottom, words: match[0].trimEnd() });
  }
  const size = parseFloat(style.fontSize);
  return lines.map(({ top, bottom, left, words }) => textAt(left - origin.x, (top + bottom) / 2 + size * 0.35 - origin.y, size, style, words));
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} size
 * @param {CSSStyleDeclaration} style
 * @param {string} words
 */
function textAt(x, y, size, style, words) {
  return `<text x="${round(x)}" y="${round(y)}" font-family="${escaped(style.fontFamily)}" font-size="${size}" font-weight="${style.fontWeight}" fill="${style.color}">${escaped(words)}</text>`;
}

/**
 * @param {SVGSVGElement} element
 * @param {number} x
 * @param {number} y
 */
function overlayOf(element, x, y) {
  const copy = /** @type {SVGSVGElement} */ (element.cloneNode(true));
  const [from, to] = [element, copy].map((each) => [...each.querySelectorAll("rect, line, path")]);
  from.forEach((each, i) => {
    const style = getComputedStyle(each);
    for (const name of COPIED) to[i].setAttribute(name, style.getPropertyValue(name));
  });
  return `<g transform="translate(${round(x)} ${round(y)})">${copy.innerHTML}</g>`;
}

/**
 * @param {HTMLElement} element
 * @param {"svg"|"png"} kind
 * @param {string} name
 */
export async function save(element, kind, name) {
  const { markup, width, height } = pictureOf(element);
  const svg = new Blob([markup], { type: "image/svg+xml" });
  const blob = kind === "svg" ? svg : await rasterised(svg, width, height);
  if (!blob) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${name}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/**
 * @param {Blob} svg
 * @param {number} width
 * @param {number} height
 * @returns {Promise<Blob|null>}
 */
async function rasterised(svg, width, height) {
  const image = new Image();
  image.src = URL.createObjectURL(svg);
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = 2 * width;
  canvas.height = 2 * height;
  canvas.getContext("2d")?.drawImage(image, 0, 0, 2 * width, 2 * height);
  URL.revokeObjectURL(image.src);
  return new Promise((done) => canvas.toBlob(done));
}

/** @param {any} lab */
export function openExport(lab) {
  const title = (lab.data.network?.title ?? "lab").replace(/\W+/g, "-");
  const row = (/** @type {string[]} */ [id, key]) => h("tr", {}, h("th", { scope: "row", t: key }), h("td", {}, ...["png", "svg"].map((kind) => h("button", {
    type: "button", class: "button", data: { testid: `export-${id}-${kind}` }, on: { click: () => {
      const element = document.getElementById(id);
      if (element) save(element, /** @type {"png"|"svg"} */ (kind), `${title}-${id}`).catch(() => lab.status.say(text("export.failed")));
    } },
  }, kind.toUpperCase()))));
  openDialog({ title: "export.title", body: [h("table", { class: "exports" }, h("tbody", {}, ...PARTS.map(row)))] });
}
