/**
 * Preserves reasoning across requests: `reasoning_details` of a response → thinking blocks → the same details in the
 * next request. Claude's signature is forwarded unchanged if it and the text restore the entry; other entries are
 * encoded in a versioned envelope, in `thinking.signature` or, without visible text, in `redacted_thinking.data`.
 * Sources: OpenRouter's guide on preserving reasoning; recorded streams.
 * @module
 */

import type * as anthropic from "../anthropic/types.ts";
import { isJsonObject, type JsonObject, parseJson, toText } from "../json.ts";
import { isClaude, vendorOf } from "../openrouter/model_mapping.ts";
import type * as openrouter from "../openrouter/types.ts";
import { readText } from "./response/content_text.ts";

const CLAUDE_FORMAT = "anthropic-claude-v1";
const GEMINI_FORMAT = "google-gemini-v1";
/** Vendors that accept only reasoning that they signed. */
const SIGNING_VENDORS: ReadonlySet<string> = new Set(["anthropic", "google"]);
const ENVELOPE = "claudeproxy-reasoning-v1:";
/** The keys of Claude's entries that a block's text, signature or data, and its position restore. */
const RESTORABLE_KEYS: ReadonlySet<string> = new Set([
  "type",
  "text",
  "signature",
  "data",
  "format",
  "index",
]);

/** The string fields of servers that send no `reasoning_details`. */
type PlainField = "reasoning" | "reasoning_content";
/** Mistral sends reasoning in the parts of `content`. It is shown, but not sent back. */
const CONTENT_FIELD = "content";

/**
 * A piece of a response's reasoning: an entry of `reasoning_details`, or a plain string. In a stream each delta has
 * pieces of its own, which are merged.
 */
export type Reasoning =
  | { detail: openrouter.ReasoningDetail }
  | { field: PlainField | typeof CONTENT_FIELD; text: string }
  | { isEmptyList: true };

/** The reasoning fields of an assistant message. */
export type ReplayFields = Pick<
  Extract<openrouter.ChatMessage, { role: "assistant" }>,
  "reasoning_details" | "reasoning" | "reasoning_content"
>;

/**
 * The reasoning in a delta or message. OpenRouter sends text twice, in `reasoning` and in `reasoning_details`; other
 * servers send one of the strings, or both with the same text. Details take precedence.
 */
export function readReasoning(delta: openrouter.Delta): Reasoning[] {
  // Most deltas have none.
  if (!delta.reasoning_details && !delta.reasoning && !delta.reasoning_content) {
    return Array.isArray(delta.content) ? readThinkingParts(delta.content) : [];
  }
  const details = (Array.isArray(delta.reasoning_details) ? delta.reasoning_details : [])
    .filter((detail) => isJsonObject(detail) && typeof detail.type === "string");
  const field = PLAIN_FIELDS.find((name) => toText(delta[name]) !== "");
  const isCopy = details.some((detail) => visibleText(detail) !== "");
  if (field === undefined || isCopy) return details.map((detail) => ({ detail }));
  const text = toText(delta[field]);
  // A signature whose text is only in the plain string.
  const signature = details.find((detail) => detail.type === "reasoning.text");
  if (signature === undefined) return [{ field, text }, ...details.map((detail) => ({ detail }))];
  return details.map((detail) => ({ detail: detail === signature ? { ...detail, text } : detail }));
}

const PLAIN_FIELDS = ["reasoning_content", "reasoning"] as const;

/** Mistral: parts of the form `{type: "thinking", thinking: [{type: "text", text}]}`. */
function readThinkingParts(parts: readonly unknown[]): Reasoning[] {
  const text = parts.map((part) =>
    isJsonObject(part) && part["type"] === "thinking" ? readText(part["thinking"]) : ""
  ).join("");
  return text === "" ? [] : [{ field: CONTENT_FIELD, text }];
}

/** The readable text of an entry; "" for an encrypted one. */
export function visibleText(detail: openrouter.ReasoningDetail): string {
  return toText(detail.type === "reasoning.summary" ? detail.summary : detail.text);
}

/** Whether an entry is text, a summary, or the signature of one, and can be merged. */
export function isVisible({ type }: openrouter.ReasoningDetail): boolean {
  return type === "reasoning.text" || type === "reasoning.summary";
}

