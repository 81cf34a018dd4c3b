/**
 * What Claude Code's auto mode asks: the main request with `safeguards`, and its guard's short question, with and
 * without thinking, to a model that must think. Through the whole handler; the shapes are those of 2.1.332.
 * @module
 */

import { assertEquals } from "@std/assert";
import { parseMessagesRequest } from "../../lib/anthropic/parse_request.ts";
import { completion } from "../helpers/chunks.ts";
import { checkOpenAiRequest } from "../helpers/openai_request_checker.ts";
import { ask, call, createProxy, post } from "../helpers/proxy.ts";
import { startUpstream } from "../helpers/upstream.ts";

type Json = Record<string, unknown>;

const THINKER = {
  id: "a/thinker",
  context_length: 200_000,
  top_provider: { max_completion_tokens: 64_000 },
  reasoning: { mandatory: true, supported_efforts: ["high", "low", "minimal"] },
};
const GUARD = { model: "a/thinker", max_tokens: 64, stop_sequences: ["</block>"] };

/** One request: what upstream saw, and what the client was told is missing. */
async function send(body: Json, env: Record<string, string> = {}, models: Json[] = [THINKER]) {
  const isGeneric = env["UPSTREAM_DIALECT"] === "openai";
  const check = isGeneric ? { check: checkOpenAiRequest } : {};
  await using upstream = startUpstream(() => Response.json(completion("<block>no")), {
    models,
    ...check,
  });
  const { handler, services } = createProxy({ upstream, env });
  await services.catalog.list(5000);
  const response = await call(handler, post(ask(body)));
  await response.body?.cancel();
  return { seen: upstream.requests[0]?.body, dropped: response.headers.get("x-proxy-dropped") };
}

Deno.test("the guard's question to a model that must think has room for thinking, at the lowest effort", async () => {
  const { seen, dropped } = await send({ ...GUARD, thinking: { type: "disabled" } });
  assertEquals([seen?.["max_tokens"], seen?.["stop"]], [2112, ["</block>"]]);
  assertEquals([seen?.["reasoning"], dropped], [{ effort: "minimal" }, "thinking"]);
});

Deno.test("the guard's question with room of its own gets the same room and effort", async () => {
  const { seen, dropped } = await send({ ...GUARD, max_tokens: 2112 });
  assertEquals([seen?.["max_tokens"], dropped], [4160, null]);
  assertEquals(seen?.["reasoning"], { effort: "minimal" });
});

Deno.test("the guard's question keeps its room in the openai dialect", async () => {
  const env = { UPSTREAM_DIALECT: "openai" };
  const { seen } = await send({ ...GUARD, thinking: { type: "disabled" } }, env);
  assertEquals([seen?.["max_completion_tokens"], seen?.["reasoning_effort"]], [2112, "minimal"]);
});

Deno.test("the guard's question goes as it is where the list says nothing of the model's thinking", async () => {
  const models = [{ id: "a/thinker" }, { id: "b/odd", reasoning: { supported_efforts: "low" } }];
  for (const model of ["a/thinker", "b/odd", "c/not-listed"]) {
    const body = { ...GUARD, model, thinking: { type: "disabled" } };
    const { seen } = await send(body, {}, models);
    assertEquals([seen?.["max_tokens"], seen?.["reasoning"]], [64, { enabled: false }]);
  }
});

const SAFEGUARDS: readonly (readonly [name: string, value: unknown, asks: boolean])[] = [
  ["the one that 2.1.332 sends", [{ type: "dangerous_tool_use", classifier_context: {} }], true],
  ["it among others", [{ type: "hologram" }, { type: "dangerous_tool_use" }], true],
  ["another alone", [{ type: "hologram" }], false],
  ["an empty list", [], false],
  ["null", null, false],
  ["no list", { type: "hologram" }, false],
  ["a number", 7, false],
];

for (const [name, safeguards, asks] of SAFEGUARDS) {
  Deno.test(`parseMessagesRequest takes as safeguards ${name}`, () => {
    assertEquals(parseMessagesRequest(ask({ safeguards })).safeguards, asks);
  });
}
