/** Tests the mapping of finish reasons: lib/translate/response/stop_reason.ts. @module */

import { assertEquals, assertThrows } from "@std/assert";
import type * as anthropic from "../../../lib/anthropic/types.ts";
import { ApiError } from "../../../lib/errors.ts";
import {
  type FinishInfo,
  FinishState,
  mapStopReason,
  modelError,
} from "../../../lib/translate/response/stop_reason.ts";
import { translateChunks } from "../../helpers/translator.ts";

/** Finish reason, native finish reason, whether there is a tool call → stop reason. */
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
  // Finish reasons of other servers than OpenRouter.
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
  // Undocumented finish reasons, and no finish reason.
  ["banana", "", false, "end_turn"],
  ["banana", "", true, "tool_use"],
  ["constructor", "__proto__", false, "end_turn"],
  ["", "", false, "end_turn"],
  ["", "", true, "tool_use"],
];

for (const [finishReason, nativeFinishReason, hasToolUse, stopReason] of ENDS) {
  const call = hasToolUse ? "with" : "without";
  Deno.test(`'${finishReason}' (${nativeFinishReason}) ${call} a tool call is ${stopReason}`, () => {
    const delta = mapStopReason(createInfo({ finishReason, nativeFinishReason, hasToolUse }));
    assertEquals(delta.stop_reason, stopReason);
    assertEquals(delta.stop_details !== null, stopReason === "refusal");
    assertEquals(delta.stop_sequence, null);
  });
}

Deno.test("mapStopReason reports the stop sequence only if the request has one", () => {
  const info = { finishReason: "stop", nativeFinishReason: "stop_sequence" };
  const reported = (stopSequences: string[]) => {
    return mapStopReason(createInfo({ ...info, stopSequences })).stop_sequence;
  };
  assertEquals(reported(["END"]), "END");
  assertEquals(reported(["END", "STOP"]), null);
  assertEquals(reported([]), null);
});

Deno.test("mapStopReason returns upstream's refusal text as the explanation", () => {
  const delta = mapStopReason(createInfo({ finishReason: "stop", refusal: "No." }));
  assertEquals(delta, {
    stop_reason: "refusal",
    stop_sequence: null,
    stop_details: { type: "refusal", category: null, explanation: "No." },
  });
});

Deno.test("mapStopReason returns max_tokens for a cut call, whatever the finish reason is", () => {
  for (const finishReason of ["tool_calls", "stop", "banana", ""]) {
    const info = createInfo({ finishReason, hasToolUse: true, hasCutCall: true });
    assertEquals(mapStopReason(info).stop_reason, "max_tokens");
  }
  const refused = createInfo({ finishReason: "content_filter", hasCutCall: true });
  assertEquals(mapStopReason(refused).stop_reason, "refusal");
});

