/**
 * What other translators send upstream wrongly, defects 1 to 20 of the list measured on them: each input through
 * the whole handler, and what upstream must see instead. Each test has the number and the input in its name.
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { checkChatRequest } from "../helpers/openrouter_request_checker.ts";
import { ask, call, createProxy, post, type TestOptions } from "../helpers/proxy.ts";
import { parseSse } from "../helpers/sse.ts";
import {
  completion,
  deltaChunk,
  finishChunk,
  messageCompletion,
  sse,
  textChunk,
  usageChunk,
} from "../helpers/chunks.ts";
import { eventStream, type Reply, startUpstream } from "../helpers/upstream.ts";
import { assistant, text, user } from "../helpers/messages.ts";

type Json = Record<string, unknown>;

/** The responses to some requests, and the upstream bodies. */
interface Outcome {
  answers: { status: number; text: string }[];
  /** The upstream request bodies, all checked. */
  seen: Json[];
}

const GPT = "openai/gpt-5";
const PDF = { type: "base64", media_type: "application/pdf", data: "JVBERi0=" };
const IMAGE = { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBOR" } };
const IMAGE_PART = { type: "image_url", image_url: { url: "data:image/png;base64,iVBOR" } };
const BILLING = "x-anthropic-billing-header: cc_version=2.1.330; cch=1a2b3;";
const SCHEMA = { type: "object", properties: { path: { type: "string" } } };
const READ = { name: "Read", input_schema: SCHEMA };
const OMITTED = { type: "thinking", thinking: "", signature: "RXFZQ2hBQUE=" };
const LONG_NAME = `mcp__${"server".repeat(10)}__list_dir`;

const use = (id: string, name = "Read") => ({ type: "tool_use", id, name, input: {} });
const result = (id: string, more: Json = {}) => ({ type: "tool_result", tool_use_id: id, ...more });
const sent = (id: string, name = "Read") => ({
  id,
  type: "function",
  function: { name, arguments: "{}" },
});

const answerHi: Reply = () => Response.json(completion("Hi"));

/** Sends bodies one after the other through the handler. */
async function send(
  bodies: unknown[],
  options: Omit<TestOptions, "upstream"> & { script?: Reply | Reply[]; models?: Json[] } = {},
): Promise<Outcome> {
  const { script = answerHi, models, ...proxyOptions } = options;
  await using upstream = startUpstream(script, models && { models });
  const { handler, services } = createProxy({ upstream, ...proxyOptions });
  if (models !== undefined) await services.catalog.list(5000);
  const outcome: Outcome = { answers: [], seen: [] };
  for (const body of bodies) {
    const response = await call(handler, post(body));
    outcome.answers.push({ status: response.status, text: await response.text() });
  }
  outcome.seen = upstream.requests.map(({ body }) => body);
  outcome.seen.forEach(checkChatRequest);
  return outcome;
}

/** The upstream body of one request that must succeed. */
async function sendOne(body: Json): Promise<Json> {
  const { answers: [answer], seen: [seen] } = await send([body]);
  assertEquals(answer?.status, 200, answer?.text);
  assert(seen !== undefined);
  return seen;
}

/** Checks that a request is a 400 whose message contains these words, without an upstream request. */
async function assertRefused(body: unknown, ...words: string[]): Promise<void> {
  const { answers: [answer], seen } = await send([body]);
  assertEquals([answer?.status, seen], [400, []]);
  const { type, error } = JSON.parse(answer?.text ?? "");
  assertEquals([type, error.type], ["error", "invalid_request_error"]);
  for (const word of words) assertStringIncludes(error.message, word);
}

/** Requests → fields of the upstream body; undefined for a field that must be absent. */
const ROWS: [name: string, body: Json, expected: Json][] = [
  [
    "a base64 image becomes a data URL",
    { messages: [user(IMAGE)] },
    { messages: [user(IMAGE_PART)] },
  ],
  [
    "a base64 image that is already a data URL is not prefixed again",
    {
      messages: [
        user({ ...IMAGE, source: { ...IMAGE.source, data: "data:image/png;base64,iVBOR" } }),
      ],
    },
    { messages: [user(IMAGE_PART)] },
  ],
  [
    "an image with a URL source keeps its URL",
    {
      messages: [user({ type: "image", source: { type: "url", url: "https://a.example/b.png" } })],
    },
    { messages: [user({ type: "image_url", image_url: { url: "https://a.example/b.png" } })] },
  ],
  [
    "an image in a tool result becomes a user message after all tool messages",
    {
      messages: [
        user(text("Look")),
        assistant(use("call_a"), use("call_b")),
        user(
          result("call_a", { content: [text("a.png"), IMAGE] }),
          result("call_b", { content: "b" }),
        ),
      ],
    },
    {
      messages: [
        { role: "user", content: "Look" },
        { role: "assistant", content: null, tool_calls: [sent("call_a"), sent("call_b")] },
        { role: "tool", tool_call_id: "call_a", content: "a.png" },
        { role: "tool", tool_call_id: "call_b", content: "b" },
        user(text("Images from the result of tool call call_a:"), IMAGE_PART),
      ],
    },
  ],
  [
    "user text that follows tool results becomes a user message after the tool messages",
    {
      messages: [
        user(text("Look")),
        assistant(use("call_a"), use("call_b")),
        user(result("call_a", { content: "a" }), result("call_b", { content: "b" }), text("Go on")),
      ],
    },
    {
      messages: [
        { role: "user", content: "Look" },
        { role: "assistant", content: null, tool_calls: [sent("call_a"), sent("call_b")] },
        { role: "tool", tool_call_id: "call_a", content: "a" },
        { role: "tool", tool_call_id: "call_b", content: "b" },
        { role: "user", content: "Go on" },
      ],
    },
  ],
  [
    "a system message among the messages keeps its place",
    { messages: [user(text("One")), { role: "system", content: "Hint" }] },
    { messages: [{ role: "user", content: "One" }, { role: "system", content: "Hint" }] },
  ],
  [
    "a system message between tool_use and tool_result moves behind the tool message",
    {
      messages: [
        user(text("Look")),
        assistant(use("call_a")),
        { role: "system", content: [text("Hint")] },
        user(result("call_a", { content: "a" })),
      ],
    },
    {
      messages: [
        { role: "user", content: "Look" },
        { role: "assistant", content: null, tool_calls: [sent("call_a")] },
        { role: "tool", tool_call_id: "call_a", content: "a" },
        { role: "system", content: "Hint" },
      ],
    },
  ],
  [
    "a billing header block is removed from system",
    { system: [text(BILLING), text("Be brief.")] },
    { messages: [{ role: "system", content: "Be brief." }, { role: "user", content: "Hello" }] },
  ],
  [
    "a billing header at the start of the system text is removed with its line break",
    { system: `${BILLING}\nBe brief.` },
    { messages: [{ role: "system", content: "Be brief." }, { role: "user", content: "Hello" }] },
  ],
  [
    "a system text that is only a billing header becomes no message",
    { system: BILLING },
    { messages: [{ role: "user", content: "Hello" }] },
  ],
  [
    "a billing header block is removed from a system message",
    {
      messages: [user(text("One")), { role: "system", content: [text("Hint"), text(BILLING)] }],
    },
    { messages: [{ role: "user", content: "One" }, { role: "system", content: "Hint" }] },
  ],
  [
    "a billing header in the middle of the system text is kept",
    { system: `Never write "${BILLING}"` },
    {
      messages: [
        { role: "system", content: `Never write "${BILLING}"` },
        { role: "user", content: "Hello" },
      ],
    },
  ],
  [
    'tool_choice any becomes "required"',
    { tools: [READ], tool_choice: { type: "any" } },
    { tool_choice: "required" },
  ],
  [
    'tool_choice none becomes "none"',
    { tools: [READ], tool_choice: { type: "none" } },
    { tool_choice: "none" },
  ],
  [
    "disable_parallel_tool_use becomes parallel_tool_calls false",
    { tools: [READ], tool_choice: { type: "auto", disable_parallel_tool_use: true } },
    { tool_choice: "auto", parallel_tool_calls: false },
  ],
  [
    "stop_sequences, top_p and top_k are forwarded",
    { stop_sequences: ["END"], top_p: 0.5, top_k: 40 },
    { stop: ["END"], top_p: 0.5, top_k: 40 },
  ],
  [
    "adaptive thinking with high effort becomes enabled reasoning with that effort",
    { thinking: { type: "adaptive" }, output_config: { effort: "high" } },
    { reasoning: { enabled: true, effort: "high" } },
  ],
  [
    "output_config.format becomes response_format",
    { output_config: { format: { type: "json_schema", schema: SCHEMA } } },
    {
      response_format: {
        type: "json_schema",
        json_schema: { name: "response", strict: true, schema: SCHEMA },
      },
    },
  ],
  [
    "a custom tool becomes a function without the type custom",
    { tools: [{ ...READ, type: "custom", description: "Reads" }] },
    {
      tools: [{
        type: "function",
        function: { name: "Read", description: "Reads", parameters: SCHEMA },
      }],
    },
  ],
  ...["", [], null, undefined].map((content): [string, Json, Json] => [
    `a tool result with content ${JSON.stringify(content)} becomes (no output)`,
    {
      messages: [user(text("Look")), assistant(use("call_a")), user(result("call_a", { content }))],
    },
    {
      messages: [
        { role: "user", content: "Look" },
        { role: "assistant", content: null, tool_calls: [sent("call_a")] },
        { role: "tool", tool_call_id: "call_a", content: "(no output)" },
      ],
    },
  ]),
  [
    "thinking signed by Claude is not sent to another vendor's model",
    {
      model: GPT,
      messages: [
        user(text("One")),
        assistant({ type: "thinking", thinking: "Hm", signature: "RXFZQ2hBQUE=" }, text("Two")),
        user(text("Three")),
      ],
    },
    {
      model: GPT,
      messages: [
        { role: "user", content: "One" },
        { role: "assistant", content: "Two" },
        { role: "user", content: "Three" },
      ],
    },
  ],
  [
    "the signature of omitted thinking in the history is sent back",
    { messages: [user(text("One")), assistant(OMITTED, text("Two")), user(text("Three"))] },
    {
      messages: [
        { role: "user", content: "One" },
        {
          role: "assistant",
          content: "Two",
          reasoning_details: [{
            type: "reasoning.text",
            text: "",
            signature: "RXFZQ2hBQUE=",
            format: "anthropic-claude-v1",
            index: 0,
          }],
        },
        { role: "user", content: "Three" },
      ],
    },
  ],
  ["max_tokens is forwarded", { max_tokens: 32_000 }, { max_tokens: 32_000 }],
];

for (const [name, body, expected] of ROWS) {
  Deno.test(name, async () => {
    const seen = await sendOne(ask(body));
    assertEquals(
      Object.fromEntries(Object.keys(expected).map((key) => [key, seen[key]])),
      expected,
    );
  });
}

/** Reasoning with a signature, and a request that omits the text of thinking. */
const SIGNED = [
  { type: "reasoning.text", text: "Hm, ", format: "anthropic-claude-v1", index: 0 },
  { type: "reasoning.text", text: "so.", format: "anthropic-claude-v1", index: 0 },
  { type: "reasoning.text", signature: "RXFZQ2hBQUE=", format: "anthropic-claude-v1", index: 0 },
];
const HIDDEN = { thinking: { type: "adaptive", display: "omitted" } };
const answerSigned: Reply = ({ body }) => {
  if (body["stream"]) {
    const head = textChunk("");
    const chunks = SIGNED.map((detail) => ({
      ...head,
      choices: [{ index: 0, delta: { reasoning_details: [detail] }, finish_reason: null }],
    }));
    return eventStream(sse(...chunks, textChunk("Two"), finishChunk(), usageChunk(), "[DONE]"));
  }
  const [first] = SIGNED;
  const details = [{ ...first, text: "Hm, so.", signature: "RXFZQ2hBQUE=" }];
  const message = { role: "assistant", content: "Two", reasoning_details: details };
  return Response.json({
    ...completion(""),
    choices: [{ index: 0, message, finish_reason: "stop" }],
  });
};

Deno.test("omitted thinking has a signature but no text in a JSON response", async () => {
  const { answers: [answer] } = await send([ask(HIDDEN)], { script: answerSigned });
  const [hidden, shown] = JSON.parse(answer?.text ?? "").content;
  assertEquals([{ ...hidden, signature: "" }, shown], [{ ...OMITTED, signature: "" }, text("Two")]);
  assertStringIncludes(hidden.signature, '"signature":"RXFZQ2hBQUE="');
});

Deno.test("omitted thinking has only a signature delta in a stream", async () => {
  const { answers: [answer] } = await send([ask({ ...HIDDEN, stream: true })], {
    script: answerSigned,
  });
  const events = parseSse(answer?.text ?? "").map(({ data }) => JSON.parse(data));
  const deltas = events.filter(({ type, index }) => type === "content_block_delta" && index === 0);
  assertEquals(deltas.map(({ delta }) => delta.type), ["signature_delta"]);
  assertStringIncludes(deltas[0].delta.signature, '"signature":"RXFZQ2hBQUE="');
});

Deno.test("a PDF in a user message or a tool result becomes a file part", async () => {
  const document = { type: "document", source: PDF };
  const file = {
    type: "file",
    file: { filename: "document.pdf", file_data: `data:${PDF.media_type};base64,${PDF.data}` },
  };
  const direct = await sendOne(ask({ messages: [user(text("Sum up"), document)] }));
  assertEquals(direct["messages"], [{ role: "user", content: [text("Sum up"), file] }]);
  const read = await sendOne(ask({
    messages: [
      user(text("Look")),
      assistant(use("call_a")),
      user(result("call_a", { content: [document] })),
    ],
  }));
  const [, , answered, follows] = Array.isArray(read["messages"]) ? read["messages"] : [];
  assertEquals(answered, {
    role: "tool",
    tool_call_id: "call_a",
    content: "(file in the next message)",
  });
  assertEquals(follows, {
    role: "user",
    content: [text("Files from the result of tool call call_a:"), file],
  });
});

Deno.test("web_search_20250305 becomes OpenRouter's web search tool", async () => {
  const search = { type: "web_search_20250305", name: "web_search", max_uses: 5 };
  const seen = await sendOne(ask({ tools: [search] }));
  assertEquals(seen["tools"], [{ type: "openrouter:web_search", parameters: { max_uses: 5 } }]);
});

/** Calls the first tool of the upstream request. */
const callFirst: Reply = ({ body, text }) => {
  const [first] = JSON.parse(text).tools;
  const calls = [{ ...sent("call_b", first.function.name), index: 0 }];
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
  const body = ask({
    tools: [long],
    tool_choice: { type: "tool", name: LONG_NAME },
    messages: [
      user(text("Look")),
      assistant(use("call_a", LONG_NAME)),
      user(result("call_a", { content: [found] })),
    ],
  });
  const { answers, seen: [seen, ...more] } = await send([body, { ...body, stream: true }], {
    script: callFirst,
  });
  const alias = /"name":"([^"]+)"/.exec(JSON.stringify(seen?.["tools"]))?.[1] ?? "";
  assertMatch(alias, /^mcp__server[a-zA-Z0-9_-]{0,53}$/);
  assertEquals(seen?.["tool_choice"], { type: "function", function: { name: alias } });
  assertEquals(seen?.["messages"], [
    { role: "user", content: "Look" },
    { role: "assistant", content: null, tool_calls: [sent("call_a", alias)] },
    { role: "tool", tool_call_id: "call_a", content: `Tool available: ${alias}` },
  ]);
  assertEquals(more.map((body) => body["messages"]), [seen?.["messages"]]);
  const [whole, streamed] = answers;
  assertEquals(JSON.parse(whole?.text ?? "").content, [use("call_b", LONG_NAME)]);
  const starts = parseSse(streamed?.text ?? "").map(({ data }) => JSON.parse(data))
    .filter(({ type }) => type === "content_block_start");
  assertEquals(starts.map(({ content_block }) => content_block), [use("call_b", LONG_NAME)]);
});

