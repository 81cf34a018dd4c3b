/**
 * What other translators answer wrongly, defects 21 to 39 of the list measured on them: each of upstream's answers
 * through the whole handler, bytes in and bytes out, and what a client must read instead. Each test has the
 * number and the input in its name. Streams are fed in every chunking, and what comes out keeps the grammar.
 * @module
 */

import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import type { Message, StreamEvent } from "../../lib/anthropic/types.ts";
import { createClient } from "../../lib/openrouter/client.ts";
import { createHandler, type Handler } from "../../lib/server.ts";
import { checkGrammar, collapse } from "../helpers/grammar.ts";
import { checkChatRequest } from "../helpers/openrouter_request_checker.ts";
import { ask, call, createTestServices, post } from "../helpers/proxy.ts";
import { chunkings, parseSse, toBody } from "../helpers/sse.ts";
import {
  completion,
  deltaChunk,
  errorChunk,
  finishChunk,
  messageCompletion,
  roleChunk,
  SIGNATURE,
  sse,
  textChunk,
  usageChunk,
} from "../helpers/chunks.ts";
import { errorBody, eventStream, holdBody } from "../helpers/upstream.ts";
import { withTimeout } from "../helpers/timeout.ts";

type Json = Record<string, unknown>;
type Fetch = (init: RequestInit) => Response | Promise<Response>;

/** A response in short: a line per block, then the stop reason or the error. */
type Summary = string[];

const READ = { name: "Read", input_schema: { type: "object", properties: {} } };

/** A handler with a fake `fetch`, so that the body is read in exactly the test's chunks. */
function createHandlerWithFetch(answer: Fetch): Handler {
  const services = createTestServices();
  let refusal: unknown;
  const fetcher: typeof fetch = async (_input, init = {}) => {
    try {
      checkChatRequest(JSON.parse(String(init.body)));
    } catch (error) {
      refusal = error;
    }
    return await answer(init);
  };
  services.client = createClient(services.config, fetcher);
  const handler = createHandler(services);
  return async (request, peer) => {
    const response = await handler(request, peer);
    if (refusal !== undefined) throw refusal;
    return response;
  };
}

/** The text of a streamed response. */
async function requestStream(answer: Fetch, request: Json = {}): Promise<string> {
  const body = ask({ tools: [READ], stream: true, ...request });
  return await (await call(createHandlerWithFetch(answer), post(body))).text();
}

/** The events of a stream, checked and collapsed. */
function parseEvents(text: string): StreamEvent[] {
  const events: StreamEvent[] = parseSse(text).map(({ name, data }) => {
    const event = JSON.parse(data);
    assertEquals(event.type, name);
    return event;
  });
  checkGrammar(events);
  return collapse(events);
}

/** The events that an upstream stream is translated to, which must be the same in every chunking. */
async function translateStream(upstream: string, request: Json = {}): Promise<StreamEvent[]> {
  const translations: StreamEvent[][] = [];
  for (const { chunks } of chunkings(upstream)) {
    translations.push(parseEvents(await requestStream(() => eventStream(toBody(chunks)), request)));
  }
  const [first = []] = translations;
  for (const other of translations) assertEquals(other, first);
  return first;
}

/** Status, type and message of an error response. */
async function requestError(answer: Fetch, request: Json = {}): Promise<[number, string, string]> {
  const response = await call(
    createHandlerWithFetch(answer),
    post(ask({ tools: [READ], ...request })),
  );
  const { type, error } = await response.json();
  assertEquals(type, "error");
  return [response.status, error.type, error.message];
}

/** The message that a completion is translated to. */
async function requestMessage(completion: Json): Promise<Message> {
  const answer = () => Response.json(completion);
  return await (await call(createHandlerWithFetch(answer), post(ask({ tools: [READ] })))).json();
}

