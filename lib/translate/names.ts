/**
 * Names and ids that one side accepts and the other does not: tool names out, tool call ids both ways.
 * Everything here is a pure function of its input, so that a conversation looks the same in every request.
 * @module
 */

/** What OpenAI-compatible upstreams accept as a function name. */
const UPSTREAM_NAME = /^[a-zA-Z0-9_-]{1,64}$/;
/** What Anthropic accepts as a tool call id. */
const CALL_ID = /^[a-zA-Z0-9_-]{1,128}$/;
const HASH_LENGTH = 8;

/** The tool names of one request, in both spellings. */
export class ToolNames {
  readonly #upstream = new Map<string, string>();
  readonly #original = new Map<string, string>();

  /** Pairs the names. @param names every tool name the request mentions: tools, history, tool choice */
  constructor(names: Iterable<string>) {
    const all = new Set(names);
    // Names that travel as they are come first: a replaced one must not take their place.
    for (const name of all) if (UPSTREAM_NAME.test(name)) this.#pair(name, name);
    for (const name of all) if (!this.#upstream.has(name)) this.#pair(name, this.#alias(name));
  }

  /** The client's name → the name sent upstream. */
  toUpstream(name: string): string {
    return this.#upstream.get(name) ?? name;
  }

  /** A name upstream used → the client's; a name that upstream made up stays. */
  toClient(name: string): string {
    return this.#original.get(name) ?? name;
  }

  /** Whether a name is one that was sent upstream; any is, where none was sent. */
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

/**
 * The ids of the tool calls in one conversation. Some models number their calls anew in every answer
 * ("call_0"), or use characters that Anthropic's clients refuse later ("functions.Bash:0").
 */
export class CallIds {
  readonly #taken: Set<string>;
  /** Where the search for a free number goes on: from 2 each time, many calls of one id would be quadratic. */
  readonly #numbers = new Map<string, number>();

  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  /** A valid id that no call of the conversation has yet: the wished one where possible. */
  claim(wished: string): string {
    const valid = CALL_ID.test(wished) ? wished : toCallId(wished);
    let id = valid;
    let n = this.#numbers.get(valid) ?? 2;
    for (; this.#taken.has(id); n++) id = `${valid}_${n}`;
    this.#numbers.set(valid, n);
    this.#taken.add(id);
    return id;
  }
}

function toCallId(id: string): string {
  return `${id.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, 100)}_${hashText(id)}`;
}

/** FNV-1a over UTF-16 units, 32 bits as 8 hex digits: short, stable, no security asked of it. */
function hashText(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(HASH_LENGTH, "0");
}
