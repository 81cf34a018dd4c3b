/**
 * The demo: the real proxy in front of the simulated upstream, on free ports, without pauses.
 * @module
 */

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { StreamEvent } from "../../lib/anthropic/types.ts";
import { runDemo } from "../../lib/cli/demo/demo.ts";
import type { RunningServer } from "../../lib/cli/serve.ts";
import { StartError } from "../../lib/cli/terminal.ts";
import type { JsonObject } from "../../lib/json.ts";
import { checkGrammar } from "../helpers/grammar.ts";
import { parseSse } from "../helpers/sse.ts";

/** Deno 2.5's shutdown hangs if a connection carried another request after a stream that was ready at once. */
const SHUTS_DOWN = !Deno.version.deno.startsWith("2.5.");
const NOT_RUN = SHUTS_DOWN ? "" : " (not run: Deno 2.5 cannot stop a server after this)";

/** Registers a test that sends more requests after a stream. */
function testAfterStream(name: string, fn: (t: Deno.TestContext) => Promise<void>): void {
  Deno.test({ name: `${name}${NOT_RUN}`, ignore: !SHUTS_DOWN, fn });
}

const ABOUT = { name: "claudeproxy", version: "0.0.0" };
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

testAfterStream(
  "runDemo shows its response as it arrives, keeps running, and stops both servers",
  async () => {
    const { server, lines } = await start();
    const text = lines.join("\n");
    for (
      const line of [
        /^message_start +message +for claude-sonnet-4-5$/m,
        /^content_block_delta +thinking_delta +"The request contains 1 "$/m,
        /^content_block_delta +signature_delta +"\S+"$/m,
        /^content_block_delta +text_delta +"I am a "$/m,
        /^message_delta +end_turn +\d+ tokens in, \d+ out$/m,
        /^message_stop$/m,
        /complete after \d+\.\d\d s/,
      ]
    ) assert(line.test(text), `${line} not in\n${text}`);
    const base = `http://localhost:${new URL(server.url).port}`;
    assertStringIncludes(text, `curl -N ${base}/v1/messages -H 'content-type: application/json'`);
    assertStringIncludes(text, `export ANTHROPIC_BASE_URL=${base}\n`);
    assertStringIncludes(text, "export ANTHROPIC_AUTH_TOKEN=demo\n");

    const health = await fetch(`${server.url}/health`);
    assertEquals(await health.json(), { status: "ok" });
    const models = await (await fetch(`${server.url}/v1/models`)).json();
    assert(models.data.length >= 3);
    await server.stop();
    await server.finished;
    await assertRejects(() => fetch(`${server.url}/health`), TypeError);
  },
);

Deno.test("runDemo reads PORT and HOST and no other variable", async () => {
  const names = new Set<string>();
  const env = (name: string) => {
    names.add(name);
    return name === "PORT" ? "0" : undefined;
  };
  const server = await runDemo(ABOUT, env, { pauseMs: 0, print: () => {} });
  await server.stop();
  assertEquals([...names].sort(), ["HOST", "PORT"]);
});

Deno.test("runDemo fails with one line for a port in use or an invalid one, and leaves nothing behind", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const env = new Map([["PORT", `${listener.addr.port}`], ["HOST", "127.0.0.1"]]);
  const lookUp = (name: string) => env.get(name);
  const inUse = await assertRejects(() => runDemo(ABOUT, lookUp, { pauseMs: 0 }), StartError);
  assertEquals(inUse.message, `127.0.0.1:${listener.addr.port} is in use: set PORT to a free one`);
  listener.close();
  env.set("PORT", "many");
  const invalid = await assertRejects(() => runDemo(ABOUT, lookUp, { pauseMs: 0 }), StartError);
  assertStringIncludes(invalid.message, 'PORT="many"');
});

