/**
 * The simulated upstream of the demo: its replies, their format, and its HTTP endpoints.
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fillSchema } from "../../lib/cli/demo/fill_schema.ts";
import { findPrice } from "../../lib/cli/demo/models.ts";
import { createReply, type ErrorReply } from "../../lib/cli/demo/replies.ts";
import {
  startFakeOpenRouter,
  toChunks,
  toCompletion,
  toFrames,
} from "../../lib/cli/demo/fake_openrouter.ts";
import { GUARD_PROMPT, GUARD_STOP, SIDE_PROMPTS } from "../../lib/anthropic/request_kind.ts";
import { isJsonObject, type JsonObject } from "../../lib/json.ts";

const META = { id: "gen-1700000000-abc123", created: 1_700_000_000, promptChars: 41 };
const MODEL = "anthropic/claude-sonnet-4.5";
const WEATHER = {
  type: "object",
  properties: {
    city: { type: "string" },
    unit: { type: "string", enum: ["celsius", "kelvin"] },
    days: { type: "integer", minimum: 3 },
    note: { type: "string" },
  },
  required: ["city", "unit", "days"],
};

Deno.test("createReply rejects an unknown model with OpenRouter's message", () => {
  for (const model of ["claude-sonnet-4-5", "anthropic/claude-no-such-model"]) {
    const { status, body } = fail(createRequest("Hello", { model }));
    assertEquals(status, 400);
    assertEquals(readError(body)["message"], `${model} is not a valid model ID`);
    assertEquals(readError(body)["code"], 400);
  }
});

Deno.test("createReply rejects a body without messages", () => {
  for (const body of [undefined, null, [], "x", {}, { model: MODEL, messages: "x" }]) {
    assertEquals(fail(body).status, 400);
  }
});

Deno.test("createReply returns the error status that the user's last text requests", () => {
  for (const status of [400, 401, 402, 403, 404, 429, 500, 502, 503, 529]) {
    const reply = fail(createRequest(`please demo:error ${status}`));
    assertEquals(reply.status, status);
    assertEquals(readError(reply.body)["code"], status);
    assertEquals(reply.headers, status === 429 ? { "retry-after": "2" } : {});
  }
  const parts = [{ type: "text", text: "one" }, { type: "text", text: "demo:error 402" }];
  assertEquals(
    fail({ ...createRequest(""), messages: [{ role: "user", content: parts }] }).status,
    402,
  );
});

Deno.test("createReply ignores a trigger in an earlier turn, and an invalid one", () => {
  const earlier = [
    { role: "user", content: "demo:error 500" },
    { role: "assistant", content: "no" },
    { role: "user", content: "demo:error 200 demo:errors demo:cutter demo:error 5000" },
  ];
  assertEquals(complete({ ...createRequest(""), messages: earlier }).ending, "complete");
});

for (
  const [words, status] of [
    ["error", 402],
    ["Error.", 402],
    ["error 429", 429],
    ["error midstream", null],
    ["What does this error mean?", null],
    ["error in main.ts", null],
  ] as const
) {
  Deno.test(`createReply to the words “${words}” is ${status ?? "no error status"}`, () => {
    const reply = createReply(createRequest(words));
    assertEquals(reply.type === "error" ? reply.status : null, status);
    const ending = reply.type === "completion" ? reply.ending : "none";
    assertEquals(ending === "error", words === "error midstream");
  });
}

Deno.test("createReply names the model and describes what it received", () => {
  const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
  const { text, reasoning, call } = complete({
    model: MODEL,
    messages: [
      { role: "system", content: "Be brief" },
      { role: "user", content: [{ type: "text", text: "What is this?" }, image, image] },
    ],
  });
  assertStringIncludes(text, MODEL);
  assertStringIncludes(text, "1 message, no tools and 2 images");
  assertStringIncludes(text, "“What is this?”");
  assertEquals({ reasoning, call }, { reasoning: "", call: null });
});

Deno.test("createReply reasons only if the request enables reasoning", () => {
  for (const reasoning of [{ enabled: true }, { max_tokens: 1024 }, { effort: "low" }]) {
    assert(complete(createRequest("Hello", { reasoning })).reasoning !== "");
  }
  for (const reasoning of [undefined, null, { enabled: false }, { effort: "none" }]) {
    assertEquals(complete(createRequest("Hello", { reasoning })).reasoning, "");
  }
});

Deno.test("createReply calls a tool, or the forced one, with arguments that match its schema", () => {
  const tools = [createTool("get_weather", WEATHER), createTool("stop", { type: "object" })];
  const { call, text, finishReason, nativeFinishReason } = complete(
    createRequest("Weather?", { tools }),
  );
  assertEquals({ text, finishReason, nativeFinishReason }, {
    text: "",
    finishReason: "tool_calls",
    nativeFinishReason: "tool_use",
  });
  assertEquals(call, {
    name: "get_weather",
    arguments: '{"city":"Paris","unit":"celsius","days":3}',
  });
  const forced = { type: "function", function: { name: "stop" } };
  assertEquals(complete(createRequest("Go", { tools, tool_choice: forced })).call, {
    name: "stop",
    arguments: "{}",
  });
  assertEquals(complete(createRequest("Go", { tools, tool_choice: "none" })).call, null);
});

/** The tools that Claude Code 2.1.332 offers, in its order. */
const CLIENT_TOOLS = [
  ...["Agent", "Bash", "Edit", "ListAgents", "Read", "ReportFindings", "ScheduleWakeup", "Skill"],
  ...["ToolSearch", "Workflow", "Write"],
];

