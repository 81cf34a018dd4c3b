/**
 * Base64 both ways, for files that tests put on the disk.
 * @module
 */

/** Base64 text → bytes. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
