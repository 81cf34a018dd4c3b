/**
 * Takes secrets out of text that leaves the program.
 * @module
 */

const MASK = "[redacted]";
/** Shorter ones would black out ordinary words; no real key is that short. */
const SHORTEST = 6;
/** From this length on a token without the form of a key is no ordinary word: `anthropic` is one. */
const SHORTEST_TOKEN = 16;

/** The keys of a configuration. */
export interface HeldKeys {
  readonly openrouterApiKey: string | null;
  readonly proxyApiKeys: readonly string[];
}

/** The configured keys in every form in which they may come back: as they are, and in base64. */
export function listSecrets({ openrouterApiKey, proxyApiKeys }: HeldKeys): string[] {
  return [openrouterApiKey ?? "", ...proxyApiKeys].flatMap((key) => [key, ...encodeBase64(key)]);
}

/** Whether a client's token is worth hiding. Many clients send a word: hiding it would garble names of models. */
export function looksLikeKey(token: string): boolean {
  return token.startsWith("sk-") || token.length >= SHORTEST_TOKEN;
}

/** A function that replaces every occurrence of the given secrets. Linear in the text. */
export function createRedactor(secrets: readonly string[]): (text: string) => string {
  const forms = secrets.filter((secret) => secret.length >= SHORTEST)
    // The same secret as it stands inside a JSON string.
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  const worth = [...new Set(forms)].sort((a, b) => b.length - a.length);
  return (text) => worth.reduce((result, secret) => result.replaceAll(secret, MASK), text);
}

/**
 * A key in base64, whole and as a part of a longer text (`user:key`): its bytes may begin at any of three places of a
 * group, and only the letters that depend on nothing else are known. Both alphabets.
 */
function encodeBase64(key: string): string[] {
  // Settings take no other keys; `btoa` would throw at some.
  if (!/^[\x21-\x7e]+$/.test(key)) return [];
  const parts = [0, 1, 2].map((offset) => {
    const from = Math.ceil(offset * 8 / 6);
    const to = Math.floor((offset + key.length) * 8 / 6);
    return btoa("\0".repeat(offset) + key).slice(from, to);
  });
  const toUrlForm = (text: string) => text.replaceAll("+", "-").replaceAll("/", "_");
  return [btoa(key), ...parts].flatMap((text) => [text, toUrlForm(text)]);
}