Deno.test("createReply lists the files with the shell of a coding agent, and starts no agents", () => {
  const shell = {
    type: "object",
    properties: { command: { type: "string" }, timeout: { type: "number" } },
    required: ["command"],
  };
  // Another tool that only looks comes first.
  const tools = ["Glob", ...CLIENT_TOOLS].map((name) =>
    createTool(name, name === "Bash" ? shell : WEATHER)
  );
  const { call } = complete(createRequest("Hi", { tools }));
  assertEquals(call, { name: "Bash", arguments: '{"command":"ls"}' });
  for (const name of ["Agent", "Task", "Write", "Edit", "AskUserQuestion", "ExitPlanMode"]) {
    const request = createRequest("Hi", { tools: [createTool(name, WEATHER)] });
    assertEquals(complete(request).call, null, name);
    assertEquals(complete({ ...request, tool_choice: "required" }).call?.name, name);
  }
});

Deno.test("createReply ignores the texts that Claude Code adds to the user's", () => {
  const reminder = "<system-reminder>\n# gitStatus: demo:error 500\n</system-reminder>";
  const content = [
    { type: "text", text: reminder },
    { type: "text", text: `${reminder}\nHello [Image: source: /a/b.png]` },
    { type: "text", text: "<system-reminder>never closed, demo:cut" },
  ];
  const messages = [
    { role: "system", content: "Be brief" },
    { role: "user", content },
    { role: "system", content: "# Environment" },
  ];
  const { text, ending } = complete({ model: MODEL, messages });
  assertStringIncludes(text, "I received 1 message");
  assertStringIncludes(text, "Your last message was: “Hello”.");
  assertEquals(ending, "complete");
  const tools = [createTool("Bash", WEATHER)];
  assertEquals(complete({ model: MODEL, messages, tools }).call?.name, "Bash");
});

Deno.test("createReply describes an image, with its size, and calls no tool", () => {
  const png =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC";
  const part = (url: string) => ({ type: "image_url", image_url: { url } });
  const content = [
    part(`data:image/png;base64,${png}`),
    part("data:image/webp;base64,AAAA"),
    part("https://example.com/a.png"),
    { type: "text", text: "What is this?" },
  ];
  const { text, call, reasoning } = complete({
    model: MODEL,
    messages: [{ role: "user", content }],
    tools: [createTool("Bash", WEATHER)],
    reasoning: { enabled: true },
  });
  assertStringIncludes(
    text,
    "I see a PNG image of 1 × 1 pixels, a WEBP image of unknown size and an image at an address",
  );
  assertStringIncludes(reasoning, "3 images");
  assertEquals(call, null);
});

Deno.test("createReply writes text where Claude Code wants no tool call", () => {
  const tools = [createTool("Bash", WEATHER)];
  for (const prompt of SIDE_PROMPTS) {
    assertEquals(complete(createRequest(`${prompt} …`, { tools })).call, null, prompt);
  }
});

Deno.test("createReply lets auto mode's check pass, on the scale that it asks for", () => {
  const guard = (system: string, user: string, more: JsonObject = {}) =>
    complete({
      model: MODEL,
      messages: [{ role: "system", content: system }, { role: "user", content: user }],
      ...more,
    }).text;
  assertEquals(guard(GUARD_PROMPT, "Answer in <severity>"), "<severity>0</severity>");
  assertEquals(guard(`${GUARD_PROMPT} <severity>`, "ls"), "<severity>0</severity>");
  assertEquals(guard("Old", "ls", { stop: [GUARD_STOP] }), "<block>no</block>");
  assert(!guard("Be brief", "<severity>", { stop: ["</x>"] }).startsWith("<severity>"));
});