/** Events in short; an open block ends in "…". */
function summarize(events: readonly StreamEvent[]): Summary {
  const summary: Summary = [];
  const add = (words: string) => summary.push(`${summary.pop()?.replace(/…$/, "")}${words}`);
  for (const event of events) {
    if (event.type === "content_block_start") summary.push(summarizeStart(event.content_block));
    else if (event.type === "content_block_delta") add(`${Object.values(event.delta)[1]}…`);
    else if (event.type === "content_block_stop") add("");
    else if (event.type === "message_delta") summary.push(`= ${event.delta.stop_reason}`);
    else if (event.type === "error") summary.push(`! ${event.error.type}`);
  }
  return summary;
}

function summarizeStart(
  block: Extract<StreamEvent, { type: "content_block_start" }>["content_block"],
) {
  return block.type === "tool_use" ? `call ${block.id} ${block.name} …` : `${block.type} …`;
}

/** A tool call delta. */
function part(index: number | undefined, args: string, head: Json = {}): Json {
  const { id, ...name } = head;
  return {
    ...(index !== undefined && { index }),
    ...(id !== undefined && { id, type: "function" }),
    function: { ...name, arguments: args },
  };
}

/** A chunk with tool call deltas. */
const calls = (...parts: Json[]) => deltaChunk({ tool_calls: parts });
const head = (id: string, name = "Read") => ({ id, name });
const END = [finishChunk("tool_calls"), usageChunk(), "[DONE]"];

/** A body that fails after these chunks. */
function cutBody(
  ...parts: (string | Uint8Array<ArrayBuffer>)[]
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const waiting = parts.values();
  return new ReadableStream({
    pull(controller) {
      const { value, done } = waiting.next();
      if (done) controller.error(new TypeError("connection reset"));
      else controller.enqueue(typeof value === "string" ? new TextEncoder().encode(value) : value);
    },
  });
}