/** Whether `next` continues `current`: it has the same kind, and `current` is not signed yet. */
export function continues(current: Reasoning, next: Reasoning): boolean {
  if ("field" in current && "field" in next) return current.field === next.field;
  if (!("detail" in current)) return false;
  // DeepSeek's providers send one entry and continue in the plain string only.
  if ("field" in next) return !current.detail.signature;
  if (!("detail" in next)) return false;
  const [a, b] = [current.detail, next.detail];
  return a.type === b.type && !a.signature && (!a.id || !b.id || a.id === b.id);
}

/** Appends `next` to the piece it continues. Changes `current`: a copy per delta would be quadratic. */
export function mergeReasoning(current: Reasoning, next: Reasoning): void {
  if ("isEmptyList" in current || "isEmptyList" in next) return;
  if ("detail" in current) {
    const detail = "detail" in next ? next.detail : toDetail(next.text, current.detail);
    mergeDetails(current.detail, detail);
  } else if ("field" in next) current.text += next.text;
}

/** Plain text as a detail of the same type as the entry it continues. */
function toDetail(
  text: string,
  { type }: openrouter.ReasoningDetail,
): openrouter.ReasoningDetail {
  return type === "reasoning.summary" ? { summary: text } : { text };
}

/** Texts are concatenated; of every other field the first value is kept. */
function mergeDetails(
  current: openrouter.ReasoningDetail,
  next: openrouter.ReasoningDetail,
): void {
  const { text, summary, signature, ...rest } = next;
  if (text) current.text = (current.text ?? "") + text;
  if (summary) current.summary = (current.summary ?? "") + summary;
  if (signature) current.signature = signature;
  for (const [key, value] of Object.entries(rest)) {
    if (Object.hasOwn(current, key)) continue;
    // Defined, not assigned, so that a key `__proto__` is plain data.
    Object.defineProperty(current, key, { value, enumerable: true });
  }
}

/** How reasoning is encoded in a block's `signature` or `data`. */
export interface EncodeOptions {
  /** The model that responded. */
  model: string;
  /** The client does not receive the text, so it cannot send it back. */
  isHidden: boolean;
}

/**
 * The `signature` or `data` from which a block's reasoning can be restored; "" if it must not be sent back.
 * Claude's own signature is enough if the client has the text.
 * @param pieces the reasoning of one block, in order
 */
export function encodeReasoning(
  pieces: readonly Reasoning[],
  { model, isHidden }: EncodeOptions,
): string {
  const vendor = vendorOf(model);
  const kept = pieces.filter((piece) => isReplayable(piece, vendor));
  const [first] = kept;
  if (first === undefined) return "";
  const isAlone = kept.length === 1;
  const detail = "detail" in first ? first.detail : undefined;
  if (detail && isAlone && isClaudeFormat(detail, vendor) && isRestorable(detail)) {
    const { type, data, signature } = detail;
    if (type === "reasoning.encrypted") return toText(data);
    if (type === "reasoning.text" && !isHidden) return toText(signature);
  }
  const family = detail ? vendorOfEntry(detail, vendor) : vendor;
  return ENVELOPE + JSON.stringify({ family, ...(isAlone ? first : { pieces: kept }) });
}

/** Whether an encrypted entry can share the preceding block's envelope: some clients drop redacted blocks. */
export function sharesEnvelope(
  block: Reasoning,
  entry: Reasoning,
  { model, isHidden }: EncodeOptions,
): boolean {
  if (!("detail" in block) || !("detail" in entry)) return false;
  const isSameFormat = (block.detail.format ?? null) === (entry.detail.format ?? null);
  return isSameFormat && (isHidden || !isClaudeFormat(entry.detail, vendorOf(model)));
}

function isReplayable(piece: Reasoning, vendor: string): boolean {
  if ("detail" in piece) return !isUnsigned(piece.detail, vendor);
  return !("field" in piece) ||
    (piece.field !== CONTENT_FIELD && !SIGNING_VENDORS.has(vendor));
}

/**
 * The reasoning in an assistant turn → the fields of its message, in order.
 * Omits reasoning of other vendors than the model's, and unsigned reasoning: upstream would reject the request
 * ("Invalid signature in thinking block", "Corrupted thought signature").
 */