Deno.test("modelError quotes the provider's finish reason, or upstream's unless that is just error", () => {
  assertEquals(modelError("error", "").message, "The model ended with an error");
  assertEquals(modelError("error", "OTHER").message, "The model ended with an error (OTHER)");
  assertEquals(modelError("abort", "").message, "The model ended with an error (abort)");
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
for (const reason of FAILURES) {
  Deno.test(`the finish reason '${reason}' is an error`, () => {
    const state = new FinishState([]);
    const error = assertThrows(() => state.add({ finish_reason: reason }), ApiError);
    assertEquals([error.type, error.status], ["api_error", 502]);
  });
}

Deno.test("FinishState also detects the token limit by the native finish reason", () => {
  const isCut = (finish_reason: string, native_finish_reason: string) => {
    const state = new FinishState([]);
    state.add({ finish_reason, native_finish_reason });
    return state.isCut;
  };
  assertEquals(isCut("tool_calls", "max_output_tokens"), true);
  assertEquals(isCut("tool_calls", "length"), true);
  assertEquals(isCut("length", ""), true);
  assertEquals(isCut("tool_calls", "tool_use"), false);
});

/** All known finish reasons. */
const REASONS: Record<string, readonly string[]> = {
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
for (const [stopReason, reasons] of Object.entries(REASONS)) {
  Deno.test(`${reasons.length} known finish reasons mean ${stopReason}, and are not reported as unknown`, () => {
    for (const finish_reason of reasons) {
      const state = new FinishState([]);
      state.add({ finish_reason });
      const delta = state.translate({ hasToolUse: false, hasCutCall: false });
      assertEquals([delta.stop_reason, state.unknownReason], [stopReason, null], finish_reason);
    }
  });
}

Deno.test("a finish reason that only contains a failure word is not an error", () => {
  for (const finish_reason of ["no_error", "uncancelled", "prefail"]) {
    const state = new FinishState([]);
    state.add({ finish_reason });
    assertEquals(state.unknownReason, finish_reason);
  }
});

Deno.test("FinishState reports a finish reason that is not in the table, and no other", () => {
  const unknown = (finish_reason: string) => {
    const state = new FinishState([]);
    state.add({ finish_reason });
    return state.unknownReason;
  };
  assertEquals(["stop", "STOP", "Tool_Calls", "LENGTH", ""].map(unknown), [
    ...[null, null, null, null, null],
  ]);
  assertEquals(["banana", "Banana"].map(unknown), ["banana", "Banana"]);
});

Deno.test("FinishState names the provider's reason for a failure, also from an earlier chunk", () => {
  const fail = (native: unknown, finish_reason: string) => {
    const state = new FinishState([]);
    state.add({ native_finish_reason: "EARLIER" });
    const odd = JSON.parse(JSON.stringify({ finish_reason, native_finish_reason: native }));
    return assertThrows(() => state.add(odd), ApiError).message;
  };
  assertEquals(fail("OTHER", "error"), "The model ended with an error (OTHER)");
  for (const native of [undefined, null, "", 7]) {
    assertEquals(fail(native, "error"), "The model ended with an error (EARLIER)");
  }
  assertEquals(modelError("abort", "").status, 502);
});

Deno.test("FinishState ignores a finish reason that is not a string", () => {
  for (const finish_reason of [null, undefined, "", 7, {}]) {
    const state = new FinishState([]);
    state.add(JSON.parse(JSON.stringify({ finish_reason })));
    assertEquals([state.isKnown, state.unknownReason, state.isCut], [false, null, false]);
  }
});

/** Fields of a choice → the stop sequence that matched, of END, STOP and the empty one. */
const MATCHED: [choice: Record<string, unknown>, matched: string | null][] = [
  [{ stop_reason: "END" }, "END"],
  [{ stop_reason: "STOP" }, "STOP"],
  [{ matched_stop: "STOP" }, "STOP"],
  [{ stop_reason: "END", matched_stop: "STOP" }, "END"],
  [{ stop_reason: "other" }, null],
  [{ stop_reason: 128_001 }, null],
  [{}, null],
];

for (const [choice, matched] of MATCHED) {
  Deno.test(`FinishState reads the matched stop sequence from ${JSON.stringify(choice)}`, () => {
    const state = new FinishState(["END", "STOP"]);
    state.add({ finish_reason: "stop", ...choice });
    const { stop_reason, stop_sequence } = end(state);
    assertEquals(
      [stop_reason, stop_sequence],
      [matched === null ? "end_turn" : "stop_sequence", matched],
    );
  });
}

Deno.test("FinishState keeps the first matched stop sequence, and the last finish reason", () => {
  const state = new FinishState(["END", "STOP"]);
  state.add({ finish_reason: "stop", stop_reason: "END" });
  state.add({ finish_reason: "stop", stop_reason: "STOP" });
  assertEquals(end(state).stop_sequence, "END");
  state.add({ finish_reason: "length" });
  assertEquals(end(state).stop_reason, "max_tokens");
});

Deno.test("an end by the proxy replaces upstream's finish reasons", () => {
  for (const native_finish_reason of ["max_tokens", "refusal", "model_context_window_exceeded"]) {
    const state = new FinishState(["END"]);
    state.add({ finish_reason: "length", native_finish_reason });
    state.endEarly({ matchedStop: "END" });
    assertEquals([state.isKnown, state.isCut, state.unknownReason], [true, false, null]);
    assertEquals(end(state), {
      stop_reason: "stop_sequence",
      stop_sequence: "END",
      stop_details: null,
    });
  }
  const limited = new FinishState(["END"]);
  limited.endEarly("length");
  assertEquals([limited.isKnown, limited.isCut], [true, true]);
  assertEquals(end(limited), {
    stop_reason: "max_tokens",
    stop_sequence: null,
    stop_details: null,
  });
});

Deno.test("FinishState joins the parts of a refusal", () => {
  const state = new FinishState([]);
  state.add({ finish_reason: "stop" });
  for (const text of ["I ", "", "cannot."]) state.addRefusal(text);
  assertEquals(end(state).stop_details, {
    type: "refusal",
    category: null,
    explanation: "I cannot.",
  });
});

Deno.test("a refusal without a text has no explanation", () => {
  const delta = mapStopReason(createInfo({ finishReason: "content_filter" }));
  assertEquals(delta.stop_details, { type: "refusal", category: null, explanation: null });
});

Deno.test("only the provider's own stop_sequence names the sequence without a match", () => {
  const report = (info: Partial<FinishInfo>) => {
    const { stop_reason, stop_sequence } = mapStopReason(createInfo(info));
    return [stop_reason, stop_sequence];
  };
  const stopSequences = ["END"];
  assertEquals(report({ stopSequences }), ["end_turn", null]);
  assertEquals(report({ stopSequences, matchedStop: "" }), ["stop_sequence", ""]);
  assertEquals(report({ stopSequences, nativeFinishReason: "stop_sequence" }), [
    "stop_sequence",
    "END",
  ]);
  assertEquals(report({ finishReason: "stop", nativeFinishReason: "length" }), ["end_turn", null]);
  assertEquals(
    report({ finishReason: "stop", nativeFinishReason: "model_context_window_exceeded" }),
    ["end_turn", null],
  );
});

function end(state: FinishState) {
  return state.translate({ hasToolUse: false, hasCutCall: false });
}

function createInfo(info: Partial<FinishInfo>): FinishInfo {
  return {
    finishReason: "stop",
    nativeFinishReason: "",
    hasToolUse: false,
    refusal: "",
    stopSequences: [],
    ...info,
  };
}

Deno.test("StreamTranslator keeps both finish reasons if a later chunk has none", () => {
  const { stop_reason, stop_sequence } = translateChunks(
    { choices: [{ delta: { content: "Hi" } }] },
    { choices: [{ delta: {}, finish_reason: "stop", native_finish_reason: "stop_sequence" }] },
    { choices: [{ delta: {}, finish_reason: null, native_finish_reason: null }] },
  );
  assertEquals([stop_reason, stop_sequence], ["stop_sequence", "END"]);
});
