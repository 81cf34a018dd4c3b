/**
 * Tests the stream fixtures in tests/fixtures: the events of StreamTranslator for the chunks, and those of the event
 * stream for their bytes in several chunkings.
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import type { StreamEvent } from "../../../lib/anthropic/types.ts";
import { ApiError } from "../../../lib/errors.ts";
import { isJsonObject, parseJson } from "../../../lib/json.ts";
import { createEventStream } from "../../../lib/stream/event_stream.ts";
import type { StreamEnd } from "../../../lib/stream/response_stream.ts";
import { translateResponse } from "../../../lib/translate/response/message.ts";
import { type ExpectedError, loadStreamCases, type StreamCase } from "../../helpers/fixtures.ts";
import { checkGrammar, collapse } from "../../helpers/grammar.ts";
import { chunkings, parseSse, type SentEvent, toBody } from "../../helpers/sse.ts";
import {
  createTranslator,
  translateChunks,
  type TranslatorOptions,
} from "../../helpers/translator.ts";

/** The result of a stream: events, or an error before the first one. */
type StreamResult = { events: StreamEvent[] } | { error: ApiError };

const cases = loadStreamCases();

for (const fixture of cases) {
  const { name, about, sse } = fixture;

  Deno.test(`StreamTranslator: ${about} (${name})`, () => {
    checkResult(translate(parseSse(sse), fixture.options), fixture);
  });

  Deno.test(`createEventStream sends the same events for ${name} in every chunking`, async (t) => {
    for (const chunking of chunkings(sse)) {
      await t.step(chunking.name, async () => {
        checkResult(await streamEvents(chunking.chunks, fixture.options), fixture);
      });
    }
  });
}

Deno.test("the expected events of all stream fixtures follow the stream grammar", () => {
  for (const { name, events, error } of cases) {
    assert((events === undefined) !== (error === undefined), name);
    if (events !== undefined) checkGrammar(events);
  }
});

Deno.test("every stream fixture has its own description", () => {
  assertEquals(new Set(cases.map(({ about }) => about)).size, cases.length);
});

Deno.test("createEventStream keeps a line of 200 KB exactly, in every chunking", async () => {
  const text = "0123456789 世界 \u2028 data: \\n".repeat(8000);
  const sse = toFrame({ choices: [{ index: 0, delta: { content: text } }] }) +
    toFrame({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage: {} });
  assert(sse.length > 200_000);
  for (const { chunks } of chunkings(sse)) {
    const result = await streamEvents(chunks);
    assert("events" in result);
    checkGrammar(result.events);
    assertEquals(collapse(result.events)[2], {
      type: "content_block_delta",
      index: 0,
      delta: { type: "text_delta", text },
    });
  }
});

Deno.test("StreamTranslator sends text as it arrives, not at the end", () => {
  const translator = createTranslator();
  assertEquals(translator.push({ choices: [{ delta: { role: "assistant" } }] }), []);
  const types = translator.push({ choices: [{ delta: { content: "a" } }] }).map(({ type }) => type);
  assertEquals(types, ["message_start", "content_block_start", "content_block_delta"]);
  const again = translator.push({ choices: [{ delta: { content: "b" } }] });
  assertEquals(again, [
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "b" } },
  ]);
});

Deno.test("StreamTranslator sends the arguments of the open call as they arrive", () => {
  const translator = createTranslator();
  const head = { index: 0, id: "call_a", function: { name: "Read", arguments: "" } };
  translator.push({ choices: [{ delta: { tool_calls: [head] } }] });
  const tail = { index: 0, function: { arguments: '{"pa' } };
  assertEquals(translator.push({ choices: [{ delta: { tool_calls: [tail] } }] }), [{
    type: "content_block_delta",
    index: 0,
    delta: { type: "input_json_delta", partial_json: '{"pa' },
  }]);
});

Deno.test("StreamTranslator sends message_start once, even if start is called early", () => {
  const translator = createTranslator();
  assertEquals(translator.start().length, 1);
  assertEquals(translator.start(), []);
  const events = translator.push({ choices: [{ delta: { content: "a" } }] });
  assertEquals(events.map(({ type }) => type), ["content_block_start", "content_block_delta"]);
});

