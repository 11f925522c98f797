/**
 * Texts in Markdown, which the server sends as trees: a text, or {tag, children}. Elements are made from a list of tags; no HTML is read.
 *
 * Interface
 *   prose(trees) -> [nodes]
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
    if (tree.tag === "th") return h("th", { scope: "col" }, ...children);
    return tree.tag === "table" ? h("div", { class: "table-scroll" }, h("table", { class: "prose-table" }, ...children)) : h(tree.tag, {}, ...children);
  });
}
