/**
 * Round trips of reasoning by vendor, through the handler. The .round_trip.json files in tests/fixtures/reasoning
 * contain responses as observed from OpenRouter and other servers, streamed and not, and the reasoning that the next
 * request must send back.
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

/** The reasoning fields of an assistant message. */
const FIELDS = ["reasoning_details", "reasoning", "reasoning_content"] as const;
const CASES = loadRoundTripCases();

for (const { name, about, model, sse, completion, replay } of CASES) {
  Deno.test(`reasoning of a stream is sent back, for any chunking (${name}). ${about}`, async (t) => {
    for (const { name: chunking, chunks } of chunkings(sse)) {
      await t.step(chunking, async () => {
        const respond = () => new Response(toBody(chunks), { headers: EVENTS });
        assertEquals(await converse(model, respond, { stream: true }), replay);
      });
    }
  });

  Deno.test(`reasoning of a JSON response is sent back (${name}). ${about}`, async () => {
    const respond = () => Response.json(completion);
    assertEquals(await converse(model, respond, { stream: false }), replay);
  });

  Deno.test(`reasoning is not sent to another vendor (${name})`, async () => {
    const other = model.startsWith("openai/") ? "google/gemini-3-pro" : "openai/gpt-6";
    const respond = () => Response.json(completion);
    assertEquals(await converse(model, respond, { stream: false, other }), {});
  });
}

Deno.test("all reasoning details of a JSON response are sent back, except Gemini text without a signature", () => {
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

Deno.test("the fixtures cover Claude, OpenAI, Gemini, DeepSeek, Kimi, GLM and Qwen", () => {
  const vendors = new Set(CASES.map(({ model }) => model.split("/")[0]));
  for (const one of ["anthropic", "openai", "google", "deepseek", "moonshotai", "z-ai", "qwen"]) {
    assert(vendors.has(one), one);
  }
});

const EVENTS = { "content-type": "text/event-stream" };

/** Sends the response back with a tool result, and returns the reasoning that upstream receives. */
async function converse(
  model: string,
  respond: () => Response,
  { stream, other = model }: { stream: boolean; other?: string },
): Promise<RoundTripCase["replay"]> {
  const requests: openrouter.ChatRequest[] = [];
  const handler = serve((request) => {
    requests.push(request);
    return requests.length === 1 ? respond() : Response.json({
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
  assertFalse(results.length === 0, "The response has no call");
  const messages = [hello, { role: "assistant", content }, { role: "user", content: results }];
  const second = await call(handler, post({ ...base, model: other, messages }));
  assertEquals(second.status, 200, await second.text());
  const turn = requests[1]?.messages.find(({ role }) => role === "assistant") ?? {};
  return Object.fromEntries(
    Object.entries(turn).filter(([key]) => FIELDS.some((field) => field === key)),
  );
}

/** A handler with a function as upstream. */
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
