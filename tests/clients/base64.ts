/**
 * Encodes and decodes base64 for files that tests write.
 * @module
 */

/** Base64 text → bytes. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
