/**
 * Images and PDFs for models that do not accept them, as known from the catalog or from an upstream error. The
 * notes that replace them are in tests/fixtures (unsupported.requests.json).
 * @module
 */

import { assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { parseErrorResponse } from "../../lib/openrouter/errors.ts";
import { completion, sseAnswer } from "../helpers/chunks.ts";
import { checkOpenAiRequest } from "../helpers/openai_request_checker.ts";
import { call, createProxy, post, requestBody, type TestServices } from "../helpers/proxy.ts";
import { parseSse } from "../helpers/sse.ts";
import { errorBody, eventStream, type Reply, startUpstream } from "../helpers/upstream.ts";

type Json = Record<string, unknown>;

const IMAGE = { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBO" } };
const PDF = {
  type: "document",
  source: { type: "base64", media_type: "application/pdf", data: "JVBERi0=" },
};
const NOT_FOUND = "No endpoints found that support image input";
const replyHi: Reply = () => Response.json(completion("Hi"));
const reject: Reply = () => errorBody(404, NOT_FOUND, { availability: { code: "no_endpoints" } });
const withBlocks = (...blocks: Json[]) => ({ messages: [{ role: "user", content: blocks }] });
const createModel = (id: string, ...input_modalities: string[]) => ({
  id,
  architecture: { input_modalities },
});

/** The responses to some requests, and the upstream bodies. */
interface Outcome {
  responses: { status: number; text: string; dropped: string | null }[];
  /** The upstream bodies, as text. */
  seen: string[];
  services: TestServices;
}

async function send(
  bodies: Json[],
  { reply = replyHi, models = [], env = {} }: {
    reply?: Reply | Reply[];
    models?: Json[];
    env?: Record<string, string>;
  } = {},
): Promise<Outcome> {
  const isOpenAi = env["UPSTREAM_DIALECT"] === "openai";
  const checks = isOpenAi ? { check: checkOpenAiRequest } : {};
  await using upstream = startUpstream(reply, { models, ...checks });
  const { handler, services } = createProxy({ upstream, env });
  if (models.length > 0) await services.catalog.list(5000);
  const responses: Outcome["responses"] = [];
  for (const body of bodies) {
    const response = await call(handler, post(requestBody({ model: "a/text", ...body })));
    const dropped = response.headers.get("x-proxy-dropped");
    responses.push({ status: response.status, text: await response.text(), dropped });
  }
  return { responses, seen: upstream.requests.map(({ text }) => text), services };
}

const NOTE = "[image/png, not shown: a/text takes no images]";
const showsImage = (body: string | undefined) => body?.includes('"image_url"') ?? false;

Deno.test("an image is not sent to a text-only model, and the conversation can continue", async () => {
  const later = {
    messages: [
      ...withBlocks(IMAGE).messages,
      { role: "assistant", content: "I cannot see it." },
      { role: "user", content: "Then go on." },
    ],
  };
  const { responses, seen } = await send([withBlocks(IMAGE), later], {
    models: [createModel("a/text", "text")],
  });
  assertEquals(responses.map(({ status, dropped }) => [status, dropped]), [[200, "image"], [
    200,
    "image",
  ]]);
  assertEquals(seen.map(showsImage), [false, false]);
  for (const body of seen) assertStringIncludes(body, NOTE);
});

for (
  const [name, models] of [
    ["accepts images", [createModel("a/text", "text", "image")]],
    ["has no input modalities in the catalog", [createModel("a/text"), { id: "a/text" }]],
    ["is not in the catalog", [createModel("b/other", "text")]],
  ] as const
) {
  Deno.test(`an image is sent to a model that ${name}`, async () => {
    const { responses, seen } = await send([withBlocks(IMAGE)], { models: [...models] });
    assertEquals([responses[0]?.dropped, seen.map(showsImage)], [null, [true]]);
  });
}

Deno.test("an image is sent to a list of models if one of them accepts images", async () => {
  const models = [
    createModel("a/text", "text"),
    createModel("b/vision", "text", "image"),
    createModel("c/text", "text"),
  ];
  const withVision = { ...withBlocks(IMAGE), fallbacks: [{ model: "b/vision" }] };
  const textOnly = { ...withBlocks(IMAGE), fallbacks: [{ model: "c/text" }] };
  const { responses, seen } = await send([withVision, textOnly], { models });
  assertEquals(seen.map(showsImage), [true, false]);
  assertEquals(responses.map(({ dropped }) => dropped), [null, "image"]);
});

Deno.test("a request with a rejected image is retried without it, and later requests omit images at once", async () => {
  const reply: Reply[] = [reject, replyHi];
  const { responses, seen, services } = await send([withBlocks(IMAGE), withBlocks(IMAGE)], {
    reply,
  });
  assertEquals(responses.map(({ status, dropped }) => [status, dropped]), [[200, "image"], [
    200,
    "image",
  ]]);
  assertEquals(seen.map(showsImage), [true, false, false]);
  const warnings = services.lines.filter((line) => line.includes("refused an image"));
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0] ?? "", "a/text refused an image");
});

