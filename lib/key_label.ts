/**
 * Names the proxy keys of clients in figures, without showing them.
 * @module
 */

import { readClientKeys } from "./auth.ts";

/** `key 2` for the second key of PROXY_API_KEYS; undefined if the client sent none of them. */
export function findKeyLabel(
  headers: Headers,
  proxyApiKeys: readonly string[],
): string | undefined {
  const sent = readClientKeys(headers);
  const index = proxyApiKeys.findIndex((key) => sent.includes(key));
  return index === -1 ? undefined : `key ${index + 1}`;
}
