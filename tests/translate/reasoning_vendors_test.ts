/**
 * Reasoning there and back, vendor by vendor: the .round_trip.json files in tests/fixtures/reasoning hold answers
 * in the shapes that OpenRouter and other servers were seen to send, as a stream and whole, beside the reasoning
 * that the next request must bring back. Each goes through the whole proxy, both ways.
 * @module
 */

import { assert, assertEquals, assertFalse } from "@std/assert";
import type { Message, StreamEvent } from "../../lib/anthropic/types.ts";
import { createClient } from "../../lib/openrouter/client.ts";
import type * as openrouter from "../../lib/openrouter/types.ts";
import { createHandler, type Handler } from "../../lib/server.ts";
import { collectMessage } from "../../lib/translate/response/message.ts";
import { loadRoundTripCases, type RoundTripCase } from "../helpers/fixtures.ts";
import { checkGrammar } from "../helpers/grammar.ts";
import { checkChatRequest } from "../helpers/openrouter_request_checker.ts";
import { call, createTestServices, post } from "../helpers/proxy.ts";
import { chunkings, parseSse, toBody } from "../helpers/sse.ts";

/** What an assistant message may carry of reasoning. */
const FIELDS = ["reasoning_details", "reasoning", "reasoning_content"] as const;
const CASES = loadRoundTripCases();

for (const { name, about, model, sse, completion, replay } of CASES) {
  Deno.test(`reasoning of a stream comes back, however it is cut (${name}). ${about}`, async (t) => {
    for (const { name: cut, chunks } of chunkings(sse)) {
      await t.step(cut, async () => {
        const answer = () => new Response(toBody(chunks), { headers: EVENTS });
        assertEquals(await converse(model, answer, { stream: true }), replay);
      });
    }
  });

  Deno.test(`reasoning of a whole answer comes back (${name}). ${about}`, async () => {
    const answer = () => Response.json(completion);
    assertEquals(await converse(model, answer, { stream: false }), replay);
  });

  Deno.test(`reasoning stays away from another family (${name})`, async () => {
    const other = model.startsWith("openai/") ? "google/gemini-3-pro" : "openai/gpt-6";
    const answer = () => Response.json(completion);
    assertEquals(await converse(model, answer, { stream: false, other }), {});
  });
}

Deno.test("the reasoning details of a whole answer come back, except text without a signature", () => {
  for (const { completion, replay, name } of CASES) {
    const details = completion.choices?.[0]?.message?.reasoning_details ?? [];
    const isSigned = ({ type, signature }: openrouter.ReasoningDetail) =>
      type !== "reasoning.text" || Boolean(signature);
    const kept = name.startsWith("reasoning/gemini") ? details.filter(isSigned) : details;
    // Claude's signature is forwarded without its entry's index; the position among the entries stands for it.
    const placed = name.startsWith("reasoning/claude_two")
      ? kept.map((detail, index) => ({ ...detail, index }))
      : kept;
    assertEquals(replay.reasoning_details ?? [], placed, name);
  }
});

Deno.test("the fixtures hold Claude, OpenAI, Gemini, DeepSeek, Kimi, GLM and Qwen", () => {
  const vendors = new Set(CASES.map(({ model }) => model.split("/")[0]));
  for (const one of ["anthropic", "openai", "google", "deepseek", "moonshotai", "z-ai", "qwen"]) {
    assert(vendors.has(one), one);
  }
});

const EVENTS = { "content-type": "text/event-stream" };

/** Asks, brings the answer back with a tool's result, and returns what upstream then gets of the reasoning. */
async function converse(
  model: string,
  answer: () => Response,
  { stream, other = model }: { stream: boolean; other?: string },
): Promise<RoundTripCase["replay"]> {
  const asked: openrouter.ChatRequest[] = [];
  const handler = serve((request) => {
    asked.push(request);
    return asked.length === 1 ? answer() : Response.json({
      choices: [{ message: { role: "assistant", content: "Done" }, finish_reason: "stop" }],
    });
  });
  const hello = { role: "user", content: "Read a.ts" };
  const tools = [{ name: "Read", input_schema: { type: "object", properties: {} } }];
  const base = { max_tokens: 4096, tools, thinking: { type: "adaptive" } };
  const first = await call(handler, post({ ...base, model, stream, messages: [hello] }));
  const { content } = await (stream ? readStream(first) : first.json());
  const results = content.flatMap((block: Message["content"][number]) =>
    block.type === "tool_use" ? [{ type: "tool_result", tool_use_id: block.id, content: "x" }] : []
  );
  assertFalse(results.length === 0, "The answer has no call");
  const messages = [hello, { role: "assistant", content }, { role: "user", content: results }];
  const second = await call(handler, post({ ...base, model: other, messages }));
  assertEquals(second.status, 200, await second.text());
  const turn = asked[1]?.messages.find(({ role }) => role === "assistant") ?? {};
  return Object.fromEntries(
    Object.entries(turn).filter(([key]) => FIELDS.some((field) => field === key)),
  );
}

/** The whole proxy before a function that plays upstream. */
function serve(reply: (request: openrouter.ChatRequest) => Response): Handler {
  const services = createTestServices();
  const client = createClient(services.config, (_url, init) => {
    const body = JSON.parse(String(init?.body));
    checkChatRequest(body);
    return Promise.resolve(reply(body));
  });
  return createHandler({ ...services, client });
}

async function readStream(response: Response): Promise<Message> {
  const events = parseSse(await response.text()).map(({ data }): StreamEvent => JSON.parse(data));
  checkGrammar(events);
  return collectMessage(events);
}
