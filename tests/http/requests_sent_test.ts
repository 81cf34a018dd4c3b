/**
 * What other translators send upstream wrongly, defects 1 to 20 of the list measured on them: each input through
 * the whole handler, and what upstream must see instead. Each test has the number and the input in its name.
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { checkChatRequest } from "../helpers/openai_checker.ts";
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
import { assistant, text, user } from "../helpers/turns.ts";

type Json = Record<string, unknown>;

/** What came of some requests. */
interface Outcome {
  answers: { status: number; text: string }[];
  /** The bodies upstream saw, each of them one that it takes. */
  seen: Json[];
}

const GPT = "openai/gpt-5";
const PDF = { type: "base64", media_type: "application/pdf", data: "JVBERi0=" };
const IMAGE = { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBOR" } };
const IMAGE_PART = { type: "image_url", image_url: { url: "data:image/png;base64,iVBOR" } };
const BILLING = "x-anthropic-billing-header: cc_version=2.1.330; cch=1a2b3;";
const SCHEMA = { type: "object", properties: { path: { type: "string" } } };
const READ = { name: "Read", input_schema: SCHEMA };
const SILENT = { type: "thinking", thinking: "", signature: "RXFZQ2hBQUE=" };
const LONG_NAME = `mcp__${"server".repeat(10)}__list_dir`;

const use = (id: string, name = "Read") => ({ type: "tool_use", id, name, input: {} });
const result = (id: string, more: Json = {}) => ({ type: "tool_result", tool_use_id: id, ...more });
const sent = (id: string, name = "Read") => ({
  id,
  type: "function",
  function: { name, arguments: "{}" },
});

const answerHi: Reply = () => Response.json(completion("Hi"));

/** Sends bodies one after the other, and gives what upstream saw and said. */
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

/** What upstream sees of one request that must pass. */
async function sendOne(body: Json): Promise<Json> {
  const { answers: [answer], seen: [seen] } = await send([body]);
  assertEquals(answer?.status, 200, answer?.text);
  assert(seen !== undefined);
  return seen;
}

/** A request that must be refused, in words that hold these, and without asking upstream. */
async function assertRefused(body: unknown, ...words: string[]): Promise<void> {
  const { answers: [answer], seen } = await send([body]);
  assertEquals([answer?.status, seen], [400, []]);
  const { type, error } = JSON.parse(answer?.text ?? "");
  assertEquals([type, error.type], ["error", "invalid_request_error"]);
  for (const word of words) assertStringIncludes(error.message, word);
}

/** Requests → fields of the body that upstream must see; undefined for a field that must not be there. */
const ROWS: [name: string, body: Json, expected: Json][] = [
  [
    "defect 1: image base64 → one data URL prefix",
    { messages: [user(IMAGE)] },
    { messages: [user(IMAGE_PART)] },
  ],
  [
    "defect 1: image base64 that is a data URL already → one data URL prefix",
    {
      messages: [
        user({ ...IMAGE, source: { ...IMAGE.source, data: "data:image/png;base64,iVBOR" } }),
      ],
    },
    { messages: [user(IMAGE_PART)] },
  ],
  [
    "defect 2: image URL source → that URL",
    {
      messages: [user({ type: "image", source: { type: "url", url: "https://a.example/b.png" } })],
    },
    { messages: [user({ type: "image_url", image_url: { url: "https://a.example/b.png" } })] },
  ],
  [
    "defect 3: tool_result [text, image] → text in tool, image in a user message after all siblings",
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
    "defect 4: user turn [tool_result, tool_result, text] → both results, then the text",
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
    "defect 5: messages [user, system] → the system turn, in its place",
    { messages: [user(text("One")), { role: "system", content: "Hint" }] },
    { messages: [{ role: "user", content: "One" }, { role: "system", content: "Hint" }] },
  ],
  [
    "defect 5: a system turn between tool_use and tool_result → does not split the pair",
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
    "defect 6: system[0] = billing line → gone",
    { system: [text(BILLING), text("Be brief.")] },
    { messages: [{ role: "system", content: "Be brief." }, { role: "user", content: "Hello" }] },
  ],
  [
    "defect 6: billing line at the head of the system text → gone, with its line break",
    { system: `${BILLING}\nBe brief.` },
    { messages: [{ role: "system", content: "Be brief." }, { role: "user", content: "Hello" }] },
  ],
  [
    "defect 6: billing line as the whole system text → no system message",
    { system: BILLING },
    { messages: [{ role: "user", content: "Hello" }] },
  ],
  [
    "defect 6: billing line in a system turn, one block of two → gone there too",
    {
      messages: [user(text("One")), { role: "system", content: [text("Hint"), text(BILLING)] }],
    },
    { messages: [{ role: "user", content: "One" }, { role: "system", content: "Hint" }] },
  ],
  [
    "defect 6: billing line that leads nothing → kept",
    { system: `Never write "${BILLING}"` },
    {
      messages: [
        { role: "system", content: `Never write "${BILLING}"` },
        { role: "user", content: "Hello" },
      ],
    },
  ],
  [
    'defect 7: tool_choice any → "required"',
    { tools: [READ], tool_choice: { type: "any" } },
    { tool_choice: "required" },
  ],
  [
    'defect 7: tool_choice none → "none"',
    { tools: [READ], tool_choice: { type: "none" } },
    { tool_choice: "none" },
  ],
  [
    "defect 8: disable_parallel_tool_use → parallel_tool_calls false",
    { tools: [READ], tool_choice: { type: "auto", disable_parallel_tool_use: true } },
    { tool_choice: "auto", parallel_tool_calls: false },
  ],
  [
    "defect 9: stop_sequences, top_p, top_k → all sent",
    { stop_sequences: ["END"], top_p: 0.5, top_k: 40 },
    { stop: ["END"], top_p: 0.5, top_k: 40 },
  ],
  [
    "defect 10: thinking adaptive + effort high → enabled, with that effort",
    { thinking: { type: "adaptive" }, output_config: { effort: "high" } },
    { reasoning: { enabled: true, effort: "high" } },
  ],
  [
    "defect 11: output_config.format json_schema → response_format",
    { output_config: { format: { type: "json_schema", schema: SCHEMA } } },
    {
      response_format: {
        type: "json_schema",
        json_schema: { name: "response", strict: true, schema: SCHEMA },
      },
    },
  ],
  [
    "defect 15: tool type custom → not in the schema, nor beside it",
    { tools: [{ ...READ, type: "custom", description: "Reads" }] },
    {
      tools: [{
        type: "function",
        function: { name: "Read", description: "Reads", parameters: SCHEMA },
      }],
    },
  ],
  ...["", [], null, undefined].map((content): [string, Json, Json] => [
    `defect 17: tool_result content ${JSON.stringify(content)} → a text that says so`,
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
    "defect 18: thinking signed by Claude, the model being another's → left out",
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
    "defect 10: thinking with its text omitted, in history → its signature travels back",
    { messages: [user(text("One")), assistant(SILENT, text("Two")), user(text("Three"))] },
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
  ["defect 19: max_tokens 32000 → 32000", { max_tokens: 32_000 }, { max_tokens: 32_000 }],
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

/** An answer of signed thinking, and the request that wants it without its text. */
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

Deno.test("defect 10: thinking display omitted, whole → no text, but the signature", async () => {
  const { answers: [answer] } = await send([ask(HIDDEN)], { script: answerSigned });
  const [hidden, shown] = JSON.parse(answer?.text ?? "").content;
  assertEquals([{ ...hidden, signature: "" }, shown], [{ ...SILENT, signature: "" }, text("Two")]);
  assertStringIncludes(hidden.signature, '"signature":"RXFZQ2hBQUE="');
});

Deno.test("defect 10: thinking display omitted, streamed → start, one signature, stop", async () => {
  const { answers: [answer] } = await send([ask({ ...HIDDEN, stream: true })], {
    script: answerSigned,
  });
  const events = parseSse(answer?.text ?? "").map(({ data }) => JSON.parse(data));
  const deltas = events.filter(({ type, index }) => type === "content_block_delta" && index === 0);
  assertEquals(deltas.map(({ delta }) => delta.type), ["signature_delta"]);
  assertStringIncludes(deltas[0].delta.signature, '"signature":"RXFZQ2hBQUE="');
});

Deno.test("defect 12: PDF block → a file part, in a user turn and in a result", async () => {
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

Deno.test("defect 13: web_search_20250305 → a server tool, no function without parameters", async () => {
  const search = { type: "web_search_20250305", name: "web_search", max_uses: 5 };
  const seen = await sendOne(ask({ tools: [search] }));
  assertEquals(seen["tools"], [{ type: "openrouter:web_search", parameters: { max_uses: 5 } }]);
});

/** Upstream calls the first tool it was given, by the name it was given. */
const callFirst: Reply = ({ body, text }) => {
  const [first] = JSON.parse(text).tools;
  const calls = [{ ...sent("call_b", first.function.name), index: 0 }];
  if (body["stream"]) {
    const delta = { tool_calls: calls };
    return eventStream(sse(deltaChunk(delta), finishChunk("tool_calls"), "[DONE]"));
  }
  return Response.json(messageCompletion({ content: null, tool_calls: calls }, "tool_calls"));
};

Deno.test("defect 14: tool name of 75 chars → a stable alias, restored in JSON and stream", async () => {
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
  ["bad JSON", '{"model": "claude-sonnet-4-5", ', "valid JSON"],
];
for (const [input, body, word] of BAD) {
  Deno.test(`defect 16: ${input} → 400 invalid_request_error`, () => assertRefused(body, word));
}

Deno.test("defect 18: thinking signed by Gemini, the model then being Claude → left out", async () => {
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

Deno.test("defect 19: max_tokens over the model's limit → that limit, and no other", async () => {
  const models = [{ id: GPT, top_provider: { max_completion_tokens: 16_000 } }];
  const bodies = [GPT, "a/other"].map((model) => ask({ model, max_tokens: 32_000 }));
  const { seen } = await send(bodies, { models });
  assertEquals(seen.map((body) => body["max_tokens"]), [16_000, 32_000]);
});

Deno.test("defect 20: Claude's own model names → each mapped to an OpenRouter id", async () => {
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