export function replayReasoning(
  content: readonly anthropic.AssistantContent[],
  model: string,
): ReplayFields {
  const details: openrouter.ReasoningDetail[] = [];
  const fields: ReplayFields = {};
  for (const block of content) {
    if (block.type !== "thinking" && block.type !== "redacted_thinking") continue;
    for (const piece of decodeReasoning(block, { model, index: details.length })) {
      if ("field" in piece) {
        if (piece.field === CONTENT_FIELD) continue;
        fields[piece.field] = (fields[piece.field] ?? "") + piece.text;
        continue;
      }
      if ("detail" in piece) details.push(piece.detail);
      fields.reasoning_details = details;
    }
  }
  return fields;
}

/** Replaces the ids of entries that belong to calls with the ids under which these calls are sent. */
export function renameCalls(
  fields: ReplayFields,
  callIds: ReadonlyMap<string, string>,
): ReplayFields {
  if (fields.reasoning_details === undefined || callIds.size === 0) return fields;
  const details = fields.reasoning_details.map((detail) => {
    const id = callIds.get(detail.id ?? "");
    return id === undefined || id === detail.id ? detail : { ...detail, id };
  });
  return { ...fields, reasoning_details: details };
}

/** Whether a signature or data is an envelope of this proxy. */
export function isEncoded(signature: string): boolean {
  return signature.startsWith(ENVELOPE);
}

/** The reasoning that a block of the history restores, as far as the model accepts it. */
export function decodeReasoning(
  block: anthropic.ThinkingBlock | anthropic.RedactedThinkingBlock,
  { model, index }: { model: string; index: number },
): Reasoning[] {
  const isThinking = block.type === "thinking";
  const signature = isThinking ? block.signature : block.data;
  if (isEncoded(signature)) {
    return decodeEnvelope(signature.slice(ENVELOPE.length), model);
  }
  if (signature === "" || !isClaude(model)) return [];
  const format = CLAUDE_FORMAT;
  return isThinking
    ? [{ detail: { type: "reasoning.text", text: block.thinking, signature, format, index } }]
    : [{ detail: { type: "reasoning.encrypted", data: signature, format, index } }];
}

/** Envelopes come from clients: only pieces of the expected shape are used. */
function decodeEnvelope(json: string, model: string): Reasoning[] {
  const envelope = parseJson(json);
  if (!isJsonObject(envelope)) return [];
  const vendor = vendorOf(model);
  if (vendor !== "" && envelope["family"] !== vendor) return [];
  const pieces: unknown = envelope["pieces"];
  return (Array.isArray(pieces) ? pieces : [envelope]).flatMap((piece: unknown) =>
    isJsonObject(piece) ? readPiece(piece, vendor) : []
  );
}

function readPiece({ detail, isEmptyList, field, text }: JsonObject, vendor: string): Reasoning[] {
  if (isJsonObject(detail)) return isUnsigned(detail, vendor) ? [] : [{ detail }];
  if (isEmptyList === true) return [{ isEmptyList: true }];
  const known = PLAIN_FIELDS.find((name) => name === field);
  return known !== undefined && typeof text === "string" ? [{ field: known, text }] : [];
}

/** Claude and Gemini accept only text that they signed. */
function isUnsigned(detail: openrouter.ReasoningDetail, vendor: string): boolean {
  const isStrict = isClaudeFormat(detail, vendor) || detail.format === GEMINI_FORMAT;
  return isStrict && detail.type === "reasoning.text" && toText(detail.signature) === "";
}

/** The vendor that an entry's format names, else that of the model. */
function vendorOfEntry({ format }: openrouter.ReasoningDetail, modelVendor: string): string {
  return FORMAT_VENDORS.find(([word]) => toText(format).includes(word))?.[1] ?? modelVendor;
}

const FORMAT_VENDORS = [
  ["claude", "anthropic"],
  ["gemini", "google"],
  ["openai", "openai"],
  ["xai", "x-ai"],
] as const;

/** From a Claude model, OpenRouter may omit the format. */
function isClaudeFormat({ format }: openrouter.ReasoningDetail, vendor: string): boolean {
  return vendor === "anthropic" && (format ?? CLAUDE_FORMAT) === CLAUDE_FORMAT;
}

/** Whether the block restores the whole entry without an envelope. */
function isRestorable(detail: openrouter.ReasoningDetail): boolean {
  return Object.entries(detail).every(([key, value]) =>
    RESTORABLE_KEYS.has(key) || value === null || value === undefined
  );
}
