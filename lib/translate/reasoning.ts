/**
 * Reasoning that survives: `reasoning_details` of an answer → thinking blocks → the same details in the next
 * request, through a client that knows neither. Pure.
 * Claude's signature stays as it is, where it and the text are all there is to bring back. Everything else is
 * carried whole in a versioned envelope, in `thinking.signature` or, where there is no text to show, in
 * `redacted_thinking.data`. What one block can carry shares its envelope: some clients drop redacted blocks.
 * Sources: OpenRouter's guide on preserving reasoning; its recorded streams.
 * @module
 */

import type * as anthropic from "../anthropic/types.ts";
import { isJsonObject, type JsonObject, parseJson, toText } from "../json.ts";
import { readText } from "./response/content_text.ts";
import type * as openrouter from "../openrouter/types.ts";

const CLAUDE_FORMAT = "anthropic-claude-v1";
const GEMINI_FORMAT = "google-gemini-v1";
/** Families that take back only what they signed. */
const SIGNING_FAMILIES: ReadonlySet<string> = new Set(["anthropic", "google"]);
const ENVELOPE = "claudeproxy-reasoning-v1:";
/** The keys of Claude's entries that a block's text, signature or data, and its place bring back. */
const REBUILT: ReadonlySet<string> = new Set([
  "type",
  "text",
  "signature",
  "data",
  "format",
  "index",
]);

/** The strings in which servers without details send their reasoning. */
type PlainField = "reasoning" | "reasoning_content";
/** Mistral's place for it: among the parts of the content. Shown, and not sent back. */
const CONTENT_FIELD = "content";

/**
 * One piece of an answer's reasoning: an entry of `reasoning_details`, or a plain string. In a stream a piece is
 * what one delta brings, and pieces are merged.
 */
export type Reasoning =
  | { detail: openrouter.ReasoningDetail }
  | { field: PlainField | typeof CONTENT_FIELD; text: string }
  | { isEmptyList: true };

/** What an assistant message carries back to upstream. */
export type ReplayFields = Pick<
  Extract<openrouter.ChatMessage, { role: "assistant" }>,
  "reasoning_details" | "reasoning" | "reasoning_content"
>;

/**
 * The reasoning in a delta, or in a whole message. OpenRouter sends text twice, in `reasoning` and in
 * `reasoning_details`; other servers send only one of the strings, or the same in two. Details count first.
 */
export function readReasoning(delta: openrouter.Delta): Reasoning[] {
  // Most deltas carry none.
  if (!delta.reasoning_details && !delta.reasoning && !delta.reasoning_content) {
    return Array.isArray(delta.content) ? readThinkingParts(delta.content) : [];
  }
  const details = (Array.isArray(delta.reasoning_details) ? delta.reasoning_details : [])
    .filter((detail) => isJsonObject(detail) && typeof detail.type === "string");
  const field = PLAIN_FIELDS.find((name) => toText(delta[name]) !== "");
  const isCopy = details.some((detail) => visibleText(detail) !== "");
  if (field === undefined || isCopy) return details.map((detail) => ({ detail }));
  const text = toText(delta[field]);
  // A signature without its text, which stands beside it in the plain string.
  const bare = details.find((detail) => detail.type === "reasoning.text");
  if (bare === undefined) return [{ field, text }, ...details.map((detail) => ({ detail }))];
  return details.map((detail) => ({ detail: detail === bare ? { ...detail, text } : detail }));
}

const PLAIN_FIELDS = ["reasoning_content", "reasoning"] as const;

/** Mistral: `{type: "thinking", thinking: [{type: "text", text}]}` among the parts of the content. */
function readThinkingParts(parts: readonly unknown[]): Reasoning[] {
  const text = parts.map((part) =>
    isJsonObject(part) && part["type"] === "thinking" ? readText(part["thinking"]) : ""
  ).join("");
  return text === "" ? [] : [{ field: CONTENT_FIELD, text }];
}

