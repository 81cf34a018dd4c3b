/**
 * Turns and content blocks of requests, in the words of the client's side.
 * @module
 */

/** A picture of one dot, as a PNG in base64. */
export const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** A text block, with what else it may carry. */
export function text<More extends object = object>(words: string, more?: More) {
  return { type: "text", text: words, ...more };
}

/** A turn of the user's. */
export function user(...content: unknown[]) {
  return { role: "user", content };
}

/** A turn of the model's. */
export function assistant(...content: unknown[]) {
  return { role: "assistant", content };
}