Deno.test("StreamTranslator is complete once the finish reason has arrived", () => {
  const translator = createTranslator();
  translator.push({ choices: [{ delta: { content: "a" }, finish_reason: "" }] });
  assertEquals(translator.isComplete, false);
  translator.push({ choices: [{ delta: {}, finish_reason: "stop" }] });
  assertEquals(translator.isComplete, true);
});

Deno.test("StreamTranslator warns of an unknown finish reason, and of a missing one", () => {
  const warn = (finish_reason: string) => {
    const translator = createTranslator();
    translator.push({ choices: [{ delta: { content: "a" }, finish_reason }] });
    return translator.warning;
  };
  assertEquals(warn("stop"), null);
  assertEquals(warn(""), "no finish reason");
  assertEquals(warn("banana"), 'unknown finish reason "banana"');
});

Deno.test("StreamTranslator records model, provider and usage", () => {
  const translator = createTranslator();
  translator.push({ model: "z-ai/glm-5", provider: "Novita", choices: [] });
  translator.push({ model: "other", choices: [], usage: { prompt_tokens: 3, cost: 0.5 } });
  translator.push({ choices: [], usage: null });
  assertEquals(translator.metadata, {
    model: "z-ai/glm-5",
    provider: "Novita",
    usage: { prompt_tokens: 3, cost: 0.5 },
    serviceTier: null,
  });
});

Deno.test("StreamTranslator has no metadata before the first chunk", () => {
  const empty = { model: null, provider: null, usage: null, serviceTier: null };
  assertEquals(createTranslator().metadata, empty);
});

Deno.test("StreamTranslator makes a block of each reasoning entry of a complete message", () => {
  const details = ["One.", "Two."].map((text) => ({ type: "reasoning.text", text }));
  const message = { content: "Done.", reasoning_details: details };
  const translator = createTranslator();
  translator.push({ choices: [{ message, finish_reason: "stop" }] });
  const events = translator.finish();
  const starts = events.filter((event) => event.type === "content_block_start");
  const types = starts.map(({ content_block }) => content_block.type);
  assertEquals(types, ["thinking", "thinking", "text"]);
});

Deno.test("StreamTranslator accepts a completion where a stream was requested", () => {
  const completion = {
    choices: [{ message: { role: "assistant", content: "Whole." }, finish_reason: "stop" }],
    usage: { prompt_tokens: 5, completion_tokens: 2 },
  };
  const message = translateResponse(completion, createTranslator());
  assertEquals(message.content, [{ type: "text", text: "Whole." }]);
  const result = translate(parseSse(toFrame(completion)));
  assert("events" in result);
  checkGrammar(result.events);
  assertEquals(result.events.at(-1), { type: "message_stop" });
});

Deno.test("checkGrammar rejects a missing and a repeated event", () => {
  const name = "tool_calls/two_in_sequence.stream";
  const { events = [] } = cases.find((one) => one.name === name) ?? {};
  checkGrammar(events);
  for (let position = 0; position < events.length; position++) {
    const isDelta = events[position]?.type === "content_block_delta";
    if (!isDelta) assertThrows(() => checkGrammar(events.toSpliced(position, 1)));
    const event = events[position];
    if (event !== undefined && !isDelta) {
      assertThrows(() => checkGrammar(events.toSpliced(position, 0, event)));
    }
  }
});

/** Drives StreamTranslator like the event stream does, chunk by chunk. */
function translate(sent: readonly SentEvent[], options?: TranslatorOptions): StreamResult {
  const translator = createTranslator(options);
  const events: StreamEvent[] = [];
  try {
    let isDone = false;
    for (const { data, isWhole } of sent) {
      isDone ||= data === "[DONE]" || translator.hasEnded;
      if (isDone) break;
      const chunk = parseJson(data);
      if (isJsonObject(chunk)) events.push(...translator.push(chunk));
      else if (isWhole && !translator.isComplete) throw notJson();
    }
    events.push(...translator.finish({ isDone }));
  } catch (error) {
    assertInstanceOf(error, ApiError);
    if (events.length === 0) return { error };
    events.push(...translator.fail(error));
  }
  return { events };
}