/** The text of a piece that a person may read; "" for encrypted ones. */
export function visibleText(detail: openrouter.ReasoningDetail): string {
  return toText(detail.type === "reasoning.summary" ? detail.summary : detail.text);
}

/** Whether a piece is text, a summary, or the signature of one; else it is atomic. */
export function isVisible({ type }: openrouter.ReasoningDetail): boolean {
  return type === "reasoning.text" || type === "reasoning.summary";
}

/** Whether a piece of a stream goes on with this one: the same kind, and not signed yet. */
export function continues(now: Reasoning, next: Reasoning): boolean {
  if ("field" in now && "field" in next) return now.field === next.field;
  if (!("detail" in now)) return false;
  // DeepSeek's providers send one entry, and then go on in the plain string alone.
  if ("field" in next) return !now.detail.signature;
  if (!("detail" in next)) return false;
  const [a, b] = [now.detail, next.detail];
  return a.type === b.type && !a.signature && (!a.id || !b.id || a.id === b.id);
}

/** Joins two pieces of which the second goes on with the first. Changes the first: a copy for each is quadratic. */
export function mergeReasoning(now: Reasoning, next: Reasoning): void {
  if ("isEmptyList" in now || "isEmptyList" in next) return;
  if ("detail" in now) {
    mergeDetails(now.detail, "detail" in next ? next.detail : toDetail(next.text, now.detail));
  } else if ("field" in next) now.text += next.text;
}

/** Plain text as a piece of the entry that it goes on with. */
function toDetail(
  text: string,
  { type }: openrouter.ReasoningDetail,
): openrouter.ReasoningDetail {
  return type === "reasoning.summary" ? { summary: text } : { text };
}

/** Text is joined; every other field is the first that was given. */
function mergeDetails(
  now: openrouter.ReasoningDetail,
  next: openrouter.ReasoningDetail,
): void {
  const { text, summary, signature, ...rest } = next;
  if (text) now.text = (now.text ?? "") + text;
  if (summary) now.summary = (now.summary ?? "") + summary;
  if (signature) now.signature = signature;
  for (const [key, value] of Object.entries(rest)) {
    if (!Object.hasOwn(now, key)) Object.defineProperty(now, key, { value, ...PLAIN_PROPERTY });
  }
}

/** Defined, not assigned: `__proto__` is data like any other. */
const PLAIN_PROPERTY = { enumerable: true, writable: true, configurable: true };

/** The vendor of a model: signatures of one mean nothing to another. "" where an id does not tell. */
export function vendorOf(model: string): string {
  const [vendor = "", slug] = model.replace(/^~/, "").split("/");
  return vendor.startsWith("@") || (vendor === "openrouter" && slug !== undefined) ? "" : vendor;
}

/** Whether an OpenRouter id names a Claude model. */
export function isClaude(model: string): boolean {
  return vendorOf(model) === "anthropic" && model.includes("/");
}

/** How reasoning is turned into what a block's `signature` or `data` holds. */
export interface EncodeOptions {
  /** The model that answered. */
  model: string;
  /** The client does not see the text, and so cannot bring it back. */
  isHidden: boolean;
}

/**
 * What a block's `signature` or `data` must hold so that its reasoning can come back; "" for what may not.
 * Claude's own signature is enough where its text is shown.
 * @param pieces the reasoning of one block, in order
 */
export function encodeReasoning(
  pieces: readonly Reasoning[],
  { model, isHidden }: EncodeOptions,
): string {
  const family = vendorOf(model);
  const kept = pieces.filter((piece) => mayComeBack(piece, family));
  const [first] = kept;
  if (first === undefined) return "";
  const isAlone = kept.length === 1;
  if ("detail" in first && isAlone && isClaudes(first.detail, family) && isRebuilt(first.detail)) {
    const { type, data, signature } = first.detail;
    if (type === "reasoning.encrypted") return toText(data);
    if (type === "reasoning.text" && !isHidden) return toText(signature);
  }
  const origin = "detail" in first ? toOrigin(first.detail, family) : family;
  return ENVELOPE + JSON.stringify({ family: origin, ...(isAlone ? first : { pieces: kept }) });
}

