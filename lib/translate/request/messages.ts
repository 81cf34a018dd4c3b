/**
 * The conversation: Anthropic turns → chat messages. Pure.
 * Upstream wants every call answered right after it is made, in `tool` messages, and nothing in between;
 * Anthropic's clients put results into user turns, in any order, with text, images and system turns around.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import type * as openrouter from "../../openrouter/types.ts";
import { SEPARATORS, translateInputBlock, translateParts } from "./content_parts.ts";
import { UpstreamCallIds } from "../tool_call_ids.ts";
import type { ToolNames } from "../tool_names.ts";
import { isClaude, renameCalls, replayReasoning } from "../reasoning.ts";
import { translateResult, translateUnmatchedResult } from "./tool_results.ts";
import { listSystemText, stripBillingHeader, translateSystemText } from "./system.ts";
import { describeSearch } from "../web_search.ts";

type AssistantTurn = Extract<anthropic.MessageParam, { role: "assistant" }>;
type OtherTurn = Exclude<anthropic.MessageParam, AssistantTurn>;

/** A call of the turn at hand that waits for its result. */
interface PendingCall {
  /** The id the client knows. */
  clientId: string;
  /** The id upstream sees: its own, unless an earlier call of the conversation had it. */
  upstreamId: string;
  result?: anthropic.ToolResultBlock;
}

/** What {@linkcode translateMessages} needs to know beside the turns. */
export interface MessageOptions {
  names: ToolNames;
  /** The model asked upstream: reasoning of another family is left out. */
  model: string;
  /** Collects the names of what was left out. */
  dropped: Set<string>;
}

/** Translates all turns, in order. */
export function translateMessages(
  turns: readonly anthropic.MessageParam[],
  options: MessageOptions,
): openrouter.ChatMessage[] {
  return new MessageTranslator(options).translate(turns);
}

class MessageTranslator {
  readonly #options: MessageOptions;
  readonly #ids: UpstreamCallIds;
  readonly #messages: openrouter.ChatMessage[] = [];

  constructor(options: MessageOptions) {
    this.#options = options;
    this.#ids = new UpstreamCallIds({ isStrict: isClaude(options.model) });
  }

  translate(turns: readonly anthropic.MessageParam[]): openrouter.ChatMessage[] {
    let calls: PendingCall[] = [];
    let following: OtherTurn[] = [];
    for (const turn of turns) {
      if (turn.role !== "assistant") {
        following.push(turn);
        continue;
      }
      this.#answer(calls, following);
      calls = this.#pushAssistant(turn);
      following = [];
    }
    this.#answer(calls, following);
    return this.#messages;
  }

  /** What follows an assistant turn up to the next: the results of its calls first, then all the rest. */
  #answer(calls: PendingCall[], turns: OtherTurn[]): void {
    // By id, and of one id the first last: to search for each result, or to take it from the front, is quadratic.
    const waiting = Map.groupBy(calls.toReversed(), (call) => call.clientId);
    const rest = turns.map((turn) => this.#takeResults(turn, waiting));
    const images: openrouter.ContentPart[] = [];
    for (const call of calls) {
      const { message, follow } = translateResult(call, this.#options);
      this.#messages.push(message);
      for (const part of follow) images.push(part);
    }
    if (images.length > 0) this.#messages.push({ role: "user", content: images });
    for (const turn of rest) this.#pushOther(turn);
  }

  /** Hands the results of a turn to the calls they answer, and returns the turn without them. */
  #takeResults(turn: OtherTurn, waiting: Map<string, PendingCall[]>): OtherTurn {
    if (turn.role !== "user") return turn;
    const content = turn.content.flatMap((block): anthropic.UserContent[] => {
      if (block.type !== "tool_result") return [block];
      const call = waiting.get(block.tool_use_id)?.pop();
      if (call === undefined) return translateUnmatchedResult(block, this.#options);
      call.result = block;
      return [];
    });
    return { role: "user", content };
  }

  #pushOther(turn: OtherTurn): void {
    if (turn.role === "system") {
      const texts = listSystemText(turn.content, this.#options.dropped);
      const content = translateSystemText(stripBillingHeader(texts));
      if (content !== null) this.#messages.push({ role: "system", content });
      return;
    }
    const parts = turn.content.flatMap((block): openrouter.ContentPart[] => {
      switch (block.type) {
        case "tool_result":
          return [];
        case "foreign":
          this.#options.dropped.add(block.foreign);
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
          toolCalls.push(translateCall(block, upstreamId, this.#options.names));
          pending.push({ clientId: block.id, upstreamId });
          if (block.cache_control) this.#options.dropped.add("tool_use.cache_control");
          break;
        }
        case "web_search":
          texts.push(describeSearch(block));
          break;
        case "thinking":
        case "redacted_thinking":
          break;
        case "foreign":
          this.#options.dropped.add(block.foreign);
          break;
        default:
          block satisfies never;
      }
    }
    const reasoning = renameCalls(replayReasoning(turn.content, this.#options.model), sentIds);
    const content = joinTexts(texts);
    if (content === null && toolCalls.length === 0 && Object.keys(reasoning).length === 0) {
      return [];
    }
    const message: openrouter.ChatMessage = { role: "assistant", content };
    if (toolCalls.length > 0) message.tool_calls = toolCalls;
    this.#messages.push({ ...message, ...reasoning });
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

/** Assistant text is one string: models that see a list of parts begin to write lists of parts. */
function joinTexts(texts: anthropic.TextBlock[]): string | openrouter.TextPart[] | null {
  const text = texts.map((block) => block.text).join(SEPARATORS.assistant);
  // Models put a line break before a call; alone, upstream refuses it as empty.
  if (text.trim() === "") return null;
  if (!texts.some((block) => block.cache_control)) return text;
  return translateParts(texts.filter((block) => block.text.trim() !== ""));
}

/** One plain text is a string; everything else stays a list, with its cache breakpoints. */
function simplify(parts: openrouter.ContentPart[]): string | openrouter.ContentPart[] {
  const [only] = parts;
  const isPlain = parts.length === 1 && only?.type === "text" && !only.cache_control;
  return isPlain ? only.text : parts;
}