Deno.test("runDemo fails if the response to its own request is incomplete", async () => {
  const env = (name: string) => name === "PORT" ? "0" : undefined;
  const options = { pauseMs: 0, print: () => {} };
  for (
    const [trigger, message] of [
      ["cut", "ended in error, not in message_stop"],
      ["error midstream", "ended in error, not in message_stop"],
      ["error 503", "The demo's own request failed with status 529: "],
    ] as const
  ) {
    const question = `demo:${trigger}`;
    const error = await assertRejects(() => runDemo(ABOUT, env, { ...options, question }));
    assert(error instanceof StartError);
    assertStringIncludes(error.message, message);
  }
  const throwInPrint = (line: string) => {
    if (line.includes("content_block_start")) throw new Error("no more");
  };
  const error = await assertRejects(() => runDemo(ABOUT, env, { ...options, print: throwInPrint }));
  assert(error instanceof StartError);
  assertMatch(error.message, /^The demo's own request to http\S+ failed after message_start$/);
});

testAfterStream("every error that can be requested reaches the client with its type", async (t) => {
  const { server } = await start();
  const cases = [
    [400, 400, "invalid_request_error"],
    [401, 401, "authentication_error"],
    [402, 402, "billing_error"],
    [403, 403, "permission_error"],
    [404, 404, "not_found_error"],
    [429, 429, "rate_limit_error"],
    [500, 500, "api_error"],
    [502, 502, "api_error"],
    [503, 529, "overloaded_error"],
    [504, 504, "timeout_error"],
    [529, 529, "overloaded_error"],
  ] as const;
  for (const [code, status, type] of cases) {
    for (const stream of [true, false]) {
      await t.step(`demo:error ${code}, ${stream ? "streamed" : "as JSON"}`, async () => {
        const response = await send(server, `demo:error ${code}`, { stream });
        const body = await response.json();
        assertEquals([response.status, body.type, body.error.type], [status, "error", type]);
        assertStringIncludes(body.error.message, `error ${code}, as requested`);
        assertEquals(response.headers.get("retry-after"), code === 429 ? "2" : null);
      });
    }
  }
  await t.step("an unknown model", async () => {
    const response = await send(server, "Hello", { model: "anthropic/claude-no-such-model" });
    const body = await response.json();
    assertEquals([response.status, body.error.type], [400, "invalid_request_error"]);
    assertStringIncludes(body.error.message, "is not a valid model ID");
    assertStringIncludes(body.error.message, "anthropic/claude-");
  });
  await server.stop();
});

testAfterStream(
  "an incomplete response ends in an error event, never in message_stop",
  async (t) => {
    const { server } = await start();
    for (
      const [trigger, message] of [["error midstream", "Simulated: the response failed"], ["cut"]]
    ) {
      await t.step(`demo:${trigger}, streamed`, async () => {
        const events = await readEvents(await send(server, `demo:${trigger}`, { stream: true }));
        checkGrammar(events);
        const last = events.at(-1);
        assert(last?.type === "error");
        assertEquals(last.error.type, "api_error");
        assertStringIncludes(last.error.message, message ?? "");
        assert(events.some((event) => event.type === "content_block_delta"));
        assert(!events.some((event) => event.type === "message_stop"));
      });
      await t.step(`demo:${trigger}, as JSON`, async () => {
        const response = await send(server, `demo:${trigger}`, { stream: false });
        const body = await response.json();
        assertEquals([response.status, body.type, body.error.type], [502, "error", "api_error"]);
      });
    }
    await server.stop();
  },
);

testAfterStream(
  "the demo sends the Claude model that a client asks for, at its own price",
  async () => {
    const { server } = await start();
    const sent = [];
    for (const model of ["claude-opus-5-5", "claude-haiku-5-5", "claude-sonnet-4-5", "other"]) {
      const response = await send(server, "Hello", { model });
      await response.body?.cancel();
      sent.push(response.headers.get("x-proxy-model"));
    }
    assertEquals(sent, [
      "anthropic/claude-opus-5.5",
      "anthropic/claude-haiku-5.5",
      "anthropic/claude-sonnet-4.5",
      "~anthropic/claude-sonnet-latest",
    ]);
    const { models } = await (await fetch(`${server.url}/stats`)).json();
    const costs = models.map(({ costUsd }: { costUsd: number }) => costUsd);
    assertEquals([costs.length >= 4, new Set(costs).size], [true, costs.length], `${costs}`);
    await server.stop();
  },
);

testAfterStream("a tool call passes through the proxy, streamed and as JSON", async () => {
  const { server } = await start();
  const tools = [{ name: "get_weather", input_schema: WEATHER }];
  const input = { city: "Paris", unit: "celsius", days: 3 };
  const message = await (await send(server, "Weather?", { tools })).json();
  assertEquals(message.stop_reason, "tool_use");
  assertEquals(message.content[0].input, input);
  const events = await readEvents(await send(server, "Weather?", { tools, stream: true }));
  checkGrammar(events);
  const json = events.map((event) =>
    event.type === "content_block_delta" && event.delta.type === "input_json_delta"
      ? event.delta.partial_json
      : ""
  ).join("");
  assertEquals(JSON.parse(json), input);
  await server.stop();
});

/** Starts the demo on a free port and collects its lines. */
async function start(): Promise<{ server: RunningServer; lines: string[] }> {
  const lines: string[] = [];
  const env = (name: string) => name === "PORT" ? "0" : undefined;
  const server = await runDemo(ABOUT, env, { pauseMs: 0, print: (line) => lines.push(line) });
  return { server, lines };
}

function send(server: RunningServer, text: string, fields: JsonObject = {}): Promise<Response> {
  return fetch(`${server.url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "claude-sonnet-4-5",
      max_tokens: 512,
      messages: [{ role: "user", content: text }],
      ...fields,
    }),
  });
}

async function readEvents(response: Response): Promise<StreamEvent[]> {
  assertEquals(response.status, 200);
  return parseSse(await response.text()).map(({ name, data }) => {
    const event: StreamEvent = JSON.parse(data);
    assertEquals(name, event.type);
    return event;
  });
}
