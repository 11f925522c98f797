/**
 * Places of numbers: "conv2[12,10,3]", "logits[3]", "input[5,7,0]", "conv1.W[1,2,0,5]", "d loss / d conv1[3,4,0]".
 *
 * Interface
 *   parsePlace(text)                 -> {gradient, room, index}
 *   find(network, text)              -> Found: the node or array of a place, or null if the network has no such place
 *   placeAt(network, room, offset, gradient)   the place of a number of a node or an array, from its offset
 *   roomOf(network, node)            name of a node in a place: "input", "logits", or its title
 *   turned(text, gradient)           the same place as an activation or as a gradient
 *   mapsOf(shape), channelsOf(shape) number of maps of an activation, of an array; channelsIn(box, shape): the maps of a box of a reach
 *
 * @typedef {{key: string, title: string, shape: number[]}} ArrayInfo
 * @typedef {{name: string, title: string, mark: string, kind: string, reads: string[], shape: number[], settings: Record<string, any>,
 *   arrays: ArrayInfo[], column: number}} NodeInfo
 * @typedef {{source: string, title: string, seed: number, trained: boolean, weights: number, dtype: string, classes: string[],
 *   named_classes: boolean, input_shape: number[], raw_shape: number[]|null, fits_data: boolean, test_images: number,
 *   nodes: NodeInfo[], logits: string, outputs: string[]}} NetworkInfo
 * @typedef {{kind: "node"|"weight"|"probability"|"loss", node: NodeInfo|null, array: ArrayInfo|null, shape: number[],
 *   index: number[], offset: number, channel: number, gradient: boolean, room: string, text: string}} Found
 */

const GRADIENT = "d loss / d ";

/** @param {string} text */
export function parsePlace(text) {
  const gradient = text.startsWith(GRADIENT);
  const rest = gradient ? text.slice(GRADIENT.length) : text;
  const match = /^([^[\]]+)(?:\[([\d,\s]+)\])?$/.exec(rest);
  if (!match) return null;
  return { gradient, room: match[1].trim(), index: match[2] ? match[2].split(",").map(Number) : [] };
}

/**
 * The image as a node, so that the page treats it like the others.
 * @param {NetworkInfo} network
 * @returns {NodeInfo}
 */
export const inputNode = (network) => ({
  name: "input", title: "input", mark: "", kind: "Input", reads: [], shape: network.input_shape, settings: {}, arrays: [], column: 0,
});

/**
 * @param {NetworkInfo} network
 * @param {string} room
 * @returns {NodeInfo|null}
 */
export function nodeOf(network, room) {
  if (room === "input") return inputNode(network);
  const name = room === "logits" ? network.logits : room;
  return network.nodes.find((node) => node.title === name) ?? network.nodes.find((node) => node.name === name) ?? null;
}

/**
 * @param {NetworkInfo} network
 * @param {NodeInfo} node
 */
export const roomOf = (network, node) => (node.name === network.logits ? "logits" : node.title);

/** @param {number} offset @param {number[]} shape */
export function unravel(offset, shape) {
  const index = [];
  let rest = offset;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  return index;
}

/** @param {number[]} index @param {number[]} shape */
export const ravel = (index, shape) => index.reduce((offset, i, axis) => offset * shape[axis] + i, 0);

/** @param {number[]} shape */
export const size = (shape) => shape.reduce((a, b) => a * b, 1);

/** Number of maps of an array: its axes after the first two; for a matrix, its columns. @param {number[]} shape */
export const channelsOf = (shape) => (shape.length === 1 ? 1 : size(shape.slice(shape.length === 2 ? 1 : 2)));

/** Number of maps of an activation: a matrix, such as the rows of tokens, is one map. @param {number[]} shape */
export const mapsOf = (shape) => (shape.length < 3 ? 1 : channelsOf(shape));

/**
 * Return the maps in which a box of a reach lies; axes after the third are counted through.
 * @param {{channels: [number, number], spans?: [number, number][]|null}} box
 * @param {number[]} shape
 * @returns {number[]}
 */
export function channelsIn({ channels: [first, end], spans }, shape) {
  const all = Array.from({ length: end - first }, (_, i) => first + i);
  const later = shape.length > 3 ? spans?.slice(2) : null;
  return later ? all.filter((channel) => unravel(channel, shape.slice(2)).every((i, axis) => i >= later[axis][0] && i < later[axis][1])) : all;
}

/**
 * @param {NetworkInfo|null} network
 * @param {string|null} text
 * @returns {Found|null}
 */
export function find(network, text) {
  const place = text && network && parsePlace(text);
  if (!place || !network) return null;
  const found = { ...place, text, node: null, array: null, offset: 0, channel: 0 };
  if (place.room === "loss") return place.index.length ? null : { ...found, kind: "loss", shape: [] };
  const node = nodeOf(network, place.room);
  const array = node ? null : arrayOf(network, place.room);
  const isProbability = place.room === "probability";
  const shape = isProbability ? [network.classes.length] : node?.shape ?? array?.array.shape;
  if (!shape || place.index.length !== shape.length || place.index.some((i, axis) => i >= shape[axis])) return null;
  const offset = ravel(place.index, shape);
  const where = { ...found, shape, offset, channel: shape.length === 1 ? 0 : offset % (node ? mapsOf : channelsOf)(shape) };
  if (isProbability) return { ...where, kind: "probability" };
  return node ? { ...where, kind: "node", node } : { ...where, kind: "weight", node: array?.node ?? null, array: array?.array ?? null };
}

/**
 * @param {NetworkInfo} network
 * @param {string} room
 */
function arrayOf(network, room) {
  for (const node of network.nodes) {
    const array = node.arrays.find(({ title, key }) => title === room || key === room);
    if (array) return { node, array };
  }
  return null;
}

/**
 * @param {string} room
 * @param {number[]} shape
 * @param {number} offset
 */
export function placeAt(room, shape, offset, gradient = false) {
  return `${gradient ? GRADIENT : ""}${room}[${unravel(offset, shape).join(",")}]`;
}

/**
 * Return the place of the same number as an activation or as a gradient. Probabilities and the loss have no gradient.
 * @param {string|null} text
 * @param {boolean} gradient
 */
export function turned(text, gradient) {
  if (!text || text.startsWith("probability") || text === "loss") return text;
  const plain = text.replace(GRADIENT, "");
  return gradient ? GRADIENT + plain : plain;
}
