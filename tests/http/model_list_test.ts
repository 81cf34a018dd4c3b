// GET /v1/models: pages, single models and an unavailable catalog.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { CATALOG } from "../helpers/catalog.ts";
import { call, createProxy, get } from "../helpers/proxy.ts";
import { replyJson } from "../helpers/replies.ts";
import { readError } from "../helpers/responses.ts";
import { startUpstream } from "../helpers/upstream.ts";

/** The names that the configuration maps. They are always first in the list. */
const MAPPED = ["claude-opus", "claude-sonnet", "claude-haiku", "claude-fable"];

const listIds = async (response: Response): Promise<string[]> =>
  (await response.json()).data.map(({ id }: { id: string }) => id);

Deno.test("GET /v1/models lists the mapped names while the catalog is unavailable, and all models afterwards", async () => {
  let isUp = false;
  const models = () =>
    isUp ? Response.json({ data: CATALOG }) : new Response("no", { status: 503 });
  await using upstream = startUpstream(replyJson, { models });
  const { handler } = createProxy({ upstream });
  assertEquals(await listIds(await call(handler, get("/v1/models"))), MAPPED);
  assertEquals((await call(handler, get("/v1/models/claude-opus"))).status, 200);
  const error = await readError(await call(handler, get("/v1/models/zz/unlike")));
  assertEquals([error.status, error.type], [404, "not_found_error"]);
  isUp = true;
  // A failed fetch is repeated after five seconds.
  const { now } = performance;
  performance.now = () => now.call(performance) + 5000;
  try {
    assertEquals((await listIds(await call(handler, get("/v1/models")))).length, 9);
  } finally {
    performance.now = now;
  }
});

Deno.test("GET /v1/models lists the mapped names if the catalog is invalid", async () => {
  for (const text of ["<html>", "{}", '{"data":{}}', "null"]) {
    await using upstream = startUpstream(replyJson, { models: () => new Response(text) });
    const { handler } = createProxy({ upstream });
    assertEquals(await listIds(await call(handler, get("/v1/models"))), MAPPED);
  }
});

Deno.test("GET /v1/models leaves out the models that the launcher's client lists itself", async () => {
  await using upstream = startUpstream(replyJson, { models: CATALOG });
  const { handler, services } = createProxy({ upstream });
  for (const id of ["claude-opus", "zz/unlike"]) services.unlistedModels.add(id);
  const listed = await listIds(await call(handler, get("/v1/models")));
  assertEquals(listed, LISTED.filter((id) => id !== "claude-opus" && id !== "zz/unlike"));
  assertEquals((await call(handler, get("/v1/models/zz/unlike"))).status, 200);
});

const LISTED = [
  ...MAPPED,
  "anthropic/claude-opus-4.8",
  "openai/gpt-5:free",
  "anthropic/claude-sonnet-4.5",
  "anthropic/claude-haiku-4.5",
  "zz/unlike",
];

const PAGES: [query: string, ids: string[], hasMore: boolean][] = [
  ["", LISTED, false],
  ["?limit=9", LISTED, false],
  ["?limit=1000", LISTED, false],
  ["?limit=2", LISTED.slice(0, 2), true],
  [`?limit=2&after_id=${LISTED[5]}`, LISTED.slice(6, 8), true],
  [`?limit=2&after_id=${encodeURIComponent(LISTED[5] ?? "")}`, LISTED.slice(6, 8), true],
  [`?limit=2&after_id=${LISTED[7]}`, LISTED.slice(8), false],
  [`?after_id=${LISTED[8]}`, [], false],
  [`?limit=2&before_id=${LISTED[7]}`, LISTED.slice(5, 7), true],
  [`?limit=2&before_id=${LISTED[1]}`, LISTED.slice(0, 1), false],
  [`?before_id=${LISTED[0]}`, [], false],
];

for (const [query, ids, hasMore] of PAGES) {
  Deno.test(`GET /v1/models${query} returns its page, mapped names first, then the newest models`, async () => {
    await using upstream = startUpstream(replyJson, { models: CATALOG });
    const response = await call(createProxy({ upstream }).handler, get(`/v1/models${query}`));
    const { data, ...rest } = await response.json();
    assertEquals(data.map(({ id }: { id: string }) => id), ids);
    const [first_id = null, last_id = null] = [ids[0], ids.at(-1)];
    assertEquals(rest, { has_more: hasMore, first_id, last_id });
  });
}

for (
  const query of ["limit=0", "limit=1001", "limit=x", "limit=1.5", "limit=", "after_id=no/such"]
) {
  Deno.test(`GET /v1/models?${query} is a 400`, async () => {
    await using upstream = startUpstream(replyJson, { models: CATALOG });
    const request = get(`/v1/models?${query}`);
    const error = await readError(await call(createProxy({ upstream }).handler, request));
    assertEquals([error.status, error.type], [400, "invalid_request_error"]);
  });
}

Deno.test("GET /v1/models returns twenty models by default and fetches the catalog once", async () => {
  const models = Array.from({ length: 25 }, (_, i) => ({ id: `a/${i}`, created: i + 1 }));
  await using upstream = startUpstream(replyJson, { models });
  const { handler } = createProxy({ upstream });
  const first = await (await call(handler, get("/v1/models"))).json();
  assertEquals([first.data.length, first.has_more], [20, true]);
  const rest = await (await call(handler, get(`/v1/models?after_id=${first.last_id}`))).json();
  assertEquals([rest.data.length, rest.has_more, rest.last_id], [9, false, "a/0"]);
  assertEquals(upstream.modelListRequests, 1);
});

Deno.test("GET /v1/models/{id} finds an ID with its slash encoded or raw", async () => {
  await using upstream = startUpstream(replyJson, { models: CATALOG });
  const { handler } = createProxy({ upstream });
  for (const path of ["openai%2Fgpt-5%3Afree", "openai/gpt-5:free", "openai%2fgpt-5:free"]) {
    const response = await call(handler, get(`/v1/models/${path}`));
    assertEquals(await response.json(), {
      type: "model",
      id: "openai/gpt-5:free",
      display_name: "openai/gpt-5:free · 400k",
      created_at: "1970-01-01T00:06:40.000Z",
      max_input_tokens: 400_000,
      max_tokens: 50,
    });
  }
  const unknown = await (await call(handler, get("/v1/models/zz/unlike"))).json();
  assertEquals(unknown.created_at, "1970-01-01T00:00:00.000Z");
  assertEquals([unknown.max_input_tokens, unknown.max_tokens], [null, null]);
});

Deno.test("GET /v1/models/{id} is a 404 with similar IDs for an unknown ID", async () => {
  await using upstream = startUpstream(replyJson, { models: CATALOG });
  const request = get("/v1/models/anthropic%2Fclaude-opus-4.9");
  const error = await readError(await call(createProxy({ upstream }).handler, request));
  assertEquals([error.status, error.type], [404, "not_found_error"]);
  assertStringIncludes(error.message, "model: anthropic/claude-opus-4.9");
  assertStringIncludes(error.message, "anthropic/claude-opus-4.8");
});
