/**
 * Requests of Claude Code 2.1.332 in auto mode: `safeguards`, and the short request of its classifier to a model
 * with mandatory reasoning.
 * @module
 */

import { assertEquals } from "@std/assert";
import { parseMessagesRequest } from "../../lib/anthropic/parse_request.ts";
import { completion } from "../helpers/chunks.ts";
import { checkOpenAiRequest } from "../helpers/openai_request_checker.ts";
import { call, createProxy, post, requestBody } from "../helpers/proxy.ts";
import { startUpstream } from "../helpers/upstream.ts";

type Json = Record<string, unknown>;

const REASONING_MODEL = {
  id: "a/reasoner",
  context_length: 200_000,
  top_provider: { max_completion_tokens: 64_000 },
  reasoning: { mandatory: true, supported_efforts: ["high", "low", "minimal"] },
};
const CLASSIFIER = { model: "a/reasoner", max_tokens: 64, stop_sequences: ["</block>"] };

/** Sends one request and returns the upstream body and the dropped fields. */
async function send(
  body: Json,
  env: Record<string, string> = {},
  models: Json[] = [REASONING_MODEL],
) {
  const isOpenAi = env["UPSTREAM_DIALECT"] === "openai";
  const check = isOpenAi ? { check: checkOpenAiRequest } : {};
  await using upstream = startUpstream(() => Response.json(completion("<block>no")), {
    models,
    ...check,
  });
  const { handler, services } = createProxy({ upstream, env });
  await services.catalog.list(5000);
  const response = await call(handler, post(requestBody(body)));
  await response.body?.cancel();
  return { seen: upstream.requests[0]?.body, dropped: response.headers.get("x-proxy-dropped") };
}

Deno.test("a classifier request gets extra tokens for mandatory reasoning, at the lowest effort", async () => {
  const { seen, dropped } = await send({ ...CLASSIFIER, thinking: { type: "disabled" } });
  assertEquals([seen?.["max_tokens"], seen?.["stop"]], [2112, ["</block>"]]);
  assertEquals([seen?.["reasoning"], dropped], [{ effort: "minimal" }, "thinking"]);
});

Deno.test("a classifier request with a larger max_tokens gets the same extra tokens and effort", async () => {
  const { seen, dropped } = await send({ ...CLASSIFIER, max_tokens: 2112 });
  assertEquals([seen?.["max_tokens"], dropped], [4160, null]);
  assertEquals(seen?.["reasoning"], { effort: "minimal" });
});

Deno.test("a classifier request gets the extra tokens in the openai dialect", async () => {
  const env = { UPSTREAM_DIALECT: "openai" };
  const { seen } = await send({ ...CLASSIFIER, thinking: { type: "disabled" } }, env);
  assertEquals([seen?.["max_completion_tokens"], seen?.["reasoning_effort"]], [2112, "minimal"]);
});

Deno.test("a classifier request is not changed if the catalog has no reasoning of the model", async () => {
  const models = [{ id: "a/reasoner" }, { id: "b/odd", reasoning: { supported_efforts: "low" } }];
  for (const model of ["a/reasoner", "b/odd", "c/not-listed"]) {
    const body = { ...CLASSIFIER, model, thinking: { type: "disabled" } };
    const { seen } = await send(body, {}, models);
    assertEquals([seen?.["max_tokens"], seen?.["reasoning"]], [64, { enabled: false }]);
  }
});

const SAFECLASSIFIERS: readonly (readonly [name: string, value: unknown, expected: boolean])[] = [
  ["those of Claude Code 2.1.332", [{ type: "dangerous_tool_use", classifier_context: {} }], true],
  ["dangerous_tool_use among others", [{ type: "hologram" }, { type: "dangerous_tool_use" }], true],
  ["only an unknown type", [{ type: "hologram" }], false],
  ["an empty list", [], false],
  ["null", null, false],
  ["an object", { type: "hologram" }, false],
  ["a number", 7, false],
];

for (const [name, safeguards, expected] of SAFECLASSIFIERS) {
  Deno.test(`parseMessagesRequest reads safeguards of ${name} as ${expected}`, () => {
    assertEquals(parseMessagesRequest(requestBody({ safeguards })).safeguards, expected);
  });
}
