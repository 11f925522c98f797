/**
 * Texts in Markdown, which the server sends as trees: a text, or {tag, children}. Elements are made from a list of tags; no HTML is read.
 *
 * Interface
 *   prose(trees) -> [nodes]
 *   codeLines(text) -> [elements]   lines of code; a line that is too long is continued below its own indentation
 */
import { h } from "./dom.js";

/** @typedef {string|{tag: string, children: any[]}} Tree */

const TAGS = new Set(["p", "pre", "code", "strong", "em", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td"]);

/**
 * @param {Tree[]} trees
 * @returns {(Node|string)[]}
 */
export function prose(trees) {
  return trees.map((tree) => {
    if (typeof tree === "string") return tree;
    if (!TAGS.has(tree.tag)) throw new Error(`no tag ${tree.tag}`);
    const children = prose(tree.children);
    if (tree.tag === "pre") return h("pre", {}, ...codeLines(String(tree.children[0])));
    if (tree.tag === "th") return h("th", { scope: "col" }, ...children);
    return tree.tag === "table" ? h("div", { class: "table-scroll" }, h("table", { class: "prose-table" }, ...children)) : h(tree.tag, {}, ...children);
  });
}

/** @param {string} text */
export function codeLines(text) {
  return text.split("\n").map((line) => {
    const element = h("span", { class: "code-line" }, line || "\u200b");
    const indent = line.length - line.trimStart().length + 4;
    element.style.paddingInlineStart = `${indent}ch`;
    element.style.textIndent = `-${indent}ch`;
    return element;
  });
}
