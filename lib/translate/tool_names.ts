/**
 * Replaces tool names that upstream does not accept, and restores them in the response.
 * Aliases depend only on the names, so that a conversation has the same bytes in every request.
 * @module
 */

/** Function names that OpenAI-compatible upstreams accept. */
const UPSTREAM_NAME = /^[a-zA-Z0-9_-]{1,64}$/;
const HASH_LENGTH = 8;

/** The tool names of one request, in both spellings. */
export class ToolNames {
  readonly #upstream = new Map<string, string>();
  readonly #original = new Map<string, string>();

  /** Pairs the names. @param names every tool name in the request: tools, history, tool choice */
  constructor(names: Iterable<string>) {
    const all = new Set(names);
    // Valid names first: an alias must not collide with one of them.
    for (const name of all) if (UPSTREAM_NAME.test(name)) this.#pair(name, name);
    for (const name of all) if (!this.#upstream.has(name)) this.#pair(name, this.#alias(name));
  }

  /** The client's name → the name sent upstream. */
  toUpstream(name: string): string {
    return this.#upstream.get(name) ?? name;
  }

  /** The name upstream used → the client's name; a name the model invented is kept. */
  toClient(name: string): string {
    return this.#original.get(name) ?? name;
  }

  /** Whether a name was sent upstream; true for any name if the request had no tools. */
  isUpstream(name: string): boolean {
    return this.#original.size === 0 || this.#original.has(name);
  }

  #alias(name: string): string {
    const readable = name.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64 - HASH_LENGTH - 1);
    for (let salt = 0;; salt++) {
      const alias = `${readable}_${hashText(`${salt}${name}`)}`;
      if (!this.#original.has(alias)) return alias;
    }
  }

  #pair(original: string, upstream: string): void {
    this.#upstream.set(original, upstream);
    this.#original.set(upstream, original);
  }
}

/** FNV-1a over UTF-16 units, 32 bits as 8 hex digits. Not for security. */
export function hashText(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(HASH_LENGTH, "0");
}
