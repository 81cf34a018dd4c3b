/**
 * How an answer ended: finish reason → stop reason. Pure.
 * The table of words is here; `FinishState` collects what chunks say of the end.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import { ApiError } from "../../errors.ts";
import { toText } from "../../json.ts";
import type * as openrouter from "../../openrouter/types.ts";

/** What a finish reason means. `stop`: the model had no more to say, or called tools. */
type Finish = "stop" | "length" | "window" | "refusal";

/** Finish reasons of OpenRouter and of the vendors' own servers, in lower case. */
const FINISHES: Readonly<Record<string, Finish>> = {
  stop: "stop",
  tool_calls: "stop",
  function_call: "stop",
  // Older llama.cpp, TGI, Together, watsonx, Bedrock, Cohere, Anthropic.
  end: "stop",
  eos: "stop",
  eos_token: "stop",
  end_turn: "stop",
  complete: "stop",
  completed: "stop",
  stop_sequence: "stop",
  tool_call: "stop",
  tool_use: "stop",
  length: "length",
  // Gemini, Bedrock, Cohere; Mistral; watsonx; older llama.cpp.
  max_tokens: "length",
  max_output_tokens: "length",
  model_length: "length",
  token_limit: "length",
  limit: "length",
  model_context_window_exceeded: "window",
  content_filter: "refusal",
  // Z.ai; Anthropic; Bedrock; Gemini.
  sensitive: "refusal",
  refusal: "refusal",
  guardrail_intervened: "refusal",
  content_filtered: "refusal",
  safety: "refusal",
  recitation: "refusal",
  blocklist: "refusal",
  prohibited_content: "refusal",
  spii: "refusal",
};

/** Words for answers that failed: vLLM `abort`, DeepSeek `insufficient_system_resource`, Z.ai `network_error`, … */
const FAILURE =
  /^(user_)?(error|abort|cancel|time_?out|time_limit|network|insufficient|fail|malformed)/i;

/** The facts at the end of an answer from which its stop reason follows. */
export interface FinishInfo {
  /** "" where upstream gave none. */
  finishReason: string;
  /** The provider's own word, which tells some ends apart that OpenRouter's does not. */
  nativeFinishReason: string;
  /** Whether the answer holds at least one tool call. */
  hasToolUse: boolean;
  /** Whether the arguments of a call were cut off, whatever the finish reason says. */
  hasCutCall?: boolean;
  /** Upstream's refusal text; "" where there was none. */
  refusal: string;
  /** The stop sequences the client asked for. */
  stopSequences: readonly string[];
  /** The one that was met, where upstream says so or the text was cut there. */
  matchedStop?: string | undefined;
}

/**
 * The end of an answer in Anthropic's terms. A word that is not in the table counts as `stop`: the answer is
 * there and paid for, and a client that reads an error asks for it again.
 */
export function mapStopReason(facts: FinishInfo): anthropic.MessageDelta {
  const { finishReason, nativeFinishReason } = facts;
  const finish = lookUp(finishReason) ?? "stop";
  if (facts.refusal !== "" || finish === "refusal" || lookUp(nativeFinishReason) === "refusal") {
    return toRefusal(facts);
  }
  if (finish === "window" || (finish === "length" && lookUp(nativeFinishReason) === "window")) {
    return toEnding("model_context_window_exceeded");
  }
  if (finish === "length" || facts.hasCutCall) return toEnding("max_tokens");
  // Gemini says `stop` after calls, others `tool_calls` without one; what was sent decides.
  if (facts.hasToolUse) return toEnding("tool_use");
  if (facts.matchedStop !== undefined || nativeFinishReason === "stop_sequence") {
    return toStopSequence(facts);
  }
  return toEnding("end_turn");
}

/** The error for an answer that failed without any further words, e.g. after a malformed function call. */
export function isModelError(finishReason: string, nativeFinishReason: string): ApiError {
  const word = nativeFinishReason || (finishReason === "error" ? "" : finishReason);
  const native = word === "" ? "" : ` (${word})`;
  return new ApiError("api_error", `The model ended with an error${native}`, { status: 502 });
}

/** What the chunks of one answer say about its end. */
export class FinishState {
  readonly #stopSequences: readonly string[];
  #finishReason = "";
  #nativeFinishReason = "";
  #refusal = "";
  #matchedStop: string | undefined;

  constructor(stopSequences: readonly string[]) {
    this.#stopSequences = stopSequences;
  }

  /** Whether a finish reason has come. */
  get isKnown(): boolean {
    return this.#finishReason !== "";
  }

  /** Whether the token limit ended the answer. OpenRouter says `tool_calls` for a call cut by it. */
  get isCut(): boolean {
    return [this.#finishReason, this.#nativeFinishReason].some((word) => lookUp(word) === "length");
  }

  /** The finish reason, where it is not one of the table. */
  get unknownWord(): string | null {
    return this.isKnown && lookUp(this.#finishReason) === undefined ? this.#finishReason : null;
  }

  /** Takes in a choice. @throws {ApiError} where its finish reason says that the answer failed */
  note(choice: openrouter.Choice): void {
    this.#nativeFinishReason = toText(choice.native_finish_reason) || this.#nativeFinishReason;
    const word = toText(choice.finish_reason);
    // "" counts as not given; a repeated one changes nothing. Nearly all chunks have none.
    if (word === "") return;
    if (FAILURE.test(word)) throw isModelError(word, this.#nativeFinishReason);
    this.#finishReason = word;
    this.#matchedStop ??= this.#stopSequences.find((stop) =>
      stop === choice.stop_reason || stop === choice.matched_stop
    );
  }

  addRefusal(text: string): void {
    this.#refusal += text;
  }

  /** The answer was ended here: at a stop sequence, or at the client's token limit. */
  endHere(end: { matchedStop: string } | "length"): void {
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

function lookUp(word: string): Finish | undefined {
  const key = word.toLowerCase();
  return Object.hasOwn(FINISHES, key) ? FINISHES[key] : undefined;
}

function toEnding(stopReason: anthropic.StopReason): anthropic.MessageDelta {
  return { stop_reason: stopReason, stop_sequence: null, stop_details: null };
}

/** OpenRouter does not say which sequence was met; with one asked for there is no doubt. */
function toStopSequence({ stopSequences, matchedStop }: FinishInfo): anthropic.MessageDelta {
  const only = stopSequences.length === 1 ? stopSequences[0] : undefined;
  return {
    stop_reason: "stop_sequence",
    stop_sequence: matchedStop ?? only ?? null,
    stop_details: null,
  };
}

function toRefusal(facts: FinishInfo): anthropic.MessageDelta {
  return {
    stop_reason: "refusal",
    stop_sequence: null,
    stop_details: { type: "refusal", category: null, explanation: facts.refusal || null },
  };
}
