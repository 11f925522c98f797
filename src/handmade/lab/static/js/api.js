/**
 * Requests to the server.
 *
 * Interface
 *   request(method, path, {json, body, signal, frame}) -> the answer (JSON or Frame); throws
 *     ApiError   the server refused: .status, .code, .message (one line in the user's language)
 *     GoneError  the server cannot be reached
 *   whenBack()   resolves when /healthz answers again
 */
import { readFrame } from "./frames.js";
import { said } from "./said.js";

export class ApiError extends Error {
  /**
   * @param {string} message in English
   * @param {number} status
   * @param {string} code
   */
  constructor(message, status, code) {
    super();
    this.words = message;
    this.status = status;
    this.code = code;
  }

  /** One line in the user's language of now. */
  get message() { return said(this.words); }
}

export class GoneError extends Error {}

/**
 * @param {string} method
 * @param {string} path
 * @param {{json?: any, body?: BodyInit, signal?: AbortSignal, frame?: boolean}} [options]
 * @returns {Promise<any>}
 */
export async function request(method, path, { json, body, signal, frame = false } = {}) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (json !== undefined) headers["Content-Type"] = "application/json";
  else if (body !== undefined) headers["Content-Type"] = "application/octet-stream";
  let response;
  try {
    response = await fetch(path, {
      method, signal, headers, credentials: "same-origin", body: json !== undefined ? JSON.stringify(json) : body,
    });
    if (response.ok) {
      if (frame) return readFrame(await response.arrayBuffer());
      return response.status === 204 ? null : await response.json();
    }
  } catch (error) {
    if (/** @type {Error} */ (error).name === "AbortError") throw error;
    throw new GoneError();
  }
  throw await refusal(response);
}

/** @param {Response} response */
async function refusal(response) {
  try {
    const { error, code } = await response.json();
    return new ApiError(String(error ?? response.statusText), response.status, code ?? "");
  } catch {
    return new ApiError(`${response.status} ${response.statusText}`, response.status, "");
  }
}

/** Wait until the server answers again. */
export async function whenBack() {
  for (;;) {
    try {
      if ((await fetch("/healthz", { cache: "no-store" })).ok) return;
    } catch { /* It is still gone. */ }
    await new Promise((done) => setTimeout(done, 1000));
  }
}
