/**
 * Tests the response fixtures in tests/fixtures: the message that translateResponse makes of the completion, and that
 * a stream with the same content, in one chunk or in many, gives the same message.
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import type { Message, StreamEvent } from "../../../lib/anthropic/types.ts";
import { ApiError } from "../../../lib/errors.ts";
import { isJsonObject, type JsonObject } from "../../../lib/json.ts";
import { createEventStream } from "../../../lib/stream/event_stream.ts";
import {
  collectMessage,
  toPrefillOnlyMessage,
  translateCompletion,
  translateResponse,
} from "../../../lib/translate/response/message.ts";
import {
  type ExpectedError,
  loadResponseCases,
  type ResponseCase,
} from "../../helpers/fixtures.ts";
import { checkGrammar } from "../../helpers/grammar.ts";
import { parseSse, toBody } from "../../helpers/sse.ts";
import { createTranslator } from "../../helpers/translator.ts";

const cases = loadResponseCases();
/** Calls cut by the token limit: a complete message omits them, a stream closes them as they are. */
const CUT_CALLS = "finish_reasons/cut_calls.responses#";

for (const fixture of cases) {
  const { name, about, completion, options } = fixture;

  Deno.test(`translateResponse: ${about} (${name})`, () => {
    check(fixture, () => translateResponse(completion, createTranslator(options)));
  });

  const chunk = toChunk(completion);
  if (chunk !== null) {
    Deno.test(`a stream of one chunk gives the same message as the completion ${name}`, () => {
      check(fixture, () => {
        const translator = createTranslator(options);
        const events = [...translator.push(chunk), ...translator.finish({ isDone: true })];
        return collectStream(events, name);
      });
    });
  }

  const chunks = toChunks(completion);
  if (chunks.length > 0) {
    Deno.test(`a stream of ${chunks.length} chunks gives the same message as the completion ${name}`, async () => {
      const events = await streamEvents(chunks, options);
      const last = events.at(-1);
      if (fixture.error !== undefined) {
        assert(last?.type === "error", `${last?.type} instead of an error`);
        const { type, message } = fixture.error;
        assertEquals(last.error.type, type);
        if (message !== undefined) assertEquals(last.error.message, message);
        return;
      }
      checkGrammar(events);
      const message = collectStream(events, name);
      // The stream is cancelled at the stop sequence, before its usage arrives.
      const usage = name === "stop_sequences/enforced.response"
        ? fixture.message?.usage
        : message.usage;
      assertEquals(toJson({ ...message, usage: usage ?? message.usage }), { ...fixture.message });
    });
  }

  if (fixture.message !== undefined) {
    Deno.test(`the events of translateCompletion for ${name} follow the stream grammar`, () => {
      checkGrammar(translateCompletion(completion, createTranslator(options)));
    });
  }
}

Deno.test("every response fixture expects a message or an error, and has its own description", () => {
  for (const { name, message, error } of cases) {
    assert((message === undefined) !== (error === undefined), name);
  }
  assertEquals(new Set(cases.map(({ about }) => about)).size, cases.length);
});

Deno.test("every response fixture with a message is also streamed in several chunks", () => {
  const streamed = cases.filter(({ completion }) => toChunks(completion).length >= 3);
  const messages = cases.filter(({ message }) => message !== undefined);
  assertEquals(messages.filter((one) => !streamed.includes(one)).map(({ name }) => name), []);
});

Deno.test("translateResponse does not quote an HTML page that upstream sent instead of a completion", () => {
  const page = "<html><body>secret-host 10.0.0.7</body></html>";
  const error = assertThrows(() => translateResponse(page, createTranslator()), ApiError);
  assertEquals(error.message.includes("10.0.0.7"), false);
});

Deno.test("translateResponse keeps __proto__ in tool input as data", () => {
  const call = { id: "call_a", function: { name: "Go", arguments: '{"__proto__":{"x":1}}' } };
  const completion = { choices: [{ message: { tool_calls: [call] }, finish_reason: "stop" }] };
  const [block] = translateResponse(completion, createTranslator()).content;
  assert(block?.type === "tool_use");
  assertEquals(JSON.stringify(block.input), '{"__proto__":{"x":1}}');
  assertEquals(Object.getPrototypeOf({}).x, undefined);
});

Deno.test("toPrefillOnlyMessage replaces the content and the stop reason, nothing else", () => {
  const completion = { choices: [{ message: { content: "Hi" }, finish_reason: "stop" }] };
  const message = translateResponse(completion, createTranslator());
  const stopped = { ...message, stop_reason: "stop_sequence" as const, stop_sequence: "END" };
  assertEquals(toPrefillOnlyMessage(stopped), {
    ...message,
    content: [],
    stop_reason: "max_tokens",
  });
});

const INVALID: [completion: unknown, problem: string][] = [
  ...[null, 7, "x", []].map((odd): [unknown, string] => [odd, "is not a JSON object"]),
  ...[{}, { choices: [] }, { choices: null }, { choices: {} }].map((odd): [unknown, string] => [
    odd,
    "has no choices",
  ]),
];

for (const [completion, problem] of INVALID) {
  Deno.test(`translateResponse rejects the completion ${JSON.stringify(completion)}, which ${problem} (502)`, () => {
    const error = assertThrows(() => translateResponse(completion, createTranslator()), ApiError);
    assertEquals([error.type, error.status], ["api_error", 502]);
    assertEquals(error.message, `The upstream response ${problem}`);
  });
}

