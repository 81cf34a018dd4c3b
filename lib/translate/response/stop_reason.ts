/**
 * Maps finish reasons to stop reasons. Pure.
 * `FinishState` collects the finish data of a response's chunks.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import { ApiError } from "../../errors.ts";
import { toText } from "../../json.ts";
import type * as openrouter from "../../openrouter/types.ts";

/**
 * Finish reasons of a model that finished its text or called tools, in lower case. Unknown ones count as such too, but
 * are reported.
 */
const STOPS: ReadonlySet<string> = new Set([
  "stop",
  "tool_calls",
  "function_call",
  // Older llama.cpp, TGI, Together, watsonx, Bedrock, Cohere, Anthropic.
  "end",
  "eos",
  "eos_token",
  "end_turn",
  "complete",
  "completed",
  "stop_sequence",
  "tool_call",
  "tool_use",
]);

/** The meanings of other finish reasons of OpenRouter and of other servers, in lower case. */
const FINISHES: ReadonlyMap<string, "length" | "window" | "refusal"> = new Map([
  ["length", "length"],
  // Gemini, Bedrock, Cohere; Mistral; watsonx; older llama.cpp.
  ["max_tokens", "length"],
  ["max_output_tokens", "length"],
  ["model_length", "length"],
  ["token_limit", "length"],
  ["limit", "length"],
  ["model_context_window_exceeded", "window"],
  ["content_filter", "refusal"],
  // Z.ai; Anthropic; Bedrock; Gemini.
  ["sensitive", "refusal"],
  ["refusal", "refusal"],
  ["guardrail_intervened", "refusal"],
  ["content_filtered", "refusal"],
  ["safety", "refusal"],
  ["recitation", "refusal"],
  ["blocklist", "refusal"],
  ["prohibited_content", "refusal"],
  ["spii", "refusal"],
]);

/** Finish reasons of failed responses: vLLM `abort`, DeepSeek `insufficient_system_resource`, Z.ai `network_error`, … */
const FAILURE =
  /^(user_)?(error|abort|cancel|time_?out|time_limit|network|insufficient|fail|malformed)/i;

/** The data from which the stop reason of a response follows. */
export interface FinishInfo {
  /** "" if upstream sent none. */
  finishReason: string;
  /** The provider's own finish reason, which is more precise than OpenRouter's. */
  nativeFinishReason: string;
  /** Whether the response has at least one tool call. */
  hasToolUse: boolean;
  /** Whether the arguments of a call were cut off, whatever the finish reason is. */
  hasCutCall?: boolean;
  /** Upstream's refusal text, or "". */
  refusal: string;
  /** The request's stop sequences. */
  stopSequences: readonly string[];
  /** The matched one, if upstream reports it or the text was cut there. */
  matchedStop?: string | undefined;
}

/**
 * The `message_delta` body for the end of a response. An unknown finish reason counts as `stop`: the response is
 * there and paid for, and clients would retry after an error.
 */
export function mapStopReason(info: FinishInfo): anthropic.MessageDelta {
  const { finishReason, nativeFinishReason } = info;
  const finish = lookUp(finishReason);
  if (info.refusal !== "" || finish === "refusal" || lookUp(nativeFinishReason) === "refusal") {
    return toRefusal(info);
  }
  if (finish === "window" || (finish === "length" && lookUp(nativeFinishReason) === "window")) {
    return toMessageDelta("model_context_window_exceeded");
  }
  if (finish === "length" || info.hasCutCall) return toMessageDelta("max_tokens");
  // Gemini sends `stop` after calls, others `tool_calls` without one: the blocks decide.
  if (info.hasToolUse) return toMessageDelta("tool_use");
  if (info.matchedStop !== undefined || nativeFinishReason === "stop_sequence") {
    return toStopSequence(info);
  }
  return toMessageDelta("end_turn");
}

/** The error for a response that failed without an error message, e.g. after a malformed function call. */
export function modelError(finishReason: string, nativeFinishReason: string): ApiError {
  const reason = nativeFinishReason || (finishReason === "error" ? "" : finishReason);
  const suffix = reason === "" ? "" : ` (${reason})`;
  return new ApiError("api_error", `The model ended with an error${suffix}`, { status: 502 });
}

/** Collects the finish data of one response's chunks. */
export class FinishState {
  readonly #stopSequences: readonly string[];
  #finishReason = "";
  #nativeFinishReason = "";
  #refusal = "";
  #matchedStop: string | undefined;

  constructor(stopSequences: readonly string[]) {
    this.#stopSequences = stopSequences;
  }

  /** Whether a finish reason has arrived. */
  get isKnown(): boolean {
    return this.#finishReason !== "";
  }

  /** Whether the token limit ended the response. OpenRouter sends `tool_calls` for a call that was cut by it. */
  get isCut(): boolean {
    return lookUp(this.#finishReason) === "length" || lookUp(this.#nativeFinishReason) === "length";
  }

  /** The finish reason, if its meaning is unknown. */
  get unknownReason(): string | null {
    const reason = this.#finishReason;
    const isUnknown = !STOPS.has(reason.toLowerCase()) && lookUp(reason) === undefined;
    return this.isKnown && isUnknown ? reason : null;
  }

  /** Adds the data of a choice. @throws {ApiError} if its finish reason reports a failure */
  add(choice: openrouter.Choice): void {
    this.#nativeFinishReason = toText(choice.native_finish_reason) || this.#nativeFinishReason;
    const reason = toText(choice.finish_reason);
    // Nearly all chunks have no finish reason, or "".
    if (reason === "") return;
    if (FAILURE.test(reason)) throw modelError(reason, this.#nativeFinishReason);
    this.#finishReason = reason;
    this.#matchedStop ??= this.#stopSequences.find((stop) =>
      stop === choice.stop_reason || stop === choice.matched_stop
    );
  }

  addRefusal(text: string): void {
    this.#refusal += text;
  }

  /** Records that the proxy ended the response, at a stop sequence or at the client's token limit. */
  endEarly(end: { matchedStop: string } | "length"): void {
    this.#finishReason = end === "length" ? "length" : "stop";
    this.#nativeFinishReason = "";
    if (end !== "length") this.#matchedStop = end.matchedStop;
  }

  translate(calls: { hasToolUse: boolean; hasCutCall: boolean }): anthropic.MessageDelta {
    return mapStopReason({
      ...calls,
      finishReason: this.#finishReason,
      nativeFinishReason: this.#nativeFinishReason,
      refusal: this.#refusal,
      stopSequences: this.#stopSequences,
      matchedStop: this.#matchedStop,
    });
  }
}

/** The meaning of a finish reason; undefined for those of {@linkcode STOPS} and for unknown ones. */
function lookUp(reason: string): "length" | "window" | "refusal" | undefined {
  return FINISHES.get(reason.toLowerCase());
}

function toMessageDelta(stopReason: anthropic.StopReason): anthropic.MessageDelta {
  return { stop_reason: stopReason, stop_sequence: null, stop_details: null };
}

/** OpenRouter does not report which sequence matched; it is known if the request has only one. */
function toStopSequence({ stopSequences, matchedStop }: FinishInfo): anthropic.MessageDelta {
  const only = stopSequences.length === 1 ? stopSequences[0] : undefined;
  return {
    stop_reason: "stop_sequence",
    stop_sequence: matchedStop ?? only ?? null,
    stop_details: null,
  };
}

function toRefusal({ refusal }: FinishInfo): anthropic.MessageDelta {
  return {
    stop_reason: "refusal",
    stop_sequence: null,
    stop_details: { type: "refusal", category: null, explanation: refusal || null },
  };
}
