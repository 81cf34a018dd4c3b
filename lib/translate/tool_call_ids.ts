/**
 * Tool call ids, in both directions. Clients accept fewer characters than some models use ("functions.Bash:0"),
 * and some models number their calls anew in every answer ("call_0"); what a client gets for such an id holds
 * the original, so that the model sees its own id again. Pure functions of the conversation: the same history
 * has the same ids in every request.
 * @module
 */

import { hashText } from "./tool_names.ts";

/** What Anthropic accepts as a tool call id. */
const CALL_ID = /^[a-zA-Z0-9_-]{1,128}$/;
/** An id that holds another: how often that one has been used, then its characters. */
const ENCODED = /^or(\d{0,6})-((?:[a-zA-Z0-9_]|-[0-9a-f]{2}){1,128})$/;
const MAX_LENGTH = 128;
const MAX_READABLE = 100;

/** The ids that clients see: valid, unique in the conversation, and reversible by {@linkcode toUpstreamId}. */
export class ClientCallIds {
  readonly #taken = new Set<string>();
  /** Ids without the number at their end: Claude Code takes `X_2` for a part of the call `X`. */
  readonly #stems = new Set<string>();
  /** Where the search for a free number goes on: from the start each time would be quadratic. */
  readonly #numbers = new Map<string, number>();

  /** @param taken the ids of the calls that the conversation already has */
  constructor(taken: Iterable<string> = []) {
    for (const id of taken) this.#take(id);
  }

  /** The id for a new call: upstream's own where it is valid and free, else one that holds it. */
  claim(upstreamId: string): string {
    if (CALL_ID.test(upstreamId) && !ENCODED.test(upstreamId) && this.#isFree(upstreamId)) {
      return this.#take(upstreamId);
    }
    let n = this.#numbers.get(upstreamId) ?? 1;
    let id = encode(upstreamId, n);
    while (!this.#isFree(id)) id = encode(upstreamId, ++n);
    this.#numbers.set(upstreamId, n + 1);
    return this.#take(id);
  }

  #isFree(id: string): boolean {
    return !this.#taken.has(id) && !this.#stems.has(id) && !this.#taken.has(stemOf(id));
  }

  #take(id: string): string {
    this.#taken.add(id);
    const stem = stemOf(id);
    if (stem !== "") this.#stems.add(stem);
    return id;
  }
}

/** The ids that upstream sees: its own again, each of them once in the conversation. */
export class UpstreamCallIds {
  readonly #toUpstream: (clientId: string) => string;
  readonly #taken = new Set<string>();
  readonly #numbers = new Map<string, number>();

  /** @param options `isStrict`: the model accepts the characters of Anthropic's ids only */
  constructor({ isStrict }: { isStrict: boolean }) {
    this.#toUpstream = isStrict ? toValidId : toUpstreamId;
  }

  /** `original`: the id as upstream gave it; `id`: the one to send, which differs where that is in use. */
  claim(clientId: string): { id: string; original: string } {
    const original = this.#toUpstream(clientId);
    let id = original;
    if (this.#taken.has(id)) {
      // In the form that the model itself would use next: Kimi reads the number after the colon.
      const { head, number } = splitNumber(original);
      let n = this.#numbers.get(head) ?? number + 1;
      for (; this.#taken.has(head + n); n++);
      this.#numbers.set(head, n + 1);
      id = head + n;
    }
    this.#taken.add(id);
    return { id, original };
  }
}

/** The upstream id inside a client's; a client's own id where it holds none. */
export function toUpstreamId(clientId: string): string {
  const escaped = ENCODED.exec(clientId)?.[2];
  return (escaped === undefined ? null : unescapeId(escaped)) ?? clientId;
}

function toValidId(id: string): string {
  return CALL_ID.test(id) ? id : hashId(id);
}

function encode(upstreamId: string, n: number): string {
  const prefix = `or${n === 1 ? "" : n}-`;
  const isHeld = upstreamId.length <= MAX_LENGTH && upstreamId.isWellFormed();
  const escaped = isHeld ? escapeId(upstreamId) : "";
  if (escaped !== "" && prefix.length + escaped.length <= MAX_LENGTH) return prefix + escaped;
  // Too long to be held, or not text: such an id stays in its short form in both directions.
  return n === 1 ? hashId(upstreamId) : `${hashId(upstreamId)}_r${n}`;
}

/** Bytes that an id may not have become `-xx`, and so does an underscore before a number at the end. */
function escapeId(id: string): string {
  const stem = stemOf(id);
  let escaped = "";
  let at = 0;
  for (const char of id) {
    const isPlain = /[a-zA-Z0-9_]/.test(char) && !(stem !== "" && at === stem.length);
    escaped += isPlain ? char : escapeBytes(char);
    at += char.length;
  }
  return escaped;
}

function escapeBytes(char: string): string {
  const bytes = [...new TextEncoder().encode(char)];
  return bytes.map((byte) => `-${byte.toString(16).padStart(2, "0")}`).join("");
}

/** The original; null where the bytes are not UTF-8, and so not of our making. */
function unescapeId(escaped: string): string | null {
  const bytes = new Uint8Array(escaped.length);
  let length = 0;
  for (let at = 0; at < escaped.length; at++) {
    const isEscape = escaped[at] === "-";
    bytes[length++] = isEscape
      ? parseInt(escaped.slice(at + 1, at + 3), 16)
      : escaped.charCodeAt(at);
    if (isEscape) at += 2;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length));
  } catch {
    return null;
  }
}

/** `X` for `X_<digits>`; "" for every other id. */
function stemOf(id: string): string {
  let at = id.length;
  while (at > 0 && isDigit(id[at - 1])) at--;
  return at < id.length && at > 1 && id[at - 1] === "_" ? id.slice(0, at - 1) : "";
}

/** `call_7` → `call_` and 7; an id without a number gets one behind `_r`. */
function splitNumber(id: string): { head: string; number: number } {
  let at = id.length;
  while (at > 0 && id.length - at < 9 && isDigit(id[at - 1])) at--;
  const isCounted = at < id.length && at > 0 && /[_:.-]/.test(id[at - 1] ?? "");
  return isCounted
    ? { head: id.slice(0, at), number: Number(id.slice(at)) }
    : { head: `${id}_r`, number: 1 };
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= "0" && char <= "9";
}

function hashId(id: string): string {
  return `${id.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, MAX_READABLE)}_h${hashText(id)}`;
}
