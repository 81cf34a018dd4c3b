/** What StreamTranslator reads in single chunks: choices, metadata, errors, and the end of a response. @module */

import { assertEquals, assertThrows } from "@std/assert";
import type { StreamEvent } from "../../../lib/anthropic/types.ts";
import { ApiError } from "../../../lib/errors.ts";
import type { Chunk } from "../../../lib/openrouter/types.ts";
import { collectMessage } from "../../../lib/translate/response/message.ts";
import {
  type StreamOptions,
  StreamTranslator,
} from "../../../lib/translate/response/stream_translator.ts";
import {
  createTranslator,
  MESSAGE_START,
  type TranslatorOptions,
} from "../../helpers/translator.ts";

/** A chunk as upstream sends it, whose fields may have a wrong type. */
const chunk = (value: unknown): Chunk => JSON.parse(JSON.stringify(value));

function push(...chunks: unknown[]): StreamTranslator {
  const translator = createTranslator();
  for (const one of chunks) translator.push(chunk(one));
  return translator;
}

/** The text of a response to one chunk. */
function readText(value: unknown, options?: TranslatorOptions): string {
  const translator = createTranslator(options);
  const events = [...translator.start(), ...translator.push(chunk(value))];
  events.push(...translator.push({ choices: [{ finish_reason: "stop" }] }));
  const { content } = collectMessage([...events, ...translator.finish()]);
  return content.map((block) => block.type === "text" ? block.text : block.type).join("|");
}

const choice = (text: string, index?: unknown) => ({ index, delta: { content: text } });

/** Choices → the text of the one that counts. */
const CHOICES: [about: string, choices: unknown, text: string][] = [
  ["no list", {}, ""],
  ["an empty list", [], ""],
  ["null", [null], ""],
  ["one choice", [choice("a")], "a"],
  ["one choice of index 0", [choice("a", 0)], "a"],
  ["one choice of index null", [choice("a", null)], "a"],
  ["one choice of index 1", [choice("a", 1)], ""],
  ["one choice of index false", [choice("a", false)], ""],
  ["two choices, in order", [choice("a", 0), choice("b", 1)], "a"],
  ["two choices, reversed", [choice("b", 1), choice("a", 0)], "a"],
  ["two choices without an index", [choice("a"), choice("b")], "a"],
  ["two choices of index 0", [choice("a", 0), choice("b", 0)], "a"],
  ["a choice beside null", [null, choice("a")], "a"],
  ["only choices of other indexes", [choice("a", 1), choice("b", 2)], ""],
];

for (const [about, choices, text] of CHOICES) {
  Deno.test(`StreamTranslator reads ${about} of a chunk's choices`, () => {
    assertEquals(readText({ choices }), text);
  });
}

Deno.test("StreamTranslator prefers a delta to a message in a stream, and the message in a completion", () => {
  const both = { choices: [{ delta: { content: "d" }, message: { content: "m" } }] };
  assertEquals(readText(both), "d");
  const completion = createTranslator();
  const events = completion.pushWhole(chunk(both));
  assertEquals(JSON.stringify(events).includes('"text":"m"'), true);
  for (const delta of [null, undefined, "x"]) {
    assertEquals(readText({ choices: [{ delta, message: { content: "m" } }] }), "m");
  }
  for (const message of [null, "x", undefined]) {
    assertEquals(readText({ choices: [{ delta: { content: "d" }, message }] }), "d");
  }
});

Deno.test("StreamTranslator ignores errors that are null", () => {
  assertEquals(readText({ error: null, choices: [{ ...choice("a"), error: null }] }), "a");
});

Deno.test("StreamTranslator throws the error of a chunk, and that of a choice", () => {
  const error = { message: "Overloaded", code: 529 };
  for (const odd of [{ error }, { choices: [{ ...choice("a"), error }] }]) {
    const thrown = assertThrows(() => push(odd), ApiError);
    assertEquals([thrown.type, thrown.message], ["overloaded_error", "Overloaded"]);
  }
});

Deno.test("StreamTranslator keeps the first model, provider and tier, and the last usage", () => {
  const { metadata } = push(
    { model: "", provider: null, service_tier: 7, usage: "x" },
    { model: "a/b", provider: "P", service_tier: "priority", usage: { prompt_tokens: 1 } },
    { model: "c/d", provider: "Q", service_tier: "default", choices: [{ usage: { cost: 2 } }] },
    { usage: null },
    { usage: [] },
  );
  assertEquals(metadata, {
    model: "a/b",
    provider: "P",
    serviceTier: "priority",
    usage: { cost: 2 },
  });
});

Deno.test("StreamTranslator prefers a chunk's usage to that of its choice", () => {
  const { metadata } = push({ usage: { cost: 1 }, choices: [{ usage: { cost: 2 } }] });
  assertEquals(metadata.usage, { cost: 1 });
});

Deno.test("StreamTranslator estimates the output tokens from text, thinking and arguments", () => {
  const call = { id: "a", function: { name: "Read", arguments: "{}" } };
  const data = { type: "reasoning.encrypted", data: "E".repeat(100) };
  const translator = createTranslator();
  const read = (delta: unknown) => {
    translator.push(chunk({ choices: [{ delta }] }));
    return [translator.outputTokens, translator.keptChars];
  };
  assertEquals([translator.outputTokens, translator.keptChars], [0, 0]);
  assertEquals(read({ reasoning: "12345678" }), [2, 8]);
  assertEquals(read({ content: "1234" }), [3, 8]);
  assertEquals(read({ content: "1" }), [4, 8]);
  assertEquals(read({ tool_calls: [call] }), [4, 10]);
  assertEquals(read({ reasoning_details: [data] }), [4, 110]);
});

