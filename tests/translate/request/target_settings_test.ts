/** Settings of a target: what they override in parsed and in unparsed requests. */

import { assertEquals, assertStrictEquals } from "@std/assert";
import { parseMessagesRequest } from "../../../lib/anthropic/parse_request.ts";
import type { JsonObject } from "../../../lib/json.ts";
import type { TargetSettings } from "../../../lib/model_target.ts";
import { translateRequest } from "../../../lib/translate/request/request.ts";
import {
  applyAnthropicSettings,
  applySettings,
} from "../../../lib/translate/request/target_settings.ts";
import { requestBody } from "../../helpers/proxy.ts";

/** The chat request for a client's request to a target with settings. */
function translate(more: JsonObject, settings: TargetSettings) {
  const request = parseMessagesRequest(requestBody(more));
  const { body } = translateRequest(applySettings(request, settings), {
    models: ["openai/gpt-6"],
    serviceTier: settings.service_tier,
  });
  return body;
}

Deno.test("applySettings overrides sampling, and keeps what the target does not set", () => {
  const client = { temperature: 1, top_p: 0.5, top_k: 40 };
  const body = translate(client, { temperature: 0, top_k: 5 });
  assertEquals([body.temperature, body.top_p, body.top_k], [0, 0.5, 5]);
});

Deno.test("applySettings limits max_tokens and never raises it", () => {
  assertEquals(translate({ max_tokens: 5000 }, { max_tokens: 4000 }).max_tokens, 4000);
  assertEquals(translate({ max_tokens: 300 }, { max_tokens: 4000 }).max_tokens, 300);
});

Deno.test("a target's service tier replaces that of the request", () => {
  assertEquals(translate({ speed: "fast" }, { service_tier: "flex" }).service_tier, "flex");
  assertEquals(translate({ speed: "fast" }, {}).service_tier, "priority");
});

const EFFORT: TargetSettings = { reasoning: { effort: "low" } };
const ENABLED = { type: "enabled", budget_tokens: 4000 };

const EFFORTS: [about: string, request: JsonObject, reasoning: unknown][] = [
  ["no effort", {}, { effort: "low" }],
  ["another effort", { output_config: { effort: "max" } }, { effort: "low" }],
  ["adaptive thinking", { thinking: { type: "adaptive" } }, { enabled: true, effort: "low" }],
  ["a budget", { thinking: ENABLED, max_tokens: 9000 }, { enabled: true, effort: "low" }],
  ["disabled thinking", { thinking: { type: "disabled" } }, { enabled: false }],
  ["an effort in a turn", {
    messages: [
      { role: "user", content: "Hi" },
      { role: "system", content: "Think", output_config: { effort: "max" } },
    ],
  }, { effort: "low" }],
];

for (const [about, request, reasoning] of EFFORTS) {
  Deno.test(`the effort of a target applies to a request with ${about}`, () => {
    const sent = translate(request, EFFORT).reasoning;
    assertEquals(JSON.parse(JSON.stringify(sent)), reasoning);
  });
}

Deno.test("applyAnthropicSettings returns the same request without settings, or with those of the provider", () => {
  const body = { model: "m" };
  assertStrictEquals(applyAnthropicSettings(body, {}), body);
  assertStrictEquals(applyAnthropicSettings(body, { provider: { sort: "price" } }), body);
});

Deno.test("applyAnthropicSettings sets sampling and the service tier", () => {
  const body = { model: "m", temperature: 1, service_tier: "auto" };
  assertEquals(applyAnthropicSettings(body, { temperature: 0.2, top_p: 1, service_tier: "flex" }), {
    model: "m",
    temperature: 0.2,
    service_tier: "flex",
    top_p: 1,
  });
});

Deno.test("applyAnthropicSettings sets the effort of the request and its turns, unless thinking is disabled", () => {
  const turn = { role: "system", content: "x", output_config: { effort: "max", later: 1 } };
  const messages = [{ role: "user", content: "Hi" }, turn, null];
  assertEquals(applyAnthropicSettings({ messages, output_config: { format: 1 } }, EFFORT), {
    messages: [messages[0], { ...turn, output_config: { effort: "low", later: 1 } }, null],
    output_config: { format: 1, effort: "low" },
  });
  const disabled = { thinking: { type: "disabled" } };
  assertStrictEquals(applyAnthropicSettings(disabled, EFFORT), disabled);
});

Deno.test("applyAnthropicSettings limits max_tokens, and keeps a budget for thinking below it", () => {
  const limit = (body: JsonObject, max_tokens: number) =>
    applyAnthropicSettings(body, { max_tokens });
  assertEquals(limit({ max_tokens: 9000 }, 8000), { max_tokens: 8000 });
  assertEquals(limit({ max_tokens: 900 }, 8000), { max_tokens: 900 });
  const body = { max_tokens: 9000, thinking: ENABLED };
  assertEquals(limit(body, 8000), { max_tokens: 8000, thinking: ENABLED });
  assertEquals(limit(body, 4000), {
    max_tokens: 4000,
    thinking: { ...ENABLED, budget_tokens: 3999 },
  });
  assertEquals(limit(body, 1000), { max_tokens: 1000, thinking: { type: "disabled" } });
});
