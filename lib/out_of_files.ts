/**
 * Recognises that this process has too many files open (EMFILE): each connection is one. The runtime tells it only in
 * the text of an error, or of its cause.
 * @module
 */

/** Whether an error of `fetch` or `Deno.serve` comes from the limit of open files. */
export function isOutOfFiles(error: unknown): boolean {
  return error instanceof Error && /os error 24\b/.test(`${error.message} ${error.cause}`);
}
