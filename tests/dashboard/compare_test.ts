/** The comparison of the client's side with upstream's. */

import { assertEquals, assertMatch } from "@std/assert";
import {
  alignSides,
  findNote,
  flattenCompletion,
  type TranslationRow,
} from "../../lib/dashboard/compare.ts";
import { assembleResponse } from "../../lib/dashboard/assemble.ts";
import { readRows } from "../../tools/dashboard.ts";
import { completion } from "../helpers/chunks.ts";
import { createProxy, requestBody, send } from "../helpers/proxy.ts";
import { startUpstream } from "../helpers/upstream.ts";

const ROWS: readonly TranslationRow[] = readRows();

async function capture(more: Record<string, unknown>) {
  await using upstream = startUpstream(() => Response.json(completion("Hi")));
  const { handler, services } = createProxy({ upstream, env: { INSPECT: "1" } });
  const response = await send(handler, requestBody(more));
  await response.text();
  const bodies = services.metrics.readBodies("req_1");
  const dropped = response.headers.get("x-proxy-dropped")?.split(", ") ?? [];
  const parse = (text = "") => assembleResponse(text) ?? {};
  return {
    request: { client: parse(bodies?.request), upstream: parse(bodies?.sent), dropped },
    response: { client: parse(bodies?.answer), upstream: parse(bodies?.received), dropped: [] },
  };
}

Deno.test("every field of a request is marked by what the translation did with it", async () => {
  const { request } = await capture({
    temperature: 0.5,
    system: "Be brief",
    stop_sequences: ["a"],
    inference_geo: "eu",
    metadata: { user_id: "me" },
    safeguards: [],
  });
  const fields = alignSides({ direction: "request", ...request }, ROWS);
  const marks = fields.map(({ mark, client, upstream }) =>
    [client?.name ?? null, mark, upstream.map(({ name }) => name).join()] as const
  );
  assertEquals(marks, [
    ["model", "changed", "model"],
    ["max_tokens", "same", "max_tokens"],
    ["messages", "changed", "messages"],
    ["temperature", "same", "temperature"],
    ["system", "renamed", "messages[0]"],
    ["stop_sequences", "renamed", "stop"],
    ["inference_geo", "dropped", ""],
    ["metadata", "renamed", "user,session_id"],
    ["safeguards", "handled", ""],
  ]);
  const note = (name: string) => fields.find(({ client }) => client?.name === name)?.note ?? "";
  assertMatch(note("stop_sequences"), /^stop: the first four/);
  assertMatch(note("inference_geo"), /^Left out/);
  assertMatch(note("metadata"), /^user; the session inside it/);
  assertEquals(note("max_tokens"), "");
});

Deno.test("fields that only upstream gets are added, and fields that only the client gets too", async () => {
  const { request, response } = await capture({ stream: true });
  const added = alignSides({ direction: "request", ...request }, ROWS)
    .filter(({ upstream }) => upstream.some(({ name }) => name === "stream_options"));
  assertEquals(added.map(({ client }) => client?.name), ["stream"]);
  const upstream = flattenCompletion(response.upstream);
  const marks = alignSides({ ...response, direction: "response", upstream }, [])
    .map(({ mark, client, upstream: [first] }) => `${client?.name} ${mark} ${first?.name}`);
  const expected = [
    "id changed id",
    "role added undefined",
    "content renamed message",
    "stop_reason renamed finish_reason",
    "undefined dropped provider",
  ];
  assertEquals(expected.filter((mark) => !marks.includes(mark)), []);
});

Deno.test("fields that become parts of one field are both renamed, also if the client has a field of that name", async () => {
  const { request } = await capture({
    model: "openai/gpt-5",
    thinking: { type: "adaptive" },
    output_config: { effort: "low" },
    context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
  });
  const fields = alignSides({ direction: "request", ...request }, ROWS);
  const find = (name: string) => {
    const field = fields.find(({ client }) => client?.name === name);
    return [field?.mark, field?.upstream[0]?.name];
  };
  assertEquals(find("thinking"), ["renamed", "reasoning"]);
  assertEquals(find("output_config"), ["renamed", "reasoning"]);
  assertEquals(find("context_management"), ["handled", undefined]);
  const note = fields.find(({ client }) => client?.name === "context_management")?.note;
  assertMatch(note ?? "", /^The proxy does it/);
  assertEquals(fields.some(({ client }) => client === null), false);
});

Deno.test("a note is the row of the field, of its type, or of the name it is reported as", () => {
  assertMatch(findNote("thinking", ROWS, { type: "adaptive" }), /^reasoning\.enabled/);
  assertMatch(findNote("output_config", ROWS, { effort: "low" }), /^verbosity/);
  assertMatch(findNote("tools.mcp_toolset", ROWS), /^Left out/);
  assertEquals(findNote("never_heard_of", ROWS), "");
});

Deno.test("the rows of docs/translation.md are plain text without markup and links", () => {
  assertEquals(ROWS.length > 80, true);
  const odd = ROWS.filter(([name, text]) => text === "" || /[`[\]]|\.\.|See /.test(name + text));
  assertEquals(odd.filter(([name]) => !name.includes("[")), []);
});