Deno.test("the usage of a response without one is estimated, at least one token each", () => {
  const usage = (text: string) => {
    const translator = createTranslator();
    translator.push({ choices: [{ delta: { content: text }, finish_reason: "stop" }] });
    const end = translator.finish().find((event) => event.type === "message_delta");
    return JSON.parse(JSON.stringify(end?.usage));
  };
  const estimate = (output_tokens: number) => ({
    input_tokens: 10,
    output_tokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
  });
  assertEquals([usage("12345"), usage("")], [estimate(2), estimate(1)]);
});

Deno.test("message_start has the service tier that upstream reported first", () => {
  const start = (service_tier?: string) => {
    const translator = createTranslator();
    const [event] = translator.push(chunk({ service_tier, choices: [choice("a")] }));
    return event?.type === "message_start" ? event.message.usage.service_tier : undefined;
  };
  assertEquals([start(), start("default"), start("fast"), start("flex")], [
    "standard",
    "standard",
    "priority",
    "standard",
  ]);
  assertEquals(createTranslator().start(), [MESSAGE_START]);
});

Deno.test("StreamTranslator does not end a response that is not complete (502)", () => {
  const text = { choices: [choice("a")] };
  for (
    const [chunks, isDone] of [[[], true], [[text], false], [[{ choices: [{}] }], true]] as const
  ) {
    const error = assertThrows(() => push(...chunks).finish({ isDone }), ApiError);
    assertEquals([error.type, error.status], ["api_error", 502]);
  }
  assertThrows(() => push(text).finish(), ApiError);
  for (const delta of [{ content: "a" }, { refusal: "No." }, { reasoning: "Hm." }]) {
    const events = push({ choices: [{ delta }] }).finish({ isDone: true });
    assertEquals(events.at(-1), { type: "message_stop" });
  }
  const call = { id: "a", function: { name: "Read", arguments: "{}" } };
  const ended = push({ choices: [{ delta: { tool_calls: [call] } }] }).finish({ isDone: true });
  assertEquals(ended.at(-1), { type: "message_stop" });
});

Deno.test("StreamTranslator ignores chunks after its own end of the response", () => {
  const translator = createTranslator({ stopSequences: ["END"] });
  translator.push({ choices: [choice("a END b") as never] });
  assertEquals([translator.hasEnded, translator.isComplete, translator.warning], [
    true,
    true,
    null,
  ]);
  assertEquals(translator.push(chunk({ model: "a/b", choices: [choice("c")] })), []);
  assertEquals(translator.metadata.model, "a/b");
});

Deno.test("the beginning of a stop sequence at the end of a response is part of its text", () => {
  const options = { stopSequences: ["END"] };
  assertEquals(readText({ choices: [choice("a EN")] }, options), "a EN");
});

Deno.test("a stop sequence ends the response although upstream reports the token limit", () => {
  const translator = createTranslator({ stopSequences: ["END"] });
  const call = { id: "a", function: { name: "Read", arguments: "{" } };
  const delta = { content: "a END b", refusal: "", tool_calls: [call] };
  const reasons = { finish_reason: "length", native_finish_reason: "max_tokens" };
  const events = translator.push(chunk({ choices: [{ delta, ...reasons }] }));
  const message = collectMessage([...events, ...translator.finish()]);
  assertEquals(message.content, [{ type: "text", text: "a " }]);
  assertEquals([message.stop_reason, message.stop_sequence], ["stop_sequence", "END"]);
});

Deno.test("fail redacts the message of an error, if there is a redaction", () => {
  const error = new ApiError("api_error", "Bad key sk-1", { status: 502 });
  const message = (options?: TranslatorOptions) => {
    const [event] = createTranslator(options).fail(error);
    return event?.type === "error" ? event.error.message : "";
  };
  assertEquals([message(), message({ secret: "sk-1" })], ["Bad key sk-1", "Bad key ***"]);
});

/** Requested and reported model → the vendor to which plain reasoning is sent back. */
const VENDORS: [target: string | undefined, reported: string | null, vendor: string][] = [
  [undefined, null, ""],
  [undefined, "z-ai/glm-5", "z-ai"],
  ["", "z-ai/glm-5", "z-ai"],
  ["z-ai/glm-5", null, "z-ai"],
  ["z-ai/glm-5", "qwen/qwen3", "qwen"],
  ["z-ai/glm-5", "glm-5", "z-ai"],
  ["z-ai/glm-5", "openrouter/auto", "z-ai"],
  ["openrouter/auto", "qwen/qwen3", "qwen"],
  ["qwen3", "models/qwen3.gguf", "qwen3"],
  ["@preset/mine", "qwen/qwen3", "qwen"],
];

for (const [target, model, vendor] of VENDORS) {
  Deno.test(`reasoning of ${model} for a request of ${target} belongs to the vendor '${vendor}'`, () => {
    const options: StreamOptions = {
      messageId: "msg_1",
      model: "m",
      inputTokens: 1,
      newCallId: () => "",
    };
    const translator = new StreamTranslator(
      target === undefined ? options : { ...options, target },
    );
    const delta = { reasoning: "Hm." };
    const events: StreamEvent[] = translator.push(
      chunk({ model, choices: [{ delta, finish_reason: "stop" }] }),
    );
    const [block] = collectMessage([...events, ...translator.finish()]).content;
    const signature = block?.type === "thinking" ? block.signature : "";
    const envelope = { family: vendor, field: "reasoning", text: "Hm." };
    assertEquals(signature, `claudeproxy-reasoning-v1:${JSON.stringify(envelope)}`);
  });
}
