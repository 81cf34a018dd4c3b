/**
 * The rough measure where nobody has counted tokens.
 * @module
 */

/** English prose and code come to about four characters a token. */
export const CHARS_PER_TOKEN = 4;
