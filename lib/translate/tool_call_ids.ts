/**
 * Translates tool call ids in both directions. Some models use characters that clients do not accept
 * ("functions.Bash:0"), or restart their numbering in every response ("call_0"). Such an id is encoded in the client's
 * id, so that the model sees its own id again. Depends only on the conversation: ids are the same in every request.
 * @module
 */

import { hashText } from "./tool_names.ts";

/** Tool call ids that Anthropic accepts. */
const CALL_ID = /^[a-zA-Z0-9_-]{1,128}$/;
/** An encoded upstream id: the number of its use, then its escaped characters. */
const ENCODED = /^or(\d{0,6})-((?:[a-zA-Z0-9_]|-[0-9a-f]{2}){1,128})$/;
const MAX_LENGTH = 128;
const MAX_READABLE = 100;

/** The ids that clients see: valid, unique in the conversation, and reversible by {@linkcode toUpstreamId}. */
export class ClientCallIds {
  readonly #taken = new Set<string>();
  /** Ids without the number at their end: Claude Code treats `X_2` as a part of the call `X`. */
  readonly #stems = new Set<string>();
  /** The next number to try, by id: always starting at 1 would be quadratic. */
  readonly #numbers = new Map<string, number>();

  /** @param taken the ids of the calls already in the conversation */
  constructor(taken: Iterable<string> = []) {
    for (const id of taken) this.#reserve(id);
  }

  /** The id for a new call: upstream's own if it is valid and free, else one that encodes it. */
  claim(upstreamId: string): string {
    if (CALL_ID.test(upstreamId) && !ENCODED.test(upstreamId) && this.#isFree(upstreamId)) {
      return this.#reserve(upstreamId);
    }
    let n = this.#numbers.get(upstreamId) ?? 1;
    let id = encode(upstreamId, n);
    while (!this.#isFree(id)) id = encode(upstreamId, ++n);
    this.#numbers.set(upstreamId, n + 1);
    return this.#reserve(id);
  }

  #isFree(id: string): boolean {
    return !this.#taken.has(id) && !this.#stems.has(id) && !this.#taken.has(stemOf(id));
  }

  #reserve(id: string): string {
    this.#taken.add(id);
    const stem = stemOf(id);
    if (stem !== "") this.#stems.add(stem);
    return id;
  }
}

/** The ids that upstream sees: its own, each once per conversation. */
export class UpstreamCallIds {
  readonly #toUpstream: (clientId: string) => string;
  readonly #taken = new Set<string>();
  readonly #numbers = new Map<string, number>();

  /** @param options `isStrict`: the model accepts only the characters of Anthropic's ids */
  constructor({ isStrict }: { isStrict: boolean }) {
    this.#toUpstream = isStrict ? toValidId : toUpstreamId;
  }

  /** `original`: the id that upstream generated; `id`: the id to send, which differs if that is in use. */
  claim(clientId: string): { id: string; original: string } {
    const original = this.#toUpstream(clientId);
    let id = original;
    if (this.#taken.has(id)) {
      // Numbered as the model itself would: Kimi reads the number after the colon.
      const { prefix, number } = splitNumber(original);
      let n = this.#numbers.get(prefix) ?? number + 1;
      for (; this.#taken.has(prefix + n); n++);
      this.#numbers.set(prefix, n + 1);
      id = prefix + n;
    }
    this.#taken.add(id);
    return { id, original };
  }
}

/** The upstream id encoded in a client's id, else the client's id itself. */
export function toUpstreamId(clientId: string): string {
  const escaped = ENCODED.exec(clientId)?.[2];
  return (escaped === undefined ? null : unescapeId(escaped)) ?? clientId;
}

function toValidId(id: string): string {
  return CALL_ID.test(id) ? id : hashId(id);
}

function encode(upstreamId: string, n: number): string {
  const prefix = `or${n === 1 ? "" : n}-`;
  const canEscape = upstreamId.length <= MAX_LENGTH && upstreamId.isWellFormed();
  const escaped = canEscape ? escapeId(upstreamId) : "";
  if (escaped !== "" && prefix.length + escaped.length <= MAX_LENGTH) return prefix + escaped;
  // Too long, or not valid Unicode: upstream sees the hashed form too.
  return n === 1 ? hashId(upstreamId) : `${hashId(upstreamId)}_r${n}`;
}

/** Invalid bytes become `-xx`, and so does an underscore before a number at the end. */
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

/** The original; null if the bytes are not UTF-8, so the id was not encoded here. */
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
  while (isDigit(id[at - 1])) at--;
  return at < id.length && id[at - 1] === "_" ? id.slice(0, at - 1) : "";
}

/** `call_7` → `call_` and 7; an id without a number is numbered after `_r`. */
function splitNumber(id: string): { prefix: string; number: number } {
  let at = id.length;
  while (id.length - at < 9 && isDigit(id[at - 1])) at--;
  const isNumbered = at < id.length && /[_:.-]/.test(id[at - 1] ?? "");
  return isNumbered
    ? { prefix: id.slice(0, at), number: Number(id.slice(at)) }
    : { prefix: `${id}_r`, number: 1 };
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= "0" && char <= "9";
}

function hashId(id: string): string {
  return `${id.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, MAX_READABLE)}_h${hashText(id)}`;
}
