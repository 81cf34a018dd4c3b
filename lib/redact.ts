/**
 * Takes secrets out of text that leaves the program.
 * @module
 */

const MASK = "[redacted]";
/** Shorter ones would black out ordinary words; no real key is that short. */
const SHORTEST = 6;

/** A function that replaces every occurrence of the given secrets. Linear in the text. */
export function createRedactor(secrets: readonly string[]): (text: string) => string {
  const worth = [...new Set(secrets)]
    .filter((secret) => secret.length >= SHORTEST)
    // The same secret as it stands inside a JSON string.
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
    .sort((a, b) => b.length - a.length);
  return (text) => worth.reduce((result, secret) => result.replaceAll(secret, MASK), text);
}