Deno.test("an image rejected by a list of models is omitted for each of them", async () => {
  const list = { ...withBlocks(IMAGE), fallbacks: [{ model: "b/text" }] };
  const reply: Reply[] = [reject, replyHi];
  const { seen } = await send([list, { ...withBlocks(IMAGE), model: "b/text" }], { reply });
  assertEquals(seen.map(showsImage), [true, false, false]);
});

Deno.test("a request that is rejected without its image too is a 400 with the upstream message", async () => {
  const { responses, seen } = await send([withBlocks(IMAGE), withBlocks(IMAGE)], { reply: reject });
  assertEquals(responses.map(({ status }) => status), [400, 400]);
  assertStringIncludes(responses[0]?.text ?? "", NOT_FOUND);
  assertEquals(seen.map(showsImage), [true, false, false]);
});

Deno.test("a replaced default target that rejects images gets a third attempt", async () => {
  const unknown: Reply = () => errorBody(400, "anthropic/x is not a valid model ID");
  const body = { ...withBlocks(IMAGE), model: "claude-opus-4-8" };
  const { responses, seen } = await send([body], { reply: [unknown, reject, replyHi] });
  assertEquals([responses[0]?.status, seen.map(showsImage)], [200, [true, true, false]]);
});

Deno.test("the attempts with and without an image share one TIMEOUT_S", async () => {
  const { handler, services } = createProxy({ env: { TIMEOUT_S: "300" } });
  const timeouts: number[] = [];
  let now = 0;
  services.now = () => now;
  services.client.sendChat = (sent) => {
    timeouts.push(sent.timeoutMs);
    now += 100_000;
    throw parseErrorResponse(404, JSON.stringify({ error: { message: NOT_FOUND } }), {});
  };
  await call(handler, post(requestBody({ model: "a/text", ...withBlocks(IMAGE) })));
  assertEquals(timeouts, [300_000, 200_000]);
});

Deno.test("a PDF is sent to a text-only model unless PDF_ENGINE is native", async () => {
  const models = [createModel("a/text", "text")];
  const { seen: [read] } = await send([withBlocks(PDF)], { models });
  assertStringIncludes(read ?? "", '"type":"file"');
  const env = { PDF_ENGINE: "native" };
  const { seen: [omitted], responses } = await send([withBlocks(PDF)], { models, env });
  assertStringIncludes(omitted ?? "", "[application/pdf, not shown: a/text takes no files]");
  assertEquals([omitted?.includes('"plugins"'), responses[0]?.dropped], [false, "document"]);
  const files = [createModel("a/text", "text", "file")];
  const { seen: [native] } = await send([withBlocks(PDF)], { models: files, env });
  assertStringIncludes(native ?? "", '"engine":"native"');
});

Deno.test("in the openai dialect a model that rejects images gets no PDFs either", async () => {
  const env = { UPSTREAM_DIALECT: "openai", TARGET_MODEL_DEFAULT: "a/text" };
  const rejectHere: Reply = () => errorBody(400, "This model does not support image input");
  const body = withBlocks(IMAGE, PDF);
  const { responses, seen } = await send([body], { env, reply: [rejectHere, replyHi] });
  assertEquals([responses[0]?.status, responses[0]?.dropped], [200, "image, document"]);
  assertEquals(seen.map(showsImage), [true, false]);
  assertEquals(seen[1]?.includes('"file"'), false);
});

Deno.test("an image that is not sent is not in the estimated input tokens", async () => {
  const reply: Reply = () => eventStream(sseAnswer("Hi"));
  const body = { ...withBlocks(IMAGE), stream: true };
  const { responses: [response] } = await send([body], {
    reply,
    models: [createModel("a/text", "text")],
  });
  const [start] = parseSse(response?.text ?? "");
  assertEquals(start?.name, "message_start");
  assertLess(JSON.parse(start?.data ?? "{}").message.usage.input_tokens, 100);
});