function check({ message, error }: ResponseCase, translate: () => Message): void {
  if (error === undefined) {
    assertEquals(toJson(translate()), message);
    return;
  }
  const thrown = assertThrows(translate);
  assertInstanceOf(thrown, ApiError);
  const optional = error.message === undefined ? {} : { message: thrown.message };
  assertEquals<ExpectedError>({ type: thrown.type, status: thrown.status, ...optional }, error);
}

/** The message as the client receives it: fields that are undefined are not sent. */
function toJson(message: Message): unknown {
  return JSON.parse(JSON.stringify(message));
}

/** The completion as a chunk, with `delta` instead of `message`; null if it is not an object. */
function toChunk(completion: unknown): Record<string, unknown> | null {
  if (!isJsonObject(completion)) return null;
  const { choices } = completion;
  if (!Array.isArray(choices)) return { ...completion };
  const renamed = choices.map((choice: unknown) => {
    if (!isJsonObject(choice)) return choice;
    const { message, ...rest } = choice;
    return { ...rest, delta: message };
  });
  return { ...completion, choices: renamed };
}

/**
 * The completion as a stream of a few chunks: a role, reasoning, text in halves, the other fields of the message, calls
 * with their arguments in halves, the finish reason, and usage. Empty if no choice has a message.
 */
function toChunks(completion: unknown): JsonObject[] {
  if (!isJsonObject(completion) || !Array.isArray(completion["choices"])) return [];
  const { choices: [choice], usage, ...top } = completion;
  if (!isJsonObject(choice) || !isJsonObject(choice["message"])) return [];
  const { message, finish_reason, native_finish_reason, ...rest } = choice;
  if (!isJsonObject(message)) return [];
  const deltas = [{ role: "assistant", content: "" }, ...toDeltas(message)];
  return [
    ...deltas.map((delta) => ({ ...top, choices: [{ ...rest, delta, finish_reason: null }] })),
    { ...top, choices: [{ ...rest, delta: {}, finish_reason, native_finish_reason }] },
    ...(usage === undefined ? [] : [{ ...top, choices: [], usage }]),
  ];
}

function toDeltas(message: JsonObject): JsonObject[] {
  const { content, reasoning, reasoning_details: details, tool_calls: calls, ...rest } = message;
  const { role: _role, ...more } = rest;
  const asList = (value: unknown): unknown[] => Array.isArray(value) ? value : [];
  return [
    // The plain copy is sent only without entries; otherwise both would be shown.
    ...asList(details).map((detail) => ({ reasoning_details: [detail] })),
    ...(Array.isArray(details) && details.length === 0 ? [{ reasoning_details: [] }] : []),
    ...(asList(details).length === 0 ? halve(reasoning).map((half) => ({ reasoning: half })) : []),
    ...halve(content).map((half) => ({ content: half })),
    more,
    ...asList(calls).flatMap((call, index) => isJsonObject(call) ? splitCall(call, index) : [call])
      .map((call) => ({ tool_calls: [call] })),
  ];
}

/** A call as a first delta without arguments, and halves of its arguments. */
function splitCall(call: JsonObject, index: number): JsonObject[] {
  const named = isJsonObject(call["function"]) ? call["function"] : {};
  const { arguments: json, ...rest } = named;
  return [
    { index, ...call, function: { ...rest, arguments: "" } },
    ...halve(json).map((half) => ({ index, function: { arguments: half } })),
  ];
}

/** A text in two halves; anything else as it is. */
function halve(value: unknown): unknown[] {
  if (typeof value !== "string" || value.length < 2) return [value];
  const middle = Math.ceil(value.length / 2);
  return [value.slice(0, middle), value.slice(middle)];
}

/** The events that a client receives. An error before the first event is returned as an `error` event. */
async function streamEvents(
  chunks: readonly JsonObject[],
  options: ResponseCase["options"],
): Promise<StreamEvent[]> {
  const frames = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);
  const bytes = [...frames, "data: [DONE]\n\n"].map((frame) => new TextEncoder().encode(frame));
  try {
    const body = await createEventStream(toBody(bytes), createTranslator(options), {
      timeoutMs: 60_000,
      pingMs: 60_000,
      now: () => performance.now(),
      onEnd: () => {},
    });
    const sent = parseSse(await new Response(body).text());
    return sent.map(({ data }): StreamEvent => JSON.parse(data));
  } catch (error) {
    assertInstanceOf(error, ApiError);
    return [{ type: "error", error: { type: error.type, message: error.message } }];
  }
}

/** The message of a stream, without a cut call. */
function collectStream(events: readonly StreamEvent[], name: string): Message {
  const message = collectMessage(events);
  if (!name.startsWith(CUT_CALLS)) return message;
  const cut = message.content.at(-1);
  assert(cut?.type === "tool_use");
  assertEquals(Object.keys(cut.input), ["INVALID_JSON"]);
  return { ...message, content: message.content.slice(0, -1) };
}

Deno.test("translateCompletion rejects a completion without choices", () => {
  for (const completion of [{}, { choices: [] }, { choices: null }]) {
    const error = assertThrows(() => translateCompletion(completion, createTranslator()), ApiError);
    assertEquals(
      [error.status, error.message],
      [502, "The upstream response has no choices"],
    );
  }
});
