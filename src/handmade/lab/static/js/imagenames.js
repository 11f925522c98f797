/**
 * Names of images for the line below the board.
 *
 * Interface
 *   nameFile(pixels, name)          remembers the name of the picture file that gave these pixels
 *   imageName(choice, isDrawn)      "Test image 8", "Your drawing", "Picture cat.png", or "Image" for pixels from elsewhere, such as a link
 */
import { text } from "./text.js";

const MOST = 200; // names that are remembered

/** @type {Map<string, string>} */
const files = new Map();

/**
 * @param {string} pixels
 * @param {string} name
 */
export function nameFile(pixels, name) {
  files.set(pixels, name);
  if (files.size > MOST) files.delete(files.keys().next().value ?? "");
}

/**
 * @param {{split: string, index: number}|{pixels: string}|null|undefined} choice
 * @param {boolean} isDrawn
 */
export function imageName(choice, isDrawn) {
  if (choice && "index" in choice) return text(`board.${choice.split}`, { n: choice.index });
  const file = files.get(choice?.pixels ?? "");
  return file ? text("board.picture", { name: file }) : text(isDrawn ? "board.drawing" : "board.image");
}