Deno.test("every model has a price of its own, also one that is not listed", () => {
  const prompts = ["opus-5.5", "sonnet-5.5", "haiku-5.5", "fable-5.2"]
    .map((name) => findPrice(`anthropic/claude-${name}`).prompt);
  assertEquals(new Set(prompts).size, 4);
  const unlisted = ["opus-4-20250514", "sonnet-9", "haiku-9", "fable-9"]
    .map((name) => findPrice(`anthropic/claude-${name}`).prompt);
  assertEquals(unlisted, prompts);
  const cost = (model: string) =>
    Number(toChunks(complete(createRequest("Hello", { model })), META).at(-1)?.usage?.cost);
  const costs = ["anthropic/claude-opus-5.5", "anthropic/claude-haiku-5.5"].map(cost);
  assert((costs[0] ?? 0) > 4.5 * (costs[1] ?? 0) && (costs[1] ?? 0) > 0, `${costs}`);
});

Deno.test("createReply quotes a tool result, even if text follows it", () => {
  const call = { id: "toolu_1", type: "function", function: { name: "a", arguments: "{}" } };
  const messages = [
    { role: "user", content: "Weather?" },
    { role: "assistant", content: null, tool_calls: [call] },
    { role: "tool", tool_call_id: "toolu_1", content: "18 degrees and rain" },
  ];
  const tools = [createTool("a", WEATHER)];
  for (const more of [[], [{ role: "user", content: "Be quick" }]]) {
    const reply = complete({ model: MODEL, tools, messages: [...messages, ...more] });
    assertStringIncludes(reply.text, "“18 degrees and rain”");
    assertEquals(reply.finishReason, "stop");
  }
});

Deno.test("createReply truncates its text at max_tokens", () => {
  const reply = complete(createRequest("Hello", { max_tokens: 5 }));
  assertEquals(reply.text, "I am a simulated mod");
  assertEquals([reply.finishReason, reply.nativeFinishReason], ["length", "max_tokens"]);
});

Deno.test("createReply responds with JSON that matches a requested schema", () => {
  const format = { type: "json_schema", json_schema: { name: "x", schema: WEATHER } };
  const { text } = complete(createRequest("Weather?", { response_format: format }));
  assertEquals(JSON.parse(text), { city: "Paris", unit: "celsius", days: 3 });
});

Deno.test("fillSchema follows references, arrays, alternatives and defaults, and terminates", () => {
  const node = { type: "object", properties: { next: { $ref: "#/$defs/node" } } };
  assertEquals(
    fillSchema({
      $defs: { day: { type: ["null", "number"], exclusiveMinimum: 7 } },
      properties: {
        day: { $ref: "#/$defs/day" },
        list: { type: "array", items: { anyOf: [{ const: "x" }, { type: "null" }] } },
        flag: { type: "boolean", default: true },
        off: { type: "boolean" },
        share: { type: "number", maximum: 0.5 },
        nothing: { type: "null" },
        long: { type: "string", minLength: 6 },
      },
      required: ["day", "list", "flag", "off", "share", "nothing", "long", "unknown"],
    }),
    {
      day: 8,
      list: ["x"],
      flag: true,
      off: false,
      share: 0.5,
      nothing: null,
      long: "demoxx",
      unknown: "demo",
    },
  );
  fillSchema({ ...node, $defs: { node: { ...node, required: ["next"] } }, required: ["next"] });
  assertEquals([undefined, null, [], true].map((schema) => fillSchema(schema)), [{}, {}, {}, {}]);
});

Deno.test("toChunks sends reasoning, its signature alone, text, and the finish reason twice", () => {
  const reply = complete(createRequest("Hello", { reasoning: { enabled: true } }));
  const chunks = toChunks(reply, META);
  for (const { id, model } of chunks) assertEquals([id, model], [META.id, MODEL]);
  const deltas = chunks.map((chunk) => chunk.choices?.[0]?.delta ?? {});
  assertEquals(deltas.map((delta) => delta.reasoning ?? "").join(""), reply.reasoning);
  assertEquals(deltas.map((delta) => delta.content ?? "").join(""), reply.text);
  const signed = deltas.filter((delta) => delta.reasoning_details?.[0]?.signature);
  assertEquals(signed.length, 1);
  assertEquals(Object.keys(signed[0]?.reasoning_details?.[0] ?? {}), [
    "type",
    "signature",
    "format",
    "index",
  ]);
  assertEquals(signed[0]?.reasoning, undefined);
  const ends = chunks.slice(-2);
  assertEquals(ends.map((chunk) => chunk.choices?.[0]?.finish_reason), ["stop", "stop"]);
  assertEquals(chunks.filter((chunk) => chunk.usage !== undefined), ends.slice(1));
  const usage = ends[1]?.usage;
  const reasoningTokens = Math.ceil(reply.reasoning.length / 4);
  assertEquals(usage?.prompt_tokens, 11);
  assertEquals(usage?.completion_tokens, reasoningTokens + Math.ceil(reply.text.length / 4));
  assertEquals(usage?.completion_tokens_details, { reasoning_tokens: reasoningTokens });
  assert((usage?.cost ?? 0) > 0);
});

