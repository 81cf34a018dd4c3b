/**
 * The official SDK's model list and token counting.
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { Anthropic } from "../helpers/sdk.ts";
import { catchError, MODEL, startHarness, textReply } from "./sdk_harness.ts";

Deno.test("messages.countTokens returns a number that grows with the text", async () => {
  await using harness = startHarness(textReply("never"));
  const count = async (content: string) => {
    const messages = [{ role: "user" as const, content }];
    return (await harness.client.messages.countTokens({ model: MODEL, messages })).input_tokens;
  };
  const short = await count("Hello");
  const long = await count("Hello ".repeat(1000));
  assert(short > 0 && long > short + 1000, `${short} and ${long}`);
  assertEquals(harness.upstream.requests.length, 0);
});

Deno.test("models.list pages through all models and models.retrieve finds one with a slash", async () => {
  const models = Array.from({ length: 45 }, (_, i) => ({
    id: `vendor-${i % 3}/model-${i}`,
    name: `Model ${i}`,
    created: 1_700_000_000 - i,
    context_length: 200_000,
  }));
  await using harness = startHarness(textReply("never"), { models });
  const ids: string[] = [];
  for await (const model of harness.client.models.list()) ids.push(model.id);
  const mapped = ["claude-opus", "claude-sonnet", "claude-haiku", "claude-fable"];
  assertEquals(ids, [...mapped, ...models.map(({ id }) => id)]);
  const paged: string[] = [];
  for await (const model of harness.client.models.list({ limit: 7 })) paged.push(model.id);
  assertEquals(paged, ids);
  const model = await harness.client.models.retrieve("vendor-1/model-4");
  assertEquals([model.type, model.id, model.display_name, model.created_at], [
    "model",
    "vendor-1/model-4",
    "Model 4 · 200k",
    new Date(1_699_999_996_000).toISOString(),
  ]);
  const error = await catchError(harness.client.models.retrieve("vendor-1/model-400"));
  assertInstanceOf(error, Anthropic.NotFoundError);
  assertStringIncludes(error.message, "vendor-1/model-4");
  assertEquals(harness.upstream.modelListRequests, 1);
});
