// Tool names and tool call ids that one side does not accept.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { deltaChunk, finishChunk, messageCompletion, sse } from "../helpers/chunks.ts";
import { assistant, text, toolResult, toolUse, user } from "../helpers/messages.ts";
import { call, createProxy, post, requestBody } from "../helpers/proxy.ts";
import { parseSse } from "../helpers/sse.ts";
import {
  idAndName,
  requestMessage,
  requestStream,
  summarize,
  TOOL_CALLS_END,
  toolCallChunk,
  toolCallDelta,
  translateStream,
} from "../helpers/translated_response.ts";
import { eventStream, type Reply, startUpstream } from "../helpers/upstream.ts";
import { sendAll, sentCall } from "../helpers/upstream_body.ts";

type Json = Record<string, unknown>;

const SCHEMA = { type: "object", properties: { path: { type: "string" } } };
const LONG_NAME = `mcp__${"server".repeat(10)}__list_dir`;

/** Calls the first tool of the upstream request. */
const callFirst: Reply = ({ body, text }) => {
  const [first] = JSON.parse(text).tools;
  const calls = [{ ...sentCall("call_b", first.function.name), index: 0 }];
  if (body["stream"]) {
    const delta = { tool_calls: calls };
    return eventStream(sse(deltaChunk(delta), finishChunk("tool_calls"), "[DONE]"));
  }
  return Response.json(messageCompletion({ content: null, tool_calls: calls }, "tool_calls"));
};

Deno.test("a tool name of 75 characters gets a stable alias and is restored in JSON and stream", async () => {
  assertEquals(LONG_NAME.length, 75);
  const long = { name: LONG_NAME, input_schema: SCHEMA };
  const found = { type: "tool_reference", tool_name: LONG_NAME };
  const body = requestBody({
    tools: [long],
    tool_choice: { type: "tool", name: LONG_NAME },
    messages: [
      user(text("Look")),
      assistant(toolUse("call_a", LONG_NAME)),
      user(toolResult("call_a", { content: [found] })),
    ],
  });
  const { responses, seen: [seen, ...more] } = await sendAll([body, { ...body, stream: true }], {
    script: callFirst,
  });
  const alias = /"name":"([^"]+)"/.exec(JSON.stringify(seen?.["tools"]))?.[1] ?? "";
  assertMatch(alias, /^mcp__server[a-zA-Z0-9_-]{0,53}$/);
  assertEquals(seen?.["tool_choice"], { type: "function", function: { name: alias } });
  assertEquals(seen?.["messages"], [
    { role: "user", content: "Look" },
    { role: "assistant", content: null, tool_calls: [sentCall("call_a", alias)] },
    { role: "tool", tool_call_id: "call_a", content: `Tool available: ${alias}` },
  ]);
  assertEquals(more.map((body) => body["messages"]), [seen?.["messages"]]);
  const [whole, streamed] = responses;
  assertEquals(JSON.parse(whole?.text ?? "").content, [toolUse("call_b", LONG_NAME)]);
  const starts = parseSse(streamed?.text ?? "").map(({ data }) => JSON.parse(data))
    .filter(({ type }) => type === "content_block_start");
  assertEquals(starts.map(({ content_block }) => content_block), [toolUse("call_b", LONG_NAME)]);
});

Deno.test("a tool call id with invalid characters is replaced and accepted in the next request", async () => {
  const id = "functions.Bash:0";
  const message = await requestMessage(
    messageCompletion({ content: null, tool_calls: [toolCallDelta(0, "{}", idAndName(id))] }),
  );
  const [call] = message.content;
  assert(call?.type === "tool_use");
  assertMatch(call.id, /^[a-zA-Z0-9_-]+$/);
  const events = await translateStream(
    sse(toolCallChunk(toolCallDelta(0, "{}", idAndName(id))), ...TOOL_CALLS_END),
  );
  assertEquals(summarize(events), [`call ${call.id} Read {}`, "= tool_use"]);
  for (const used of [id, call.id]) {
    const messages = [
      { role: "user", content: "Look" },
      { role: "assistant", content: [{ ...call, id: used }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: used, content: "a" }] },
    ];
    // The handler's fetch checks that the upstream request pairs call and result.
    assertMatch(
      await requestStream(() => eventStream(sse(finishChunk())), { messages }),
      /message_stop/,
    );
  }
});

Deno.test("POST /v1/messages makes ids of new tool calls unique and restores their names", async () => {
  const tool = { name: "files.read", input_schema: { type: "object" } };
  await using upstream = startUpstream(({ body }) => {
    const [sent] = Array.isArray(body["tools"]) ? body["tools"] : [];
    const calls = [{ id: "t", type: "function", function: { ...sent.function, arguments: "{}" } }];
    const message = { role: "assistant", content: null, tool_calls: calls };
    return Response.json({ choices: [{ message, finish_reason: "tool_calls" }] });
  });
  const messages = [
    { role: "user", content: "Read" },
    { role: "assistant", content: [{ type: "tool_use", id: "t", name: "files.read", input: {} }] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "ok" }] },
  ];
  const { handler } = createProxy({ upstream });
  const { content } = await (await call(handler, post(requestBody({ messages, tools: [tool] }))))
    .json();
  assertEquals(content, [{ type: "tool_use", id: "or-t", name: "files.read", input: {} }]);
});
