/**
 * Translates the conversation to chat messages.
 * Upstream requires the results right after the calls they belong to, as `tool` messages with nothing in between;
 * Anthropic's clients send results in user turns, in any order, mixed with text, images and system turns.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import type * as openrouter from "../../openrouter/types.ts";
import { isClaude } from "../../openrouter/model_mapping.ts";
import { renameCalls, replayReasoning } from "../reasoning.ts";
import { UpstreamCallIds } from "../tool_call_ids.ts";
import type { ToolNames } from "../tool_names.ts";
import { describeSearch } from "../web_search.ts";
import { SEPARATORS, translateInputBlock, translateParts } from "./content_parts.ts";
import type { TranslationContext } from "./context.ts";
import { selectText, stripBillingHeader, translateSystemText } from "./system.ts";
import { translateResult, translateUnmatchedResult } from "./tool_results.ts";

type AssistantTurn = Extract<anthropic.MessageParam, { role: "assistant" }>;
type OtherTurn = Exclude<anthropic.MessageParam, AssistantTurn>;

/** A call of the current assistant turn, with its result once found. */
interface PendingCall {
  clientId: string;
  /** The id sent upstream: its own, unless an earlier call of the conversation used it. */
  upstreamId: string;
  result?: anthropic.ToolResultBlock;
}

/** Translates all turns, in order. */
export function translateMessages(
  turns: readonly anthropic.MessageParam[],
  context: TranslationContext,
): openrouter.ChatMessage[] {
  return new MessageTranslator(context).translate(turns);
}

class MessageTranslator {
  readonly #context: TranslationContext;
  readonly #ids: UpstreamCallIds;
  readonly #messages: openrouter.ChatMessage[] = [];

  constructor(context: TranslationContext) {
    this.#context = context;
    this.#ids = new UpstreamCallIds({ isStrict: isClaude(context.model) });
  }

  translate(turns: readonly anthropic.MessageParam[]): openrouter.ChatMessage[] {
    let calls: PendingCall[] = [];
    let following: OtherTurn[] = [];
    for (const turn of turns) {
      if (turn.role !== "assistant") {
        following.push(turn);
        continue;
      }
      this.#pushFollowing(calls, following);
      calls = this.#pushAssistant(turn);
      following = [];
    }
    this.#pushFollowing(calls, following);
    return this.#messages;
  }

  /** The turns between two assistant turns: the results of the calls first, then everything else. */
  #pushFollowing(calls: PendingCall[], turns: OtherTurn[]): void {
    // Grouped by id, earliest call last, for pop(): a search per result, or shift(), would be quadratic.
    const pending = Map.groupBy(calls.toReversed(), (call) => call.clientId);
    const rest = turns.map((turn) => this.#takeResults(turn, pending));
    const attachments: openrouter.ContentPart[] = [];
    for (const call of calls) {
      const { message, attached } = translateResult(call, this.#context);
      this.#messages.push(message);
      for (const part of attached) attachments.push(part);
    }
    if (attachments.length > 0) this.#messages.push({ role: "user", content: attachments });
    for (const turn of rest) this.#pushOther(turn);
  }

  /** Assigns the results in a turn to their calls, and returns the turn without them. */
  #takeResults(turn: OtherTurn, pending: Map<string, PendingCall[]>): OtherTurn {
    if (turn.role !== "user") return turn;
    const content = turn.content.flatMap((block): anthropic.UserContent[] => {
      if (block.type !== "tool_result") return [block];
      const call = pending.get(block.tool_use_id)?.pop();
      if (call === undefined) return translateUnmatchedResult(block, this.#context);
      call.result = block;
      return [];
    });
    return { ...turn, content };
  }

  #pushOther(turn: OtherTurn): void {
    if (turn.role === "system") {
      const texts = selectText(turn.content, this.#context.dropped);
      const content = translateSystemText(stripBillingHeader(texts));
      if (content !== null) this.#messages.push({ role: "system", content });
      return;
    }
    const parts = turn.content.flatMap((block): openrouter.ContentPart[] => {
      switch (block.type) {
        case "tool_result":
          return [];
        case "unsupported":
          this.#context.dropped.add(block.blockType);
          return [];
        default:
          return translateInputBlock(block);
      }
    });
    if (parts.length > 0) this.#messages.push({ role: "user", content: simplify(parts) });
  }

  #pushAssistant(turn: AssistantTurn): PendingCall[] {
    const texts: anthropic.TextBlock[] = [];
    const toolCalls: openrouter.ToolCall[] = [];
    const pending: PendingCall[] = [];
    const sentIds = new Map<string, string>();
    for (const block of turn.content) {
      switch (block.type) {
        case "text":
          texts.push(block);
          break;
        case "tool_use": {
          const { id: upstreamId, original } = this.#ids.claim(block.id);
          if (!sentIds.has(original)) sentIds.set(original, upstreamId);
          toolCalls.push(translateCall(block, upstreamId, this.#context.names));
          pending.push({ clientId: block.id, upstreamId });
          if (block.cache_control) this.#context.dropped.add("tool_use.cache_control");
          break;
        }
        case "web_search":
          texts.push(describeSearch(block));
          break;
        case "thinking":
        case "redacted_thinking":
          break;
        case "unsupported":
          this.#context.dropped.add(block.blockType);
          break;
        default:
          block satisfies never;
      }
    }
    const reasoning = renameCalls(replayReasoning(turn.content, this.#context.model), sentIds);
    const content = joinTexts(texts);
    if (content === null && toolCalls.length === 0 && Object.keys(reasoning).length === 0) {
      return [];
    }
    const tool_calls = toolCalls.length > 0 ? toolCalls : undefined;
    this.#messages.push({ role: "assistant", content, tool_calls, ...reasoning });
    return pending;
  }
}

function translateCall(
  block: anthropic.ToolUseBlock,
  id: string,
  names: ToolNames,
): openrouter.ToolCall {
  return {
    id,
    type: "function",
    function: { name: names.toUpstream(block.name), arguments: JSON.stringify(block.input) },
  };
}

/** Assistant text is one string: models that see a list of parts start to write lists of parts. */
function joinTexts(texts: anthropic.TextBlock[]): string | openrouter.TextPart[] | null {
  const text = texts.map((block) => block.text).join(SEPARATORS.assistant);
  // Models write a line break before a call; on its own, upstream rejects it as empty.
  if (text.trim() === "") return null;
  if (!texts.some((block) => block.cache_control)) return text;
  return translateParts(texts.filter((block) => block.text.trim() !== ""));
}

/** A single text without a breakpoint becomes a string; everything else stays a list. */
function simplify(parts: openrouter.ContentPart[]): string | openrouter.ContentPart[] {
  const [only] = parts;
  const isPlain = parts.length === 1 && only?.type === "text" && !only.cache_control;
  return isPlain ? only.text : parts;
}
