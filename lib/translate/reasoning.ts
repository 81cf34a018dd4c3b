/**
 * Reasoning that survives: `reasoning_details` of an answer → thinking blocks → the same details in the next
 * request, through a client that knows neither. Pure.
 * Claude's signature travels as it is, where it and the text are all there is to bring back. Everything else is
 * carried whole in a versioned envelope, in `thinking.signature` or, where there is no text to show, in
 * `redacted_thinking.data`.
 * Sources: OpenRouter's guide on preserving reasoning; its recorded streams.
 * @module
 */

import type * as anthropic from "../anthropic/types.ts";
import { isJsonObject, parseJson, toText } from "../json.ts";
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

/**
 * One piece of an answer's reasoning: an entry of `reasoning_details`, or a plain string. In a stream a piece is
 * what one delta brings, and pieces are merged.
 */
export type Reasoning =
  | { detail: openrouter.ReasoningDetail }
  | { field: PlainField; text: string }
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
  if (!delta.reasoning_details && !delta.reasoning && !delta.reasoning_content) return [];
  const details = (Array.isArray(delta.reasoning_details) ? delta.reasoning_details : [])
    .filter((detail) => isJsonObject(detail) && typeof detail.type === "string");
  const field = PLAIN_FIELDS.find((name) => toText(delta[name]) !== "");
  const isCopy = details.some((detail) => toShownText(detail) !== "");
  if (field === undefined || isCopy) return details.map((detail) => ({ detail }));
  const text = toText(delta[field]);
  // A signature without its text, which stands beside it in the plain string.
  const bare = details.find((detail) => detail.type === "reasoning.text");
  if (bare === undefined) return [{ field, text }, ...details.map((detail) => ({ detail }))];
  return details.map((detail) => ({ detail: detail === bare ? { ...detail, text } : detail }));
}

const PLAIN_FIELDS = ["reasoning_content", "reasoning"] as const;

/** The text of a piece that a person may read; "" for encrypted ones. */
export function toShownText(detail: openrouter.ReasoningDetail): string {
  return toText(detail.type === "reasoning.summary" ? detail.summary : detail.text);
}

/** Whether a piece is text, a summary, or the signature of one; else it is atomic. */
export function isShown({ type }: openrouter.ReasoningDetail): boolean {
  return type === "reasoning.text" || type === "reasoning.summary";
}

/** Whether a piece of a stream goes on with this one: the same kind, and not signed yet. */
export function isContinued(now: Reasoning, next: Reasoning): boolean {
  if ("field" in now && "field" in next) return now.field === next.field;
  if (!("detail" in now)) return false;
  // DeepSeek's providers send one entry, and then go on in the plain string alone.
  if ("field" in next) return !now.detail.signature;
  if (!("detail" in next)) return false;
  const [a, b] = [now.detail, next.detail];
  return a.type === b.type && !a.signature && (!a.id || !b.id || a.id === b.id);
}

/** Joins two pieces of which the second goes on with the first. */
export function joinReasoning(now: Reasoning, next: Reasoning): Reasoning {
  if ("isEmptyList" in now || "isEmptyList" in next) return now;
  if ("detail" in now) {
    const more = "detail" in next ? next.detail : toDetail(next.text, now.detail);
    return { detail: mergeDetails(now.detail, more) };
  }
  return "field" in next ? { field: now.field, text: now.text + next.text } : now;
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
): openrouter.ReasoningDetail {
  const merged: openrouter.ReasoningDetail = { ...next, ...now };
  if (next.text || now.text) merged.text = (now.text ?? "") + (next.text ?? "");
  if (next.summary || now.summary) merged.summary = (now.summary ?? "") + (next.summary ?? "");
  if (next.signature) merged.signature = next.signature;
  return merged;
}

/** The vendor of a model: signatures of one mean nothing to another. "" where an id does not tell. */
export function toFamily(model: string): string {
  const [vendor = "", slug] = model.replace(/^~/, "").split("/");
  return vendor.startsWith("@") || (vendor === "openrouter" && slug !== undefined) ? "" : vendor;
}

/** Whether an OpenRouter id names a Claude model. */
export function isClaude(model: string): boolean {
  return toFamily(model) === "anthropic" && model.includes("/");
}

/**
 * What a block's `signature` or `data` must hold so that the reasoning can come back; "" for what may not.
 * Claude's signature proves its thinking even where the client asked not to see the text.
 * @param model the model that answered
 */
export function sealReasoning(reasoning: Reasoning, model: string): string {
  const family = toFamily(model);
  if ("detail" in reasoning) {
    const { detail } = reasoning;
    if (isUnsigned(detail, family)) return "";
    if (isClaudes(detail, family) && isRebuilt(detail)) {
      if (detail.type === "reasoning.encrypted") return toText(detail.data);
      if (detail.type === "reasoning.text") return toText(detail.signature);
    }
  } else if ("field" in reasoning && SIGNING_FAMILIES.has(family)) return "";
  const origin = "detail" in reasoning ? toOrigin(reasoning.detail, family) : family;
  return ENVELOPE + JSON.stringify({ family: origin, ...reasoning });
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
    const reasoning = unseal(block, { model, index: details.length });
    if (reasoning === null) continue;
    if ("field" in reasoning) {
      fields[reasoning.field] = (fields[reasoning.field] ?? "") + reasoning.text;
      continue;
    }
    if ("detail" in reasoning) details.push(reasoning.detail);
    fields.reasoning_details = details;
  }
  return fields;
}

function unseal(
  block: anthropic.ThinkingBlock | anthropic.RedactedThinkingBlock,
  { model, index }: { model: string; index: number },
): Reasoning | null {
  const seal = block.type === "thinking" ? block.signature : block.data;
  if (seal.startsWith(ENVELOPE)) return openEnvelope(seal.slice(ENVELOPE.length), model);
  if (seal === "" || !isClaude(model)) return null;
  const format = CLAUDE_FORMAT;
  if (block.type === "redacted_thinking") {
    return { detail: { type: "reasoning.encrypted", data: seal, format, index } };
  }
  const text = block.thinking;
  return { detail: { type: "reasoning.text", text, signature: seal, format, index } };
}

/** Envelopes come back from clients, so nothing in one is trusted but its shape. */
function openEnvelope(json: string, model: string): Reasoning | null {
  const envelope = parseJson(json);
  if (!isJsonObject(envelope)) return null;
  const family = toFamily(model);
  if (family !== "" && envelope["family"] !== family) return null;
  const { detail, field, text } = envelope;
  if (isJsonObject(detail)) return isUnsigned(detail, family) ? null : { detail };
  if (envelope["isEmptyList"] === true) return { isEmptyList: true };
  const known = PLAIN_FIELDS.find((name) => name === field);
  return known !== undefined && typeof text === "string" ? { field: known, text } : null;
}

/** Claude and Gemini take back only text that they signed. */
function isUnsigned(detail: openrouter.ReasoningDetail, family: string): boolean {
  const isStrict = isClaudes(detail, family) || detail.format === GEMINI_FORMAT;
  return isStrict && detail.type === "reasoning.text" && toText(detail.signature) === "";
}

/** The family that made an entry: its format tells where it is a known one. */
function toOrigin({ format }: openrouter.ReasoningDetail, family: string): string {
  return FORMAT_FAMILIES.find(([word]) => format?.includes(word))?.[1] ?? family;
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
