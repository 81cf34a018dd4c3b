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
import { checkChatRequest } from "../helpers/openai_checker.ts";
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
import { soon } from "../helpers/soon.ts";

type Json = Record<string, unknown>;
type Fetch = (init: RequestInit) => Response | Promise<Response>;

/** An answer in short: a line a block, then the stop reason, or the error. */
type Told = string[];

const READ = { name: "Read", input_schema: { type: "object", properties: {} } };

/** A handler before a stand-in for `fetch`, so that bytes arrive exactly as they are cut. */
function createDirect(answer: Fetch): Handler {
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

/** The text of a streamed answer. */
async function stream(answer: Fetch, request: Json = {}): Promise<string> {
  const body = ask({ tools: [READ], stream: true, ...request });
  return await (await call(createDirect(answer), post(body))).text();
}

/** The events of an answer that did begin. */
function toEvents(text: string): StreamEvent[] {
  const events: StreamEvent[] = parseSse(text).map(({ name, data }) => {
    const event = JSON.parse(data);
    assertEquals(event.type, name);
    return event;
  });
  checkGrammar(events);
  return collapse(events);
}

/** A streamed answer in every chunking, which must all say the same. */
async function play(upstream: string, request: Json = {}): Promise<StreamEvent[]> {
  const played: StreamEvent[][] = [];
  for (const { chunks } of chunkings(upstream)) {
    played.push(toEvents(await stream(() => eventStream(toBody(chunks)), request)));
  }
  const [first = []] = played;
  for (const other of played) assertEquals(other, first);
  return first;
}

/** An answer that never began: its status and words. */
async function playError(answer: Fetch, request: Json = {}): Promise<[number, string, string]> {
  const response = await call(createDirect(answer), post(ask({ tools: [READ], ...request })));
  const { type, error } = await response.json();
  assertEquals(type, "error");
  return [response.status, error.type, error.message];
}

/** The whole answer to a request without stream. */
async function playWhole(completion: Json): Promise<Message> {
  const answer = () => Response.json(completion);
  return await (await call(createDirect(answer), post(ask({ tools: [READ] })))).json();
}

/** Events in short; a block that is not closed ends in "…". */
function tell(events: readonly StreamEvent[]): Told {
  const told: Told = [];
  const add = (words: string) => told.push(`${told.pop()?.replace(/…$/, "")}${words}`);
  for (const event of events) {
    if (event.type === "content_block_start") told.push(tellStart(event.content_block));
    else if (event.type === "content_block_delta") add(`${Object.values(event.delta)[1]}…`);
    else if (event.type === "content_block_stop") add("");
    else if (event.type === "message_delta") told.push(`= ${event.delta.stop_reason}`);
    else if (event.type === "error") told.push(`! ${event.error.type}`);
  }
  return told;
}

function tellStart(block: Extract<StreamEvent, { type: "content_block_start" }>["content_block"]) {
  return block.type === "tool_use" ? `call ${block.id} ${block.name} …` : `${block.type} …`;
}

/** A fragment of a call. */
function part(index: number | undefined, args: string, head: Json = {}): Json {
  const { id, ...name } = head;
  return {
    ...(index !== undefined && { index }),
    ...(id !== undefined && { id, type: "function" }),
    function: { ...name, arguments: args },
  };
}

/** One chunk with fragments of calls. */
const calls = (...parts: Json[]) => deltaChunk({ tool_calls: parts });
const head = (id: string, name = "Read") => ({ id, name });
const END = [finishChunk("tool_calls"), usageChunk(), "[DONE]"];

/** A body that brings these bytes, one chunk a read, and then breaks off. */
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

/** Upstream's chunks → the answer in short. */
const ROWS: [name: string, chunks: (Json | string)[], told: Told][] = [
  [
    "defect 21: interleaved tool_calls 0,1,0,1 → two whole calls",
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
    'defect 22: finish_reason "stop" with tool_calls → tool_use',
    [calls(part(0, "{}", head("call_a"))), finishChunk("stop"), usageChunk(), "[DONE]"],
    ["call call_a Read {}", "= tool_use"],
  ],
  [
    "defect 23: text, two calls and text → blocks one after the other",
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
    "defect 24: name + full args in one chunk → the args",
    [calls(part(0, '{"p":1}', head("call_a"))), ...END],
    ['call call_a Read {"p":1}', "= tool_use"],
  ],
  [
    "defect 24: content + tool args in one chunk → both",
    [
      deltaChunk({ content: "Well", tool_calls: [part(0, '{"p":', head("call_a"))] }),
      deltaChunk({ content: null, tool_calls: [part(0, "1}")] }),
      ...END,
    ],
    ["text Well", 'call call_a Read {"p":1}', "= tool_use"],
  ],
  [
    "defect 24: content + finish_reason in one chunk → the content",
    [deltaChunk({ content: "Well" }, "stop"), usageChunk(), "[DONE]"],
    ["text Well", "= end_turn"],
  ],
  [
    "defect 25: id before name → one call",
    [calls(part(0, "", { id: "call_a" })), calls(part(0, "{}", { name: "Read" })), ...END],
    ["call call_a Read {}", "= tool_use"],
  ],
  [
    "defect 25: id in a later chunk → one call",
    [
      calls(part(0, "", { name: "Read" })),
      calls(part(0, '{"p":')),
      calls(part(0, "1}", { id: "call_a" })),
      ...END,
    ],
    ['call call_a Read {"p":1}', "= tool_use"],
  ],
  [
    "defect 25: arguments before id and name → one call",
    [
      calls(part(0, '{"p":')),
      calls(part(0, "", { name: "Read" })),
      calls(part(0, "1}", { id: "call_a" })),
      ...END,
    ],
    ['call call_a Read {"p":1}', "= tool_use"],
  ],
  ...[null, "", "Read"].map((name): [string, Json[], Told] => [
    `defect 25: name ${JSON.stringify(name)} on every further chunk → set once`,
    [
      calls(part(0, "", head("call_a"))),
      calls(part(0, '{"p":', { id: name && "call_a", name })),
      calls(part(0, "1}", { id: name && "call_a", name })),
      finishChunk("tool_calls"),
    ],
    ['call call_a Read {"p":1}', "= tool_use"],
  ]),
  [
    "defect 25: name null and whole arguments, id and name in a later chunk → one call",
    [
      calls(part(0, '{"p":1}', { name: null })),
      calls(part(0, "", head("call_a"))),
      ...END,
    ],
    ['call call_a Read {"p":1}', "= tool_use"],
  ],
  [
    "defect 27: error in mid-stream beside finish_reason error → an error, no success",
    [textChunk("Half"), errorChunk({ code: 502, message: "Bad gateway" }), usageChunk(), "[DONE]"],
    ["text Half…", "! api_error"],
  ],
  [
    "defect 27: finish_reason error without any error object → an error, no success",
    [textChunk("Half"), deltaChunk({ content: "" }, "error"), "[DONE]"],
    ["text Half…", "! api_error"],
  ],
  [
    "defect 28: stream that simply ends in mid-text → an error, no success",
    [textChunk("Half")],
    ["text Half…", "! api_error"],
  ],
  [
    "defect 28: stream that simply ends inside arguments → an error, and the call stays open",
    [calls(part(0, '{"p":', head("call_a")))],
    ['call call_a Read {"p":…', "! api_error"],
  ],
  [
    "defect 29: no finish_reason and no [DONE] → an error, no success",
    [textChunk("Half"), usageChunk()],
    ["text Half…", "! api_error"],
  ],
  [
    "defect 30: content_filter → refusal",
    [textChunk("I"), finishChunk("content_filter"), "[DONE]"],
    ["text I", "= refusal"],
  ],
  [
    "defect 31: comments, an empty one and [DONE] → passed over",
    [": OPENROUTER PROCESSING", textChunk("世界"), ":", finishChunk(), ": end", "[DONE]"],
    ["text 世界", "= end_turn"],
  ],
  ...["reasoning", "reasoning_content"].map((field): [string, Json[], Told] => [
    `defect 32: reasoning in ${field} → a thinking block of its own, closed by a signature`,
    [
      deltaChunk({ [field]: "Hm, " }),
      deltaChunk({ [field]: "so." }),
      textChunk("Two"),
      finishChunk(),
    ],
    ["thinking Hm, so.", "text Two", "= end_turn"],
  ]),
  [
    "defect 32: signed reasoning, then a tool → the signature itself, before the call",
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
    "defect 38: call without a parameter that its tool requires → passed on as it is",
    [calls(part(0, "{}", head("call_a", "Write"))), ...END],
    ["call call_a Write {}", "= tool_use"],
  ],
];

const WRITE = {
  name: "Write",
  input_schema: { type: "object", properties: { path: {} }, required: ["path"] },
};

for (const [name, chunks, told] of ROWS) {
  Deno.test(name, async () => {
    assertEquals(tell(await play(sse(...chunks), { tools: [READ, WRITE] })), told);
  });
}

Deno.test('defect 22: finish_reason "stop" with tool_calls, whole → tool_use', async () => {
  const message = await playWhole(
    messageCompletion({ content: null, tool_calls: [part(0, "{}", head("call_a"))] }),
  );
  assertEquals(message.stop_reason, "tool_use");
  assertEquals(message.content, [{ type: "tool_use", id: "call_a", name: "Read", input: {} }]);
});

Deno.test("defect 23: text, two calls and text → indexes 0, 1, 2, each stopped before the next starts", async () => {
  const events = await play(
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
  Deno.test(`defect 26: usage ${where} → one message_delta with its numbers`, async () => {
    const events = await play(sse(usage(null), textChunk("Hi"), ...chunks, "[DONE]"));
    const endings = events.filter((event) => event.type === "message_delta");
    assertEquals(endings.map(({ delta, usage }) => [delta.stop_reason, usage]), [["end_turn", {
      input_tokens: 20,
      output_tokens: 7,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 100,
    }]]);
  });
}

Deno.test("defect 27: HTTP 200 {error}, whole and as the first chunk → its status and words", async () => {
  const error = { code: 502, message: "Bad gateway" };
  const expected = [502, "api_error", "Bad gateway"];
  assertEquals(await playError(() => Response.json({ error })), expected);
  const first = () => eventStream(sse(roleChunk(), errorChunk(error), "[DONE]"));
  assertEquals(await playError(first, { stream: true }), expected);
});

Deno.test("defect 28: socket cut in mid-text → an error event; before anything → a 502 that is retried", async () => {
  const begun = await stream(() => eventStream(cutBody(sse(textChunk("Half")))));
  assertEquals(tell(toEvents(begun)), ["text Half…", "! api_error"]);
  const request = post(ask({ stream: true }));
  const response = await call(createDirect(() => eventStream(cutBody(sse(roleChunk())))), request);
  assertEquals([response.status, response.headers.get("x-should-retry")], [502, null]);
  assertEquals((await response.json()).error.type, "api_error");
});

Deno.test("defect 29: nothing but [DONE] → a 502, no success", async () => {
  const [status, type] = await playError(() => eventStream(sse("[DONE]")), { stream: true });
  assertEquals([status, type], [502, "api_error"]);
});

Deno.test("defect 30: content_filter, whole → refusal", async () => {
  const message = await playWhole(messageCompletion({ content: "I" }, "content_filter"));
  assertEquals([message.stop_reason, message.stop_details?.type], ["refusal", "refusal"]);
});

/** The bytes of a text in two parts, cut behind the first byte of 世. */
function cutInside(text: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder().encode(text);
  const middle = bytes.indexOf(0xe4) + 1;
  assertGreater(middle, 0);
  return toBody([bytes.slice(0, middle), bytes.slice(middle)]);
}

Deno.test("defect 31: UTF-8 cut inside 世, and JSON with it → 世界, streamed and whole", async () => {
  const chunks = sse(textChunk("世界"), finishChunk(), "[DONE]");
  const events = toEvents(await stream(() => eventStream(cutInside(chunks))));
  assertEquals(tell(events), ["text 世界", "= end_turn"]);
  const headers = { "content-type": "application/json" };
  const body = () => cutInside(JSON.stringify(completion("世界")));
  const response = await call(createDirect(() => new Response(body(), { headers })), post(ask()));
  assertEquals((await response.json()).content, [{ type: "text", text: "世界" }]);
});

const COUNTS: [about: string, cached: number, written: number, counted: number[]][] = [
  ["100 of 120 tokens cached → input 20", 100, 0, [20, 100, 0]],
  ["100 cached and 15 written of 120 → input 5", 100, 15, [5, 100, 15]],
  ["more cached than prompted → input 0, never negative", 130, 0, [0, 130, 0]],
];
for (const [about, cached_tokens, cache_write_tokens, counted] of COUNTS) {
  Deno.test(`defect 33: ${about}`, async () => {
    const details = { cached_tokens, cache_write_tokens };
    const usage = { prompt_tokens: 120, completion_tokens: 7, prompt_tokens_details: details };
    const message = await playWhole({ ...completion("Hi"), usage });
    const ending = (await play(sse(textChunk("Hi"), finishChunk(), only(usage), "[DONE]")))
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

Deno.test("defect 33: message_start → input tokens that grow with the request", async () => {
  const count = async (content: string) => {
    const messages = [{ role: "user", content }];
    const [first] = await play(sse(textChunk("Hi"), finishChunk()), { messages });
    assert(first?.type === "message_start");
    return first.message.usage.input_tokens;
  };
  const few = await count("Hello");
  assertGreater(few, 0);
  assertGreater(await count("Hello ".repeat(1000)), few + 1000);
});

Deno.test("defect 34: text, thinking and call → empty fields in their starts, type and role in the head", async () => {
  const events = await play(
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

Deno.test("defect 35: data: [DONE] → nothing after message_stop", async () => {
  const text = await stream(() => eventStream(sse(textChunk("Hi"), finishChunk(), "[DONE]")));
  assertEquals(text.includes("[DONE]"), false);
  assert(text.endsWith('event: message_stop\ndata: {"type":"message_stop"}\n\n'));
});

const TRACE = "TypeError: x is not a function\n    at chat (file:///srv/gateway/chat.ts:1:2)";
const FAILURES: [input: string, answer: Fetch, status: number, type: string, words: string][] = [
  [
    "a failure that carries a stack trace",
    () => {
      throw new Error(TRACE);
    },
    502,
    "api_error",
    "Cannot reach ",
  ],
  [
    "an error body of a bare string",
    () => Response.json("Out of order", { status: 500 }),
    500,
    "api_error",
    "Out of order",
  ],
  [
    "an error body {detail}",
    () => Response.json({ detail: "Out of order" }, { status: 500 }),
    500,
    "api_error",
    "Out of order",
  ],
  [
    "text/plain",
    () => new Response("Out of order", { status: 500 }),
    500,
    "api_error",
    "Out of order",
  ],
  ["401", () => errorBody(401, "No auth"), 401, "authentication_error", "No auth"],
];
for (const [input, answer, ...expected] of FAILURES) {
  Deno.test(`defect 36: ${input} → an error in Anthropic's envelope, ${expected[0]}`, async () => {
    const [status, type, message] = await playError(answer);
    assertEquals([status, type], expected.slice(0, 2));
    assertStringIncludes(message, expected[2]);
    assertEquals(/file:|TypeError|\bat chat/.test(message), false);
  });
}

Deno.test("defect 36: 429 with retry-after → passed on after one attempt", async () => {
  let attempts = 0;
  const handler = createDirect(() => {
    attempts++;
    const refusal = errorBody(429, "Slow down");
    refusal.headers.set("retry-after", "7");
    return refusal;
  });
  const response = await call(handler, post(ask()));
  assertEquals((await response.json()).error.type, "rate_limit_error");
  assertEquals([response.status, response.headers.get("retry-after"), attempts], [429, "7", 1]);
});

Deno.test("defect 37: client closes before upstream's head → upstream let go", async () => {
  const left = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const handler = createDirect(({ signal }) => {
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
  await soon(asked.promise, "upstream to be let go");
  controller.abort();
  await soon(left.promise, "upstream to be let go");
  await (await response).body?.cancel();
});

Deno.test("defect 37: client closes in mid-stream, upstream being silent → upstream let go", async () => {
  const held = holdBody(sse(textChunk("Half")), { isBytes: true });
  const handler = createDirect(() => eventStream(held.body));
  const response = await call(handler, post(ask({ stream: true })));
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  await soon(held.cancelled, "upstream to be let go");
});

Deno.test("defect 39: tool call id functions.Bash:0 → one that clients take, and that comes back", async () => {
  const id = "functions.Bash:0";
  const message = await playWhole(
    messageCompletion({ content: null, tool_calls: [part(0, "{}", head(id))] }),
  );
  const [call] = message.content;
  assert(call?.type === "tool_use");
  assertMatch(call.id, /^[a-zA-Z0-9_-]+$/);
  const events = await play(sse(calls(part(0, "{}", head(id))), ...END));
  assertEquals(tell(events), [`call ${call.id} Read {}`, "= tool_use"]);
  for (const used of [id, call.id]) {
    const messages = [
      { role: "user", content: "Look" },
      { role: "assistant", content: [{ ...call, id: used }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: used, content: "a" }] },
    ];
    // That upstream takes the pair is checked on its way out.
    assertMatch(await stream(() => eventStream(sse(finishChunk())), { messages }), /message_stop/);
  }
});
