/**
 * Frames: arrays of the server as typed arrays.
 *
 * A frame is 4 bytes (little-endian length n of the header), n bytes of JSON {"meta", "arrays"}, and the arrays, each at its
 * offset from the end of the header, aligned to 8 bytes.
 *
 * Interface
 *   readFrame(buffer) -> {meta, arrays: {name: {shape, dtype, values}}}
 *
 * @typedef {{shape: number[], dtype: string, values: Float32Array|Float64Array|Uint8Array|Int32Array}} FrameArray
 * @typedef {{meta: Record<string, any>, arrays: Record<string, FrameArray>}} Frame
 */

const TYPES = { float32: Float32Array, float64: Float64Array, uint8: Uint8Array, int32: Int32Array };

/**
 * @param {ArrayBuffer} buffer
 * @returns {Frame}
 */
export function readFrame(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  /** @type {Record<string, FrameArray>} */
  const arrays = {};
  for (const { name, shape, dtype, offset } of header.arrays) {
    const count = shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1);
    const Type = TYPES[/** @type {keyof typeof TYPES} */ (dtype)];
    arrays[name] = { shape, dtype, values: new Type(buffer, 4 + length + offset, count) };
  }
  return { meta: header.meta, arrays };
}
