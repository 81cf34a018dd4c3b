// A default target model that upstream rejects is replaced once.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { createProxy, MODES, requestBody, send } from "../helpers/proxy.ts";
import { replyEither, replyJson } from "../helpers/replies.ts";
import { readError } from "../helpers/responses.ts";
import { errorBody, type Reply, replyInvalidModel, startUpstream } from "../helpers/upstream.ts";

const SONNET = "anthropic/claude-sonnet-4-20250514";

/** Rejects these models and accepts all others. */
const rejectModels = (...unknown: string[]): Reply => (request) =>
  unknown.includes(String(request.body["model"]))
    ? replyInvalidModel(request)
    : replyEither(request);

for (const { mode, request } of MODES) {
  Deno.test(`${mode} is sent again if its default target is rejected, and the replacement is remembered`, async () => {
    await using upstream = startUpstream(rejectModels(SONNET));
    const { services, handler } = createProxy({ upstream });
    for (const expected of [2, 3]) {
      const response = await send(handler, request);
      assertEquals([response.status, upstream.requests.length], [200, expected]);
      await response.text();
    }
    const [first, ...others] = upstream.requests.map(({ body }) => body);
    assertEquals(first?.["model"], SONNET);
    for (const { model, ...rest } of others) {
      assertEquals(model, "anthropic/claude-sonnet-4.5");
      assertEquals({ model: SONNET, ...rest }, first);
    }
    const warnings = services.lines.map((line) => JSON.parse(line)).filter(({ level }) =>
      level === "warn"
    );
    assertEquals(warnings.map(({ message }) => message), [
      `OpenRouter does not know ${SONNET}; using anthropic/claude-sonnet-4.5 instead`,
    ]);
  });
}

const OPUS = "anthropic/claude-opus-4-20250514";

const REJECTIONS: [about: string, reply: Reply][] = [
  [
    "404 No endpoints found",
    ({ body }) => errorBody(404, `No endpoints found for ${body["model"]}.`),
  ],
  ...["model_not_found", "no_endpoints", "model_deprecated"].map((code): [string, Reply] => [
    code,
    () => errorBody(code === "model_not_found" ? 400 : 404, "Gone", { availability: { code } }),
  ]),
];

for (const [about, reject] of REJECTIONS) {
  Deno.test(`a default target rejected with ${about} is replaced`, async () => {
    await using upstream = startUpstream((request) =>
      request.body["model"] === OPUS ? reject(request) : replyJson(request)
    );
    const response = await send(createProxy({ upstream }).handler, requestBody({ model: "opus" }));
    await response.body?.cancel();
    const models = upstream.requests.map(({ body }) => body["model"]);
    assertEquals([response.status, models], [200, [OPUS, "~anthropic/claude-opus-latest"]]);
  });
}

Deno.test("a replacement that is rejected too is an error, without a third attempt", async () => {
  await using upstream = startUpstream(replyInvalidModel);
  const response = await send(createProxy({ upstream }).handler, requestBody());
  assertEquals(response.headers.get("x-proxy-model"), "anthropic/claude-sonnet-4.5");
  const error = await readError(response);
  assertEquals(error, {
    status: 400,
    type: "invalid_request_error",
    message: "anthropic/claude-sonnet-4.5 is not a valid model ID",
  });
  assertEquals(upstream.requests.length, 2);
});

const NOT_REPLACED: [about: string, env: Record<string, string>, model: string][] = [
  ["a target that the user set", { TARGET_MODEL_BIG: "a/x" }, "sonnet"],
  ["an id from the request", {}, "anthropic/claude-sonnet-9"],
  ["the default's own id from the request", {}, SONNET],
  ["an OpenRouter alias", {}, "~anthropic/claude-sonnet-latest"],
  ["a list of targets", { TARGET_MODEL_BIG: `${SONNET},b/y` }, "sonnet"],
  ["auto", { TARGET_MODEL_BIG: "auto" }, "sonnet"],
];

for (const [about, env, model] of NOT_REPLACED) {
  Deno.test(`${about} is not replaced when upstream rejects it`, async () => {
    await using upstream = startUpstream(replyInvalidModel);
    const { handler } = createProxy({ upstream, env });
    for (let i = 1; i <= 2; i++) {
      const error = await readError(await send(handler, requestBody({ model })));
      assertEquals([error.status, error.type], [400, "invalid_request_error"]);
      assertStringIncludes(error.message, "is not a valid model ID");
      assertEquals(upstream.requests.length, i);
    }
  });
}

for (const status of [400, 401, 402, 404, 429, 500, 503]) {
  Deno.test(`a default target is not retried after ${status} for another reason`, async () => {
    await using upstream = startUpstream(() => errorBody(status, "for another reason"));
    const response = await send(createProxy({ upstream }).handler, requestBody());
    await response.body?.cancel();
    assertEquals(upstream.requests.length, 1);
  });
}