/** Whether an encrypted entry can share the envelope of the block before it. */
export function sharesEnvelope(
  block: Reasoning,
  entry: Reasoning,
  { model, isHidden }: EncodeOptions,
): boolean {
  if (!("detail" in block) || !("detail" in entry)) return false;
  const isSameFormat = (block.detail.format ?? null) === (entry.detail.format ?? null);
  return isSameFormat && (isHidden || !isClaudes(entry.detail, vendorOf(model)));
}

function mayComeBack(piece: Reasoning, family: string): boolean {
  if ("detail" in piece) return !isUnsigned(piece.detail, family);
  return !("field" in piece) ||
    (piece.field !== CONTENT_FIELD && !SIGNING_FAMILIES.has(family));
}

/**
 * The reasoning in an assistant turn → the fields of its message, in order, for the model that is asked now.
 * What another family made, and what was never signed, is left out: upstream would refuse the whole request
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

/** Gives the entries that belong to calls the ids under which these calls are sent. */
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

function decodeReasoning(
  block: anthropic.ThinkingBlock | anthropic.RedactedThinkingBlock,
  { model, index }: { model: string; index: number },
): Reasoning[] {
  const seal = block.type === "thinking" ? block.signature : block.data;
  if (seal.startsWith(ENVELOPE)) return openEnvelope(seal.slice(ENVELOPE.length), model);
  if (seal === "" || !isClaude(model)) return [];
  const format = CLAUDE_FORMAT;
  if (block.type === "redacted_thinking") {
    return [{ detail: { type: "reasoning.encrypted", data: seal, format, index } }];
  }
  const text = block.thinking;
  return [{ detail: { type: "reasoning.text", text, signature: seal, format, index } }];
}

/** Envelopes come back from clients, so nothing in one is trusted but its shape. */
function openEnvelope(json: string, model: string): Reasoning[] {
  const envelope = parseJson(json);
  if (!isJsonObject(envelope)) return [];
  const family = vendorOf(model);
  if (family !== "" && envelope["family"] !== family) return [];
  const pieces: unknown = envelope["pieces"];
  return (Array.isArray(pieces) ? pieces : [envelope]).flatMap((piece: unknown) =>
    isJsonObject(piece) ? readPiece(piece, family) : []
  );
}

function readPiece({ detail, isEmptyList, field, text }: JsonObject, family: string): Reasoning[] {
  if (isJsonObject(detail)) return isUnsigned(detail, family) ? [] : [{ detail }];
  if (isEmptyList === true) return [{ isEmptyList: true }];
  const known = PLAIN_FIELDS.find((name) => name === field);
  return known !== undefined && typeof text === "string" ? [{ field: known, text }] : [];
}

/** Claude and Gemini take back only text that they signed. */
function isUnsigned(detail: openrouter.ReasoningDetail, family: string): boolean {
  const isStrict = isClaudes(detail, family) || detail.format === GEMINI_FORMAT;
  return isStrict && detail.type === "reasoning.text" && toText(detail.signature) === "";
}

/** The family that made an entry: its format tells where it is a known one. */
function toOrigin({ format }: openrouter.ReasoningDetail, family: string): string {
  return FORMAT_FAMILIES.find(([word]) => toText(format).includes(word))?.[1] ?? family;
}

const FORMAT_FAMILIES = [
  ["claude", "anthropic"],
  ["gemini", "google"],
  ["openai", "openai"],
  ["xai", "x-ai"],
] as const;

/** OpenRouter means Claude's format where it names none. */
function isClaudes({ format }: openrouter.ReasoningDetail, family: string): boolean {
  return family === "anthropic" && (format ?? CLAUDE_FORMAT) === CLAUDE_FORMAT;
}

/** Whether an entry has nothing that its block could not bring back without an envelope. */
function isRebuilt(detail: openrouter.ReasoningDetail): boolean {
  return Object.entries(detail).every(([key, value]) =>
    REBUILT.has(key) || value === null || value === undefined
  );
}