const { messages: _messages, ...WITHOUT_MESSAGES } = ask();
const { model: _model, ...WITHOUT_MODEL } = ask();
const BAD: [input: string, body: unknown, word: string][] = [
  ["missing messages", WITHOUT_MESSAGES, "messages: Field required"],
  ["missing model", WITHOUT_MODEL, "model: Field required"],
  ["invalid JSON", '{"model": "claude-sonnet-4-5", ', "valid JSON"],
];
for (const [input, body, word] of BAD) {
  Deno.test(`a request with ${input} is a 400 invalid_request_error`, () =>
    assertRefused(body, word));
}

Deno.test("thinking signed by Gemini is not sent to Claude", async () => {
  const format = "google-gemini-v1";
  const details = [{ type: "reasoning.text", text: "Hm", signature: "R2VtaW5p", format, index: 0 }];
  const message = { role: "assistant", content: "Two", reasoning_details: details };
  const choices = [{ index: 0, message, finish_reason: "stop" }];
  const first = await send([ask({ model: "google/gemini-3-pro" })], {
    script: () => Response.json({ ...completion(""), choices }),
  });
  const { content } = JSON.parse(first.answers[0]?.text ?? "");
  assertEquals([content[0].thinking, content[0].signature === "R2VtaW5p"], ["Hm", false]);
  const messages = [user(text("One")), { role: "assistant", content }, user(text("Three"))];
  const seen = await sendOne(ask({ messages }));
  assertEquals(seen["messages"], [
    { role: "user", content: "One" },
    { role: "assistant", content: "Two" },
    { role: "user", content: "Three" },
  ]);
});

