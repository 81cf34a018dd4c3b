/** How an answer ends: the table of lib/translate/response/stop_reason.ts. @module */

import { assertEquals, assertThrows } from "@std/assert";
import type * as anthropic from "../../../lib/anthropic/types.ts";
import { ApiError } from "../../../lib/errors.ts";
import {
  type FinishInfo,
  FinishState,
  isModelError,
  mapStopReason,
} from "../../../lib/translate/response/stop_reason.ts";

/** finish reason, native reason, whether there was a call → stop reason. */
const ENDS: readonly (readonly [string, string, boolean, anthropic.StopReason])[] = [
  ["content_filter", "content_filter", false, "refusal"],
  ["content_filter", "SAFETY", true, "refusal"],
  ["stop", "refusal", false, "refusal"],
  ["length", "model_context_window_exceeded", false, "model_context_window_exceeded"],
  ["length", "max_tokens", false, "max_tokens"],
  ["length", "MAX_TOKENS", true, "max_tokens"],
  ["length", "", false, "max_tokens"],
  ["stop", "end_turn", false, "end_turn"],
  ["stop", "STOP", true, "tool_use"],
  ["stop", "completed", false, "end_turn"],
  ["stop", "stop_sequence", false, "stop_sequence"],
  ["stop", "stop_sequence", true, "tool_use"],
  ["end", "", false, "end_turn"],
  ["eos", "", false, "end_turn"],
  ["tool_calls", "tool_use", true, "tool_use"],
  ["tool_calls", "tool_use", false, "end_turn"],
  ["function_call", "", true, "tool_use"],
  // Words of the vendors' own servers.
  ["STOP", "", false, "end_turn"],
  ["eos_token", "", false, "end_turn"],
  ["COMPLETE", "", true, "tool_use"],
  ["model_length", "", false, "max_tokens"],
  ["MAX_TOKENS", "", true, "max_tokens"],
  ["limit", "", false, "max_tokens"],
  ["model_context_window_exceeded", "", false, "model_context_window_exceeded"],
  ["sensitive", "", false, "refusal"],
  ["SAFETY", "", true, "refusal"],
  ["guardrail_intervened", "", false, "refusal"],
  // Words nobody has documented, and none at all.
  ["banana", "", false, "end_turn"],
  ["banana", "", true, "tool_use"],
  ["constructor", "__proto__", false, "end_turn"],
  ["", "", false, "end_turn"],
  ["", "", true, "tool_use"],
];

for (const [finishReason, nativeFinishReason, hasToolUse, stopReason] of ENDS) {
  const call = hasToolUse ? "with" : "without";
  Deno.test(`'${finishReason}' (${nativeFinishReason}) ${call} a call is ${stopReason}`, () => {
    const ending = mapStopReason(toFacts({ finishReason, nativeFinishReason, hasToolUse }));
    assertEquals(ending.stop_reason, stopReason);
    assertEquals(ending.stop_details !== null, stopReason === "refusal");
    assertEquals(ending.stop_sequence, null);
  });
}

Deno.test("translateFinish names the stop sequence only where there is no doubt", () => {
  const facts = { finishReason: "stop", nativeFinishReason: "stop_sequence" };
  const named = (stopSequences: string[]) => {
    return mapStopReason(toFacts({ ...facts, stopSequences })).stop_sequence;
  };
  assertEquals(named(["END"]), "END");
  assertEquals(named(["END", "STOP"]), null);
  assertEquals(named([]), null);
});

Deno.test("translateFinish gives upstream's refusal text as the explanation", () => {
  const ending = mapStopReason(toFacts({ finishReason: "stop", refusal: "No." }));
  assertEquals(ending, {
    stop_reason: "refusal",
    stop_sequence: null,
    stop_details: { type: "refusal", category: null, explanation: "No." },
  });
});