/** Upstream chunks → the response in short. */
const ROWS: [name: string, chunks: (Json | string)[], summary: Summary][] = [
  [
    "interleaved tool call deltas become two complete tool calls",
    [
      calls(part(0, "", head("call_a"))),
      calls(part(1, "", head("call_b"))),
      calls(part(0, '{"p":')),
      calls(part(1, '{"q":')),
      calls(part(0, "1}")),
      calls(part(1, "2}")),
      ...END,
    ],
    ['call call_a Read {"p":1}', 'call call_b Read {"q":2}', "= tool_use"],
  ],
  [
    'finish_reason "stop" with tool calls becomes tool_use',
    [calls(part(0, "{}", head("call_a"))), finishChunk("stop"), usageChunk(), "[DONE]"],
    ["call call_a Read {}", "= tool_use"],
  ],
  [
    "text, two tool calls and text become consecutive blocks",
    [
      roleChunk(),
      roleChunk(),
      textChunk("One"),
      calls(part(0, "{}", head("call_a")), part(1, "", head("call_b"))),
      textChunk("Two"),
      calls(part(1, "{}")),
      ...END,
    ],
    ["text One", "call call_a Read {}", "call call_b Read {}", "text Two", "= tool_use"],
  ],
  [
    "a tool call in one chunk keeps its arguments",
    [calls(part(0, '{"p":1}', head("call_a"))), ...END],
    ['call call_a Read {"p":1}', "= tool_use"],
  ],
  [
    "content and tool call in one chunk are both translated",
    [
      deltaChunk({ content: "Well", tool_calls: [part(0, '{"p":', head("call_a"))] }),
      deltaChunk({ content: null, tool_calls: [part(0, "1}")] }),
      ...END,
    ],
    ["text Well", 'call call_a Read {"p":1}', "= tool_use"],
  ],
  [
    "content in the chunk of the finish reason is translated",
    [deltaChunk({ content: "Well" }, "stop"), usageChunk(), "[DONE]"],
    ["text Well", "= end_turn"],
  ],
  [
    "a tool call whose id comes before its name is one call",
    [calls(part(0, "", { id: "call_a" })), calls(part(0, "{}", { name: "Read" })), ...END],
    ["call call_a Read {}", "= tool_use"],
  ],
  [
    "a tool call whose id comes in a later chunk is one call",
    [
      calls(part(0, "", { name: "Read" })),
      calls(part(0, '{"p":')),
      calls(part(0, "1}", { id: "call_a" })),
      ...END,
    ],
    ['call call_a Read {"p":1}', "= tool_use"],
  ],
  [
    "a tool call whose arguments come before id and name is one call",
    [
      calls(part(0, '{"p":')),
      calls(part(0, "", { name: "Read" })),
      calls(part(0, "1}", { id: "call_a" })),
      ...END,
    ],
    ['call call_a Read {"p":1}', "= tool_use"],
  ],
  ...[null, "", "Read"].map((name): [string, Json[], Summary] => [
    `a tool call with name ${JSON.stringify(name)} on every later chunk is one call`,
    [
      calls(part(0, "", head("call_a"))),
      calls(part(0, '{"p":', { id: name && "call_a", name })),
      calls(part(0, "1}", { id: name && "call_a", name })),
      finishChunk("tool_calls"),
    ],
    ['call call_a Read {"p":1}', "= tool_use"],
  ]),
  [
    "a tool call whose id and name follow complete arguments and a null name is one call",
    [
      calls(part(0, '{"p":1}', { name: null })),
      calls(part(0, "", head("call_a"))),
      ...END,
    ],
    ['call call_a Read {"p":1}', "= tool_use"],
  ],
  [
    "an error object beside finish_reason error becomes an error event",
    [textChunk("Half"), errorChunk({ code: 502, message: "Bad gateway" }), usageChunk(), "[DONE]"],
    ["text Half…", "! api_error"],
  ],
  [
    "finish_reason error without an error object becomes an error event",
    [textChunk("Half"), deltaChunk({ content: "" }, "error"), "[DONE]"],
    ["text Half…", "! api_error"],
  ],
  [
    "a stream that ends within text becomes an error event",
    [textChunk("Half")],
    ["text Half…", "! api_error"],
  ],
  [
    "a stream that ends within arguments becomes an error event and leaves the tool call open",
    [calls(part(0, '{"p":', head("call_a")))],
    ['call call_a Read {"p":…', "! api_error"],
  ],
  [
    "a stream without finish_reason and [DONE] becomes an error event",
    [textChunk("Half"), usageChunk()],
    ["text Half…", "! api_error"],
  ],
  [
    "finish_reason content_filter becomes refusal",
    [textChunk("I"), finishChunk("content_filter"), "[DONE]"],
    ["text I", "= refusal"],
  ],
  [
    "SSE comments and [DONE] are ignored",
    [": OPENROUTER PROCESSING", textChunk("世界"), ":", finishChunk(), ": end", "[DONE]"],
    ["text 世界", "= end_turn"],
  ],
  ...["reasoning", "reasoning_content"].map((field): [string, Json[], Summary] => [
    `reasoning in ${field} becomes a thinking block with a signature`,
    [
      deltaChunk({ [field]: "Hm, " }),
      deltaChunk({ [field]: "so." }),
      textChunk("Two"),
      finishChunk(),
    ],
    ["thinking Hm, so.", "text Two", "= end_turn"],
  ]),
  [
    "signed reasoning before a tool call keeps its signature",
    [
      ...[{ text: "Hm" }, { signature: SIGNATURE }].map((detail) =>
        deltaChunk({
          reasoning: "text" in detail ? "Hm" : null,
          reasoning_details: [{ type: "reasoning.text", format: "anthropic-claude-v1", ...detail }],
        })
      ),
      calls(part(0, "{}", head("call_a"))),
      ...END,
    ],
    [`thinking Hm${SIGNATURE}`, "call call_a Read {}", "= tool_use"],
  ],
  [
    "a tool call without a required parameter is forwarded unchanged",
    [calls(part(0, "{}", head("call_a", "Write"))), ...END],
    ["call call_a Write {}", "= tool_use"],
  ],
];

const WRITE = {
  name: "Write",
  input_schema: { type: "object", properties: { path: {} }, required: ["path"] },
};

for (const [name, chunks, summary] of ROWS) {
  Deno.test(name, async () => {
    assertEquals(
      summarize(await translateStream(sse(...chunks), { tools: [READ, WRITE] })),
      summary,
    );
  });
}