Deno.test("max_tokens is clamped to the limit of the model", async () => {
  const models = [{ id: GPT, top_provider: { max_completion_tokens: 16_000 } }];
  const bodies = [GPT, "a/other"].map((model) => ask({ model, max_tokens: 32_000 }));
  const { seen } = await send(bodies, { models });
  assertEquals(seen.map((body) => body["max_tokens"]), [16_000, 32_000]);
});

Deno.test("Claude model names are mapped to OpenRouter IDs", async () => {
  const env = {
    TARGET_MODEL_OPUS: "x/opus",
    TARGET_MODEL_BIG: "x/big",
    TARGET_MODEL_SMALL: "x/small",
    TARGET_MODEL_DEFAULT: "x/default",
  };
  const names: Record<string, string> = {
    "claude-sonnet-4-20250514": "x/big",
    "claude-3-5-sonnet-latest": "x/big",
    "claude-opus-4-1-20250805": "x/opus",
    "claude-haiku-4-5": "x/small",
    "claude-instant-1": "x/default",
  };
  const bodies = Object.keys(names).map((model) => ask({ model }));
  const { seen } = await send(bodies, { env });
  assertEquals(seen.map(({ model }) => model), Object.values(names));
  const { seen: byDefault } = await send(bodies);
  for (const { model } of byDefault) assertMatch(String(model), /^[a-z]+\/[\w.-]+$/);
});
