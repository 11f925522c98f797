/**
 * Elements.
 *
 * Interface
 *   h("button", {class: "x", t: "key", label: "key", data: {node: "0"}, on: {click: fn}, disabled: true}, child, ...)
 *     t: text key of the content; label: text key of the name (aria-label and title); both follow a change of language
 *   svg("rect", {x: 1})      an SVG element
 *   byId("strip")            an element that exists
 */
import { text } from "./text.js";

/**
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node|string|null|undefined|false)} children
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "t") {
      element.dataset.text = value;
      element.textContent = text(value);
    } else if (name === "label") {
      element.dataset.label = value;
      element.setAttribute("aria-label", text(value));
      element.title = text(value);
    } else if (name === "data") {
      Object.assign(element.dataset, value);
      if (value.hint) element.title = text(value.hint);
    } else if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child || child === "") element.append(child);
  return element;
}

/**
 * @param {string} tag
 * @param {Record<string, string|number>} [attributes]
 * @param {...Node} children
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no element ${id}`);
  return element;
}