Deno.test("toChunks sends a tool call as its name, an empty fragment and pieces of its arguments", () => {
  const reply = complete(
    createRequest("Weather?", { tools: [createTool("get_weather", WEATHER)] }),
  );
  const calls = toChunks(reply, META)
    .flatMap((chunk) => chunk.choices?.[0]?.delta?.tool_calls ?? []);
  const [first, second] = calls.map((call) => JSON.stringify(call));
  assertEquals(
    first,
    '{"index":0,"id":"toolu_abc123","type":"function","function":{"name":"get_weather","arguments":""}}',
  );
  assertEquals(second, '{"index":0,"function":{"arguments":""}}');
  assertEquals(calls.length, 4);
  assertEquals(calls.map((call) => call.function?.arguments).join(""), reply.call?.arguments);
});

Deno.test("toFrames adds comments, and [DONE] unless the reply is cut", () => {
  const frames = toFrames(complete(createRequest("Hello")), META);
  assertEquals(frames.slice(0, 2), [": OPENROUTER PROCESSING\n\n", ": OPENROUTER PROCESSING\n\n"]);
  assertEquals(frames.at(-1), "data: [DONE]\n\n");
  const cut = toFrames(complete(createRequest("demo:cut")), META).join("");
  assert(!cut.includes("[DONE]") && !cut.includes('"finish_reason":"stop"'));
  assertStringIncludes(cut, '"content":"I am a "');
  const error = toFrames(complete(createRequest("demo:error midstream")), META);
  assertStringIncludes(error.at(-2) ?? "", '"finish_reason":"error"');
  assertStringIncludes(error.at(-2) ?? "", '"error":{"code":502');
});

Deno.test("toCompletion returns the reply as one completion", () => {
  const tools = [createTool("get_weather", WEATHER)];
  const reply = complete(createRequest("Weather?", { tools, reasoning: { enabled: true } }));
  const completion = toCompletion(reply, META);
  assertEquals(completion["object"], "chat.completion");
  assertEquals(JSON.parse(JSON.stringify(completion["choices"]))[0].finish_reason, "tool_calls");
  assert(
    isJsonObject(toCompletion(complete(createRequest("demo:error midstream")), META)["error"]),
  );
});

Deno.test("the simulated upstream requires a bearer key, and rejects unknown endpoints", async () => {
  const upstream = startFakeOpenRouter();
  const url = `${upstream.baseUrl}/chat/completions`;
  const bare = await fetch(url, { method: "POST", body: JSON.stringify(createRequest("Hello")) });
  assertEquals(bare.status, 401);
  assertEquals(readError(await bare.json())["code"], 401);
  const unknown = await fetch(`${upstream.baseUrl}/nothing`, { method: "POST", body: "{}" });
  assertEquals([unknown.status, readError(await unknown.json())["code"]], [404, 404]);
  const models = await (await fetch(`${upstream.baseUrl}/models`)).json();
  assert(models.data.length >= 3);
  for (const model of models.data) {
    assert(model.id.includes("/") && model.created > 0 && model.context_length > 0);
    assert(model.top_provider.max_completion_tokens > 0 && model.supported_parameters.length > 0);
  }
  await upstream.stop();
});

Deno.test("cancelling a response ends the simulated upstream's pause", async () => {
  const upstream = startFakeOpenRouter({ pauseMs: 60_000 });
  const response = await fetch(`${upstream.baseUrl}/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer x" },
    body: JSON.stringify({ ...createRequest("Hello"), stream: true }),
  });
  await response.body?.cancel();
  await upstream.stop();
});

function createRequest(content: string, fields: JsonObject = {}): JsonObject {
  return { model: MODEL, messages: [{ role: "user", content }], ...fields };
}

function createTool(name: string, parameters: JsonObject): JsonObject {
  return { type: "function", function: { name, parameters } };
}

/** The reply, which must be a completion. */
function complete(body: unknown) {
  const reply = createReply(body);
  assert(reply.type === "completion");
  return reply;
}

/** The reply, which must be an error. */
function fail(body: unknown): ErrorReply {
  const reply = createReply(body);
  assert(reply.type === "error");
  return reply;
}

function readError(body: unknown): JsonObject {
  assert(isJsonObject(body) && isJsonObject(body["error"]));
  return body["error"];
}
