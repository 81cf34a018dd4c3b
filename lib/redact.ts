/**
 * Redacts secrets in text for responses, logs and the dashboard.
 * @module
 */

const MASK = "[redacted]";
/** Shorter secrets would redact ordinary words; real keys are longer. */
const MIN_SECRET_CHARS = 6;
/** Shorter tokens that do not start like a key may be ordinary words such as `anthropic`. */
const MIN_TOKEN_CHARS = 16;

/** The keys of a configuration. */
export interface ConfiguredKeys {
  readonly openrouterApiKey: string | null;
  readonly proxyApiKeys: readonly string[];
}

/** The configured keys as they are and in base64. */
export function listSecrets({ openrouterApiKey, proxyApiKeys }: ConfiguredKeys): string[] {
  return [openrouterApiKey ?? "", ...proxyApiKeys].flatMap((key) => [key, ...encodeBase64(key)]);
}

/** Whether to redact a client's token. Many clients send a word, and redacting that would garble model names. */
export function looksLikeKey(token: string): boolean {
  return token.startsWith("sk-") || token.length >= MIN_TOKEN_CHARS;
}

/** Creates a function that replaces every occurrence of the secrets, in linear time. */
export function createRedactor(secrets: readonly string[]): (text: string) => string {
  const forms = secrets.filter((secret) => secret.length >= MIN_SECRET_CHARS)
    // Also as escaped in a JSON string.
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  const longestFirst = [...new Set(forms)].sort((a, b) => b.length - a.length);
  // Nearly all texts contain none of them, which one search tells.
  const anyForm = new RegExp(longestFirst.map(escapePattern).join("|"));
  return (text) =>
    longestFirst.length > 0 && anyForm.test(text)
      ? longestFirst.reduce((result, secret) => result.replaceAll(secret, MASK), text)
      : text;
}

/** `RegExp.escape` is missing in Node 22. */
function escapePattern(text: string): string {
  return text.replace(/\W/g, "\\$&");
}

/**
 * A key in base64 and base64url, alone and as part of a longer text (`user:key`): it may start at any of the three byte
 * positions of a group, and only the characters that depend on the key alone are known.
 */
function encodeBase64(key: string): string[] {
  // The configuration allows no other keys, and `btoa` throws for some.
  if (!/^[\x21-\x7e]+$/.test(key)) return [];
  const parts = [0, 1, 2].map((offset) => {
    const from = Math.ceil(offset * 8 / 6);
    const to = Math.floor((offset + key.length) * 8 / 6);
    return btoa("\0".repeat(offset) + key).slice(from, to);
  });
  const toUrlForm = (text: string) => text.replaceAll("+", "-").replaceAll("/", "_");
  return [btoa(key), ...parts].flatMap((text) => [text, toUrlForm(text)]);
}