Deno.test('finish_reason "stop" with tool calls in a completion becomes tool_use', async () => {
  const message = await requestMessage(
    messageCompletion({ content: null, tool_calls: [part(0, "{}", head("call_a"))] }),
  );
  assertEquals(message.stop_reason, "tool_use");
  assertEquals(message.content, [{ type: "tool_use", id: "call_a", name: "Read", input: {} }]);
});

Deno.test("content blocks have consecutive indexes and stop before the next one starts", async () => {
  const events = await translateStream(
    sse(
      textChunk("One"),
      calls(part(0, "{}", head("call_a")), part(1, "{}", head("call_b"))),
      ...END,
    ),
  );
  const steps = events.map((event) =>
    "index" in event ? `${event.type} ${event.index}` : event.type
  );
  assertEquals(steps, [
    "message_start",
    ...[0, 1, 2].flatMap((index) => [
      `content_block_start ${index}`,
      `content_block_delta ${index}`,
      `content_block_stop ${index}`,
    ]),
    "message_delta",
    "message_stop",
  ]);
});

const USAGE = {
  prompt_tokens: 120,
  completion_tokens: 7,
  prompt_tokens_details: { cached_tokens: 100 },
};
const usage = (value: unknown) => ({ ...deltaChunk({}), usage: value });
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

Deno.test("an error with HTTP 200, as body or first chunk, becomes its own status and message", async () => {
  const error = { code: 502, message: "Bad gateway" };
  const expected = [502, "api_error", "Bad gateway"];
  assertEquals(await requestError(() => Response.json({ error })), expected);
  const first = () => eventStream(sse(roleChunk(), errorChunk(error), "[DONE]"));
  assertEquals(await requestError(first, { stream: true }), expected);
});

Deno.test("a connection cut within text becomes an error event, and before any text a retryable 502", async () => {
  const begun = await requestStream(() => eventStream(cutBody(sse(textChunk("Half")))));
  assertEquals(summarize(parseEvents(begun)), ["text Half…", "! api_error"]);
  const request = post(ask({ stream: true }));
  const response = await call(
    createHandlerWithFetch(() => eventStream(cutBody(sse(roleChunk())))),
    request,
  );
  assertEquals([response.status, response.headers.get("x-should-retry")], [502, null]);
  assertEquals((await response.json()).error.type, "api_error");
});

Deno.test("a stream of [DONE] alone becomes a 502", async () => {
  const [status, type] = await requestError(() => eventStream(sse("[DONE]")), { stream: true });
  assertEquals([status, type], [502, "api_error"]);
});

Deno.test("finish_reason content_filter in a completion becomes refusal", async () => {
  const message = await requestMessage(messageCompletion({ content: "I" }, "content_filter"));
  assertEquals([message.stop_reason, message.stop_details?.type], ["refusal", "refusal"]);
});

/** A text in two chunks, split after the first byte of 世. */
function cutInside(text: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder().encode(text);
  const middle = bytes.indexOf(0xe4) + 1;
  assertGreater(middle, 0);
  return toBody([bytes.slice(0, middle), bytes.slice(middle)]);
}

Deno.test("a character split between chunks is decoded, in a stream and in JSON", async () => {
  const chunks = sse(textChunk("世界"), finishChunk(), "[DONE]");
  const events = parseEvents(await requestStream(() => eventStream(cutInside(chunks))));
  assertEquals(summarize(events), ["text 世界", "= end_turn"]);
  const headers = { "content-type": "application/json" };
  const body = () => cutInside(JSON.stringify(completion("世界")));
  const response = await call(
    createHandlerWithFetch(() => new Response(body(), { headers })),
    post(ask()),
  );
  assertEquals((await response.json()).content, [{ type: "text", text: "世界" }]);
});

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

Deno.test("content_block_start has empty fields, and message_start has type and role", async () => {
  const events = await translateStream(
    sse(
      deltaChunk({ reasoning: "Hm" }),
      textChunk("Hi"),
      calls(part(0, '{"p":1}', head("call_a"))),
      ...END,
    ),
  );
  assertEquals(
    events.flatMap((event) => event.type === "content_block_start" ? [event.content_block] : []),
    [
      { type: "thinking", thinking: "", signature: "" },
      { type: "text", text: "" },
      { type: "tool_use", id: "call_a", name: "Read", input: {} },
    ],
  );
  const [start] = events;
  assert(start?.type === "message_start");
  const { type, role, content } = start.message;
  assertEquals([type, role, content], ["message", "assistant", []]);
});