Deno.test("a call whose arguments were cut is max_tokens, whatever the finish reason says", () => {
  for (const finishReason of ["tool_calls", "stop", "banana", ""]) {
    const facts = toFacts({ finishReason, hasToolUse: true, hasCutCall: true });
    assertEquals(mapStopReason(facts).stop_reason, "max_tokens");
  }
  const refused = toFacts({ finishReason: "content_filter", hasCutCall: true });
  assertEquals(mapStopReason(refused).stop_reason, "refusal");
});

Deno.test("endedInError names the provider's word, or upstream's where that says more than error", () => {
  assertEquals(isModelError("error", "").message, "The model ended with an error");
  assertEquals(isModelError("error", "OTHER").message, "The model ended with an error (OTHER)");
  assertEquals(isModelError("abort", "").message, "The model ended with an error (abort)");
});

const FAILURES = [
  "error",
  "ERROR_TOXIC",
  "abort",
  "aborted",
  "cancelled",
  "user_cancel",
  "timeout",
  "time_limit",
  "network_error",
  "insufficient_system_resource",
  "MALFORMED_FUNCTION_CALL",
];
for (const word of FAILURES) {
  Deno.test(`the finish reason '${word}' is an error, never a success`, () => {
    const state = new FinishState([]);
    const error = assertThrows(() => state.note({ finish_reason: word }), ApiError);
    assertEquals([error.type, error.status], ["api_error", 502]);
  });
}

Deno.test("FinishState knows a cut by the provider's word too", () => {
  const isCut = (finish_reason: string, native_finish_reason: string) => {
    const state = new FinishState([]);
    state.note({ finish_reason, native_finish_reason });
    return state.isCut;
  };
  assertEquals(isCut("tool_calls", "max_output_tokens"), true);
  assertEquals(isCut("tool_calls", "length"), true);
  assertEquals(isCut("length", ""), true);
  assertEquals(isCut("tool_calls", "tool_use"), false);
});

/** Every word that upstreams are known to use. */
const WORDS: Record<string, readonly string[]> = {
  end_turn: [
    ...["stop", "tool_calls", "function_call", "end", "eos", "eos_token", "end_turn", "complete"],
    ...["completed", "stop_sequence", "tool_call", "tool_use"],
  ],
  max_tokens: [
    ...["length", "max_tokens", "max_output_tokens", "model_length", "token_limit", "limit"],
  ],
  model_context_window_exceeded: ["model_context_window_exceeded"],
  refusal: [
    ...["content_filter", "sensitive", "refusal", "guardrail_intervened", "content_filtered"],
    ...["safety", "recitation", "blocklist", "prohibited_content", "spii"],
  ],
};
for (const [stopReason, words] of Object.entries(WORDS)) {
  Deno.test(`${words.length} known words mean ${stopReason}, and none of them is reported as unknown`, () => {
    for (const finish_reason of words) {
      const state = new FinishState([]);
      state.note({ finish_reason });
      const ending = state.translate({ hasToolUse: false, hasCutCall: false });
      assertEquals([ending.stop_reason, state.unknownWord], [stopReason, null], finish_reason);
    }
  });
}

Deno.test("a finish reason that only contains a word of failure is no failure", () => {
  for (const finish_reason of ["no_error", "uncancelled", "prefail"]) {
    const state = new FinishState([]);
    state.note({ finish_reason });
    assertEquals(state.unknownWord, finish_reason);
  }
});

Deno.test("FinishState names a finish reason that is not in the table, and no other", () => {
  const unknown = (finish_reason: string) => {
    const state = new FinishState([]);
    state.note({ finish_reason });
    return state.unknownWord;
  };
  assertEquals(["stop", "LENGTH", "", "banana"].map(unknown), [null, null, null, "banana"]);
});

function toFacts(facts: Partial<FinishInfo>): FinishInfo {
  return {
    finishReason: "stop",
    nativeFinishReason: "",
    hasToolUse: false,
    refusal: "",
    stopSequences: [],
    ...facts,
  };
}