/** Sends chunks of bytes through the event stream, and parses its output. */
async function streamEvents(
  chunks: readonly Uint8Array<ArrayBuffer>[],
  options?: TranslatorOptions,
): Promise<StreamResult> {
  const ends: StreamEnd[] = [];
  const times = { timeoutMs: 60_000, pingMs: 60_000, now: () => performance.now() };
  const onEnd = (end: StreamEnd) => ends.push(end);
  let body;
  try {
    body = await createEventStream(toBody(chunks), createTranslator(options), { ...times, onEnd });
  } catch (error) {
    assertInstanceOf(error, ApiError);
    assertEquals(ends.map(({ how }) => how), ["failed"]);
    return { error };
  }
  const sent = parseSse(await new Response(body).text());
  const events = sent.map(({ name, data, isWhole }) => {
    assert(isWhole);
    const event: StreamEvent = JSON.parse(data);
    assertEquals(event.type, name);
    return event;
  });
  const isFailed = events.at(-1)?.type === "error";
  assertEquals(ends.map(({ how }) => how), [isFailed ? "failed" : "complete"]);
  return { events };
}

function checkResult(result: StreamResult, fixture: StreamCase): void {
  if (fixture.error !== undefined) {
    assert("error" in result, `${JSON.stringify(result)} should be an error`);
    return checkError(result.error, fixture.error);
  }
  assert("events" in result, `${"error" in result ? result.error : ""} before the first event`);
  assertEquals(JSON.parse(JSON.stringify(collapse(result.events))), fixture.events ?? []);
  checkGrammar(result.events);
}

function checkError(error: ApiError, expected: ExpectedError): void {
  const { type, status, message } = error;
  const optional = expected.message === undefined ? {} : { message };
  assertEquals<ExpectedError>({ type, status, ...optional }, expected);
}

function notJson(): ApiError {
  return new ApiError("api_error", "Upstream sent an event that is not valid JSON", {
    status: 502,
  });
}

function toFrame(chunk: unknown): string {
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

Deno.test("many calls in one chunk take linear time, and so do their deltas", () => {
  const begin = performance.now();
  const translator = createTranslator();
  const heads = Array.from({ length: 40_000 }, (_, index) => ({
    index,
    id: `call_${index}`,
    function: { name: "Read", arguments: "" },
  }));
  const tails = heads.map(({ index }) => ({ index, function: { arguments: "{}" } }));
  const events = [
    ...translator.push({ choices: [{ delta: { tool_calls: heads } }] }),
    ...translator.push({ choices: [{ delta: { tool_calls: tails }, finish_reason: "stop" }] }),
    ...translator.finish(),
  ];
  // Some 300 ms; a list searched for each delta takes 18 seconds.
  assert(performance.now() - begin < 5000);
  assertEquals(events.filter(({ type }) => type === "content_block_stop").length, 40_000);
});

Deno.test("a response has at most 10,000 citations, however many upstream sends", () => {
  const translator = createTranslator({ searchesWeb: true });
  const cite = (n: number) => ({ type: "url_citation", url_citation: { url: `https://a/${n}` } });
  const annotations = Array.from({ length: 12_000 }, (_, n) => cite(n));
  const events = [
    ...translator.push({
      choices: [{ delta: { content: "x", annotations }, finish_reason: "stop" }],
    }),
    ...translator.finish(),
  ];
  const cited = events.filter((event) =>
    event.type === "content_block_delta" && event.delta.type === "citations_delta"
  );
  assertEquals(cited.length, 10_000);
});

Deno.test("StreamTranslator reads content that is a list of text parts", () => {
  const content = [{ type: "text", text: "one, " }, { type: "text", text: "two" }];
  const message = translateChunks({ choices: [{ delta: { content }, finish_reason: "stop" }] });
  assertEquals(message.content, [{ type: "text", text: "one, two" }]);
});