Deno.test("message_stop ends the stream without [DONE]", async () => {
  const text = await requestStream(() =>
    eventStream(sse(textChunk("Hi"), finishChunk(), "[DONE]"))
  );
  assertEquals(text.includes("[DONE]"), false);
  assert(text.endsWith('event: message_stop\ndata: {"type":"message_stop"}\n\n'));
});

const TRACE = "TypeError: x is not a function\n    at chat (file:///srv/gateway/chat.ts:1:2)";
const FAILURES: [input: string, answer: Fetch, status: number, type: string, words: string][] = [
  [
    "a fetch error with a stack trace",
    () => {
      throw new Error(TRACE);
    },
    502,
    "api_error",
    "Cannot reach OpenRouter",
  ],
  [
    "an error body that is a JSON string",
    () => Response.json("Out of order", { status: 500 }),
    500,
    "api_error",
    "Out of order",
  ],
  [
    "an error body with detail",
    () => Response.json({ detail: "Out of order" }, { status: 500 }),
    500,
    "api_error",
    "Out of order",
  ],
  [
    "an error body of plain text",
    () => new Response("Out of order", { status: 500 }),
    500,
    "api_error",
    "Out of order",
  ],
  ["status 401", () => errorBody(401, "No auth"), 401, "authentication_error", "No auth"],
];
for (const [input, answer, ...expected] of FAILURES) {
  Deno.test(`${input} becomes a ${expected[0]} in Anthropic's error format`, async () => {
    const [status, type, message] = await requestError(answer);
    assertEquals([status, type], expected.slice(0, 2));
    assertStringIncludes(message, expected[2]);
    assertEquals(/file:|TypeError|\bat chat/.test(message), false);
  });
}

Deno.test("a 429 with retry-after is forwarded after one attempt", async () => {
  let attempts = 0;
  const handler = createHandlerWithFetch(() => {
    attempts++;
    const refusal = errorBody(429, "Slow down");
    refusal.headers.set("retry-after", "7");
    return refusal;
  });
  const response = await call(handler, post(ask()));
  assertEquals((await response.json()).error.type, "rate_limit_error");
  assertEquals([response.status, response.headers.get("retry-after"), attempts], [429, "7", 1]);
});

Deno.test("a client that disconnects before the upstream headers aborts the upstream request", async () => {
  const left = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const handler = createHandlerWithFetch(({ signal }) => {
    const never = Promise.withResolvers<Response>();
    signal?.addEventListener("abort", () => {
      never.reject(signal.reason);
      left.resolve();
    });
    asked.resolve();
    return never.promise;
  });
  const controller = new AbortController();
  const response = call(handler, new Request(post(ask()), { signal: controller.signal }));
  await withTimeout(asked.promise, "the upstream request to be aborted");
  controller.abort();
  await withTimeout(left.promise, "the upstream request to be aborted");
  await (await response).body?.cancel();
});

Deno.test("a client that cancels an idle stream cancels the upstream body", async () => {
  const held = holdBody(sse(textChunk("Half")), { isBytes: true });
  const handler = createHandlerWithFetch(() => eventStream(held.body));
  const response = await call(handler, post(ask({ stream: true })));
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  await withTimeout(held.cancelled, "the upstream request to be aborted");
});

Deno.test("a tool call id with invalid characters is replaced and accepted in the next request", async () => {
  const id = "functions.Bash:0";
  const message = await requestMessage(
    messageCompletion({ content: null, tool_calls: [part(0, "{}", head(id))] }),
  );
  const [call] = message.content;
  assert(call?.type === "tool_use");
  assertMatch(call.id, /^[a-zA-Z0-9_-]+$/);
  const events = await translateStream(sse(calls(part(0, "{}", head(id))), ...END));
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
