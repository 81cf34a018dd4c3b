/**
 * Prepares the history of a conversation for Claude's own API. Turns that other models wrote contain what this proxy's
 * translation put there, and Claude rejects: envelopes in place of signatures, searches and citations without
 * encrypted content, names and inputs that a model made up. Everything else stays as it is.
 * @module
 */

import { toInvalidInput } from "../../anthropic/parse_messages.ts";
import type { RedactedThinkingBlock, ThinkingBlock } from "../../anthropic/types.ts";
import { isJsonObject, type JsonObject, toText } from "../../json.ts";
import type { ReasoningDetail } from "../../openrouter/types.ts";
import { decodeReasoning, isEncoded } from "../reasoning.ts";
import { ToolNames } from "../tool_names.ts";
import { describeSearch } from "../web_search.ts";

/** Any Claude model: signatures depend on the vendor only. */
const CLAUDE = "anthropic/claude";
/** The tool names that Anthropic accepts in the history. */
const TOOL_NAME = /^[a-zA-Z0-9_-]{1,128}$/;

/** The turns for Claude; the same list if nothing changes. A turn that becomes empty is left out. */
export function toClaudeHistory(messages: readonly unknown[]): readonly unknown[] {
  const turns = messages.flatMap((turn): unknown[] => {
    if (!isJsonObject(turn) || turn["role"] !== "assistant") return [turn];
    const { content } = turn;
    if (!Array.isArray(content)) return [turn];
    const blocks = translateBlocks(content);
    if (isSameList(blocks, content)) return [turn];
    return blocks.length === 0 ? [] : [{ ...turn, content: blocks }];
  });
  return isSameList(turns, messages) ? messages : turns;
}

function isSameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index]);
}

function translateBlocks(content: readonly unknown[]): unknown[] {
  const searches = new Set(content.filter(isOwnSearch).map(({ id }) => id));
  return content.flatMap((block): unknown[] => {
    if (!isJsonObject(block)) return [block];
    switch (block["type"]) {
      case "thinking":
      case "redacted_thinking":
        return translateThinking(block);
      case "text":
        return translateText(block);
      case "tool_use":
        return [translateCall(block)];
      case "server_tool_use":
        return isOwnSearch(block) ? [] : [block];
      case "web_search_tool_result":
        return translateResults(block, searches);
      default:
        return [block];
    }
  });
}

/** Claude's own blocks, as they are or out of an envelope. Reasoning of other vendors, or without a signature, is left out. */
function translateThinking(block: JsonObject): unknown[] {
  const signature = toText(block["type"] === "thinking" ? block["signature"] : block["data"]);
  if (signature !== "" && !isEncoded(signature)) return [block];
  const envelope: RedactedThinkingBlock = { type: "redacted_thinking", data: signature };
  return decodeReasoning(envelope, { model: CLAUDE, index: 0 })
    .flatMap((piece) => "detail" in piece ? toBlock(piece.detail) : []);
}

function toBlock(
  { type, text, signature, data }: ReasoningDetail,
): (ThinkingBlock | RedactedThinkingBlock)[] {
  if (type === "reasoning.text" && signature) {
    return [{ type: "thinking", thinking: toText(text), signature }];
  }
  return type === "reasoning.encrypted" && data ? [{ type: "redacted_thinking", data }] : [];
}

/** Without the citations of a search that Anthropic did not run; Anthropic accepts no empty text either. */
function translateText(block: JsonObject): unknown[] {
  const { citations, ...rest } = block;
  if (block["text"] === "") return [];
  if (!Array.isArray(citations)) return [block];
  const kept = citations.filter((one) => !isJsonObject(one) || one["encrypted_index"] !== "");
  if (kept.length === citations.length) return [block];
  return [kept.length === 0 ? rest : { ...block, citations: kept }];
}

/** A call as a model may have made it up. Its result refers to the id, which is always valid. */
function translateCall(block: JsonObject): JsonObject {
  const { name, input } = block;
  const isValidName = typeof name !== "string" || TOOL_NAME.test(name);
  const isValidInput = isJsonObject(input);
  if (isValidName && isValidInput) return block;
  return {
    ...block,
    name: isValidName ? name : new ToolNames([name]).toUpstream(name),
    input: isValidInput ? input : toInput(input),
  };
}

function toInput(input: unknown): JsonObject {
  if (input === undefined || input === null) return {};
  return toInvalidInput(typeof input === "string" ? input : JSON.stringify(input));
}

/** A search that upstream ran during a chat completion: upstream does not report the query. */
function isOwnSearch(block: unknown): block is JsonObject {
  return isJsonObject(block) && block["type"] === "server_tool_use" &&
    block["name"] === "web_search" && isJsonObject(block["input"]) &&
    block["input"]["query"] === "";
}

/** The pages that such a search found, as text. */
function translateResults(block: JsonObject, searches: ReadonlySet<unknown>): unknown[] {
  const { tool_use_id: id, content } = block;
  const pages = Array.isArray(content) ? content.filter(isJsonObject) : [];
  const isOwn = searches.has(id) || pages.some((page) => page["encrypted_content"] === "");
  if (!isOwn) return [block];
  const hits = pages.map(({ title, url }) => ({ title: toText(title), url: toText(url) }));
  const text = describeSearch({ type: "web_search", hits });
  const { cache_control } = block;
  return text.text === "" ? [] : [cache_control === undefined ? text : { ...text, cache_control }];
}
