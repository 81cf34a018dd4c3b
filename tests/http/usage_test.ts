// Token counts of responses.

import { assert, assertEquals, assertGreater } from "@std/assert";
import { completion, deltaChunk, finishChunk, sse, textChunk } from "../helpers/chunks.ts";
import { replyWith } from "../helpers/replies.ts";
import { requestMessage, translateStream } from "../helpers/translated_response.ts";
import { sendOne } from "../helpers/upstream_body.ts";

type Json = Record<string, unknown>;

const usage = (value: unknown) => ({ ...deltaChunk({}), usage: value });

const USAGE = {
  prompt_tokens: 120,
  completion_tokens: 7,
  prompt_tokens_details: { cached_tokens: 100 },
};

const only = (value: unknown) => ({ ...usage(value), choices: [] });

const USAGES: [where: string, chunks: Json[]][] = [
  ["in a last chunk with choices []", [finishChunk(), only(USAGE)]],
  ["in the chunk of the finish", [{ ...finishChunk(), usage: USAGE }]],
  ["in a later chunk that repeats the finish", [finishChunk(), { ...finishChunk(), usage: USAGE }]],
  ["null first, then twice", [{ ...finishChunk(), usage: null }, only(USAGE), only(USAGE)]],
];

for (const [where, chunks] of USAGES) {
  Deno.test(`usage ${where} becomes one message_delta with its token counts`, async () => {
    const events = await translateStream(sse(usage(null), textChunk("Hi"), ...chunks, "[DONE]"));
    const endings = events.filter((event) => event.type === "message_delta");
    assertEquals(endings.map(({ delta, usage }) => [delta.stop_reason, usage]), [["end_turn", {
      input_tokens: 20,
      output_tokens: 7,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 100,
    }]]);
  });
}

const COUNTS: [about: string, cached: number, written: number, counted: number[]][] = [
  ["100 of 120 prompt tokens cached becomes 20 input tokens", 100, 0, [20, 100, 0]],
  ["100 of 120 prompt tokens cached and 15 written becomes 5 input tokens", 100, 15, [5, 100, 15]],
  ["more cached than prompt tokens becomes 0 input tokens", 130, 0, [0, 130, 0]],
];

for (const [about, cached_tokens, cache_write_tokens, counted] of COUNTS) {
  Deno.test(`usage with ${about}`, async () => {
    const details = { cached_tokens, cache_write_tokens };
    const usage = { prompt_tokens: 120, completion_tokens: 7, prompt_tokens_details: details };
    const message = await requestMessage({ ...completion("Hi"), usage });
    const ending =
      (await translateStream(sse(textChunk("Hi"), finishChunk(), only(usage), "[DONE]")))
        .find((event) => event.type === "message_delta");
    for (const seen of [message.usage, ending?.usage]) {
      assertEquals([
        seen?.input_tokens,
        seen?.cache_read_input_tokens,
        seen?.cache_creation_input_tokens,
      ], counted);
    }
  });
}

Deno.test("message_start has estimated input tokens that grow with the request", async () => {
  const count = async (content: string) => {
    const messages = [{ role: "user", content }];
    const [first] = await translateStream(sse(textChunk("Hi"), finishChunk()), { messages });
    assert(first?.type === "message_start");
    return first.message.usage.input_tokens;
  };
  const few = await count("Hello");
  assertGreater(few, 0);
  assertGreater(await count("Hello ".repeat(1000)), few + 1000);
});

Deno.test("POST /v1/messages reports cache writes by TTL", async () => {
  const usage = { prompt_tokens: 9, prompt_tokens_details: { cache_write_tokens: 5 } };
  const { message } = await sendOne(
    { cache_control: { type: "ephemeral", ttl: "1h" } },
    replyWith({}, { usage }),
  );
  assertEquals(message.usage.cache_creation, {
    ephemeral_5m_input_tokens: 0,
    ephemeral_1h_input_tokens: 5,
  });
});
