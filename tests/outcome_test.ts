/** Ends and usage: the two tables of lib/translate/outcome.ts. @module */

import { assertEquals, assertThrows } from "@std/assert";
import type * as anthropic from "../lib/anthropic/types.ts";
import { ApiError } from "../lib/errors.ts";
import {
  endedInError,
  estimateUsage,
  type FinishFacts,
  translateFinish,
  translateUsage,
} from "../lib/translate/outcome.ts";

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
];

for (const [finishReason, nativeFinishReason, hasToolUse, stopReason] of ENDS) {
  const call = hasToolUse ? "with" : "without";
  Deno.test(`'${finishReason}' (${nativeFinishReason}) ${call} a call is ${stopReason}`, () => {
    const ending = translateFinish(toFacts({ finishReason, nativeFinishReason, hasToolUse }));
    assertEquals(ending.stop_reason, stopReason);
    assertEquals(ending.stop_details !== null, stopReason === "refusal");
    assertEquals(ending.stop_sequence, null);
  });
}

Deno.test("translateFinish never makes up a success for a word nobody knows", () => {
  for (const finishReason of ["banana", "STOP", "error", "null"]) {
    const error = assertThrows(() => translateFinish(toFacts({ finishReason })), ApiError);
    assertEquals([error.type, error.status], ["api_error", 502]);
  }
});

Deno.test("translateFinish names the stop sequence only where there is no doubt", () => {
  const facts = { finishReason: "stop", nativeFinishReason: "stop_sequence" };
  const named = (stopSequences: string[]) => {
    return translateFinish(toFacts({ ...facts, stopSequences })).stop_sequence;
  };
  assertEquals(named(["END"]), "END");
  assertEquals(named(["END", "STOP"]), null);
  assertEquals(named([]), null);
});

Deno.test("translateFinish gives upstream's refusal text as the explanation", () => {
  const ending = translateFinish(toFacts({ finishReason: "stop", refusal: "No." }));
  assertEquals(ending, {
    stop_reason: "refusal",
    stop_sequence: null,
    stop_details: { type: "refusal", category: null, explanation: "No." },
  });
});

Deno.test("endedInError names the native reason where there is one", () => {
  assertEquals(endedInError("").message, "The model ended with an error");
  assertEquals(endedInError("OTHER").message, "The model ended with an error (OTHER)");
});

/** prompt, cached, written → input, read, created. */
const CACHES: readonly (readonly [number, number, number, number, number, number])[] = [
  [100, 0, 0, 100, 0, 0],
  [100, 60, 30, 10, 60, 30],
  [9128, 0, 9116, 12, 0, 9116],
  [15, 14, 0, 1, 14, 0],
  [10, 64, 0, 0, 64, 0],
  [120, 120, 100, 0, 20, 100],
  [0, 0, 0, 0, 0, 0],
];

for (const [prompt, cached, written, input, read, created] of CACHES) {
  Deno.test(`of ${prompt} prompt tokens, ${cached} cached and ${written} written, ${input} are input`, () => {
    const usage = translateUsage({
      prompt_tokens: prompt,
      completion_tokens: 7,
      prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
    });
    assertEquals(usage, {
      input_tokens: input,
      output_tokens: 7,
      cache_creation_input_tokens: created,
      cache_read_input_tokens: read,
      ...(created > 0 && {
        cache_creation: { ephemeral_5m_input_tokens: created, ephemeral_1h_input_tokens: 0 },
      }),
    });
  });
}

Deno.test("translateUsage tells cache writes by how long they are kept", () => {
  const usage = { prompt_tokens: 100, prompt_tokens_details: { cache_write_tokens: 30 } };
  assertEquals(translateUsage(usage, "1h").cache_creation, {
    ephemeral_5m_input_tokens: 0,
    ephemeral_1h_input_tokens: 30,
  });
});

Deno.test("translateUsage makes whole numbers from 0 up of whatever upstream sent", () => {
  const odd = '{"prompt_tokens":"12","completion_tokens":1e999,"prompt_tokens_details":' +
    '{"cached_tokens":-4,"cache_write_tokens":"x"},"completion_tokens_details":{"reasoning_tokens":null}}';
  assertEquals(translateUsage(JSON.parse(odd)), {
    input_tokens: 12,
    output_tokens: 0,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
  });
});

Deno.test("translateUsage tells thinking tokens only where there were some", () => {
  const details = (reasoning: number) => {
    const usage = { completion_tokens_details: { reasoning_tokens: reasoning } };
    return translateUsage(usage).output_tokens_details;
  };
  assertEquals(details(9), { thinking_tokens: 9 });
  assertEquals(details(0), undefined);
});

Deno.test("estimateUsage never says that nothing was used", () => {
  assertEquals(estimateUsage(0, 0).input_tokens, 1);
  assertEquals(estimateUsage(0, 0).output_tokens, 1);
});

function toFacts(facts: Partial<FinishFacts>): FinishFacts {
  return {
    finishReason: "stop",
    nativeFinishReason: "",
    hasToolUse: false,
    refusal: "",
    stopSequences: [],
    ...facts,
  };
}
