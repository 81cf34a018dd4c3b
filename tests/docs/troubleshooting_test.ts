/**
 * The tables of docs/troubleshooting.md have a row for every error message, and no other rows. The messages come from the
 * code, or are those of Claude Code and OpenRouter. Every message that ends a start or rejects a client also has a
 * test of its wording.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type AuthConfig, authorize, authorizePreflight, toPeer } from "../../lib/auth.ts";
import { describeFlag } from "../../lib/cli/environment.ts";
import { loadConfig } from "../../lib/config.ts";
import { parseErrorResponse } from "../../lib/openrouter/errors.ts";
import { requireBudget } from "../../lib/routes/budget.ts";
import { CLAUDE_CODE_MESSAGES } from "../helpers/claude_code_messages.ts";
import { sse, textChunk } from "../helpers/chunks.ts";
import { countRequest, createRecord, createTimeline } from "../helpers/metrics.ts";
import { read, readRows, readSection } from "../helpers/documents.ts";
import { call, createProxy, createTestServices, get, post, requestBody } from "../helpers/proxy.ts";
import { startRawUpstream, STREAM_HEADERS } from "../helpers/raw_upstream.ts";
import { eventStream, startSilentUpstream, startUpstream } from "../helpers/upstream.ts";

const ROOT = new URL("../../", import.meta.url);

interface Row {
  text: string;
  pattern: RegExp;
  fix: string;
}

const rows: Row[] = readRows(read("docs/troubleshooting.md"))
  .map(([message = "", fix = ""]) => {
    const text = /^`(.*)`$/.exec(message)?.[1] ?? "";
    return { text, pattern: toPattern(text), fix };
  });

/** `…` matches any text. The message may be longer. */
function toPattern(text: string): RegExp {
  const parts = text.split("…").map((part) => part.trim().replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^]*")}`);
}

const used = new Set<string>();

function findRow(message: string): Row | undefined {
  const row = rows.find(({ pattern }) => pattern.test(message));
  if (row !== undefined) used.add(row.text);
  return row;
}

Deno.test("every row of the troubleshooting tables has a message and a fix", () => {
  assert(rows.length >= 50, `only ${rows.length} rows: the scan is broken`);
  for (const { text, fix } of rows) {
    const longest = Math.max(...text.split("…").map((part) => part.trim().length));
    assert(longest >= 12, `too short to search for: ${text}`);
    assert(fix.length >= 8, `no fix: ${text}`);
  }
  assertEquals(rows.length, new Set(rows.map(({ text }) => text)).size, "duplicate message");
});

Deno.test("the errors in README are rows of docs/troubleshooting.md", () => {
  const messages = readRows(readSection(read("README.md"), "## When something goes wrong"))
    .map(([message = ""]) => message.replaceAll("`", ""));
  assertEquals(messages.length, 5);
  for (const message of messages) {
    assert(rows.some(({ text }) => toPattern(message).test(text)), message);
  }
});

// --- messages to clients ---

const AUTH_CONFIG: AuthConfig = {
  openrouterApiKey: "sk-or-v1-server",
  proxyApiKeys: [],
  allowedOrigins: [],
  onDenoDeploy: false,
  dialect: "openrouter",
};
const REMOTE = toPeer({ transport: "tcp", hostname: "203.0.113.7" });
const JSON_TYPE = { "content-type": "application/json" };

interface RejectedRequest {
  path?: string;
  headers?: Record<string, string>;
  config?: Partial<AuthConfig>;
  isPreflight?: true;
}

function rejectedMessage(
  { path = "/v1/messages", headers = JSON_TYPE, config = {}, ...rest }: RejectedRequest,
) {
  const request = {
    method: path === "/stats" ? "GET" : "POST",
    path,
    headers: new Headers(headers),
    host: "localhost:8000",
    peer: REMOTE,
  };
  const merged = { ...AUTH_CONFIG, ...config };
  return thrownMessage(() =>
    rest.isPreflight ? authorizePreflight(request, merged) : authorize(request, merged)
  );
}

/** The message of the error that is thrown. */
function thrownMessage(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  throw new Error("No error was thrown");
}

/** The error message of a response, or at the end of a stream. */
async function sendForError(request: Request, options: Parameters<typeof createProxy>[0] = {}) {
  const { handler } = createProxy(options);
  const text = await (await call(handler, request)).text();
  const line = text.startsWith("{")
    ? text
    : /^data: (\{"type":"error".*)$/m.exec(text)?.[1] ?? "{}";
  return String(JSON.parse(line).error?.message);
}

async function sendForErrorWith(reply: () => Response, more: Record<string, unknown> = {}) {
  await using upstream = startUpstream(reply);
  return await sendForError(post(requestBody(more)), { upstream });
}

async function timeOutBeforeResponse(): Promise<string> {
  await using upstream = startSilentUpstream();
  return await sendForError(post(requestBody()), { upstream, env: { TIMEOUT_S: "0.05" } });
}

async function timeOutMidStream(): Promise<string> {
  const encoder = new TextEncoder();
  await using upstream = startUpstream(() =>
    eventStream(
      new ReadableStream({ start: (body) => body.enqueue(encoder.encode(sse(textChunk("Hel")))) }),
    )
  );
  return await sendForError(post(requestBody({ stream: true })), {
    upstream,
    env: { TIMEOUT_S: "0.05" },
  });
}

async function closeConnection(): Promise<string> {
  await using upstream = startRawUpstream(async (call) => {
    await call.send(STREAM_HEADERS);
    await call.chunk(sse(textChunk("Hel")));
  });
  return await sendForError(post(requestBody({ stream: true })), { upstream });
}

function exceedBudget(env: Record<string, string>): string {
  const services = createTestServices({ env });
  const timeline = createTimeline(createRecord({ costUsd: 5.01 }));
  timeline.keyIndex = 0;
  countRequest(services.metrics, timeline);
  return thrownMessage(() => requireBudget({ timeline, services }));
}

function parseUpstreamMessage(status: number, message: string, model = "x/y"): string {
  const body = JSON.stringify({ error: { code: status, message } });
  return parseErrorResponse(status, body, { model, suggestModels: () => ["x/z"] }).message;
}

const user = (block: unknown) => ({ messages: [{ role: "user", content: [block] }] });
const FILE = { type: "document", source: { type: "file", file_id: "file_1" } };
const CODE = { type: "code_execution_20250522", name: "code_execution" };

/** Situation → message. OpenRouter's messages are from its documentation and recorded responses. */
const MESSAGES: Readonly<Record<string, () => string | Promise<string>>> = {
  "no key": () => sendForError(post(requestBody()), { env: { OPENROUTER_API_KEY: undefined } }),
  "an upstream key that OpenRouter rejects": () => parseUpstreamMessage(401, "User not found."),
  "an invalid proxy key": () => rejectedMessage({ config: { proxyApiKeys: ["mine"] } }),
  "a remote client": () => rejectedMessage({}),
  "a remote client that requests metrics": () =>
    rejectedMessage({ path: "/stats", config: { openrouterApiKey: null } }),
  "a page of another origin": () =>
    rejectedMessage({ headers: { ...JSON_TYPE, origin: "https://a.example" } }),
  "a page of another site without an origin": () =>
    rejectedMessage({ headers: { ...JSON_TYPE, "sec-fetch-site": "cross-site" } }),
  "a preflight": () => rejectedMessage({ isPreflight: true }),
  "no credit": () =>
    parseUpstreamMessage(402, "This request requires more credits, but can only afford 1234."),
  "the daily limit": () => exceedBudget({ MAX_COST_USD: "5" }),
  "the daily limit of a key": () =>
    exceedBudget({ MAX_COST_USD_PER_KEY: "5", PROXY_API_KEYS: "one" }),
  "no such model": () => parseUpstreamMessage(400, "x/y is not a valid model ID"),
  "a model without endpoints": () => parseUpstreamMessage(404, "No endpoints found for x/y."),
  "a data policy": () =>
    parseUpstreamMessage(404, "No endpoints found matching your data policy (Free model training)"),
  "a model without tools": () =>
    parseUpstreamMessage(404, "No endpoints found that support tool use. Try disabling 'Read'."),
  "no allowed provider": () =>
    parseUpstreamMessage(404, "No allowed providers are available for the selected model."),
  "too many requests a minute": () =>
    parseUpstreamMessage(429, "Rate limit exceeded: free-models-per-min. "),
  "a context overflow": () =>
    parseUpstreamMessage(
      400,
      "This endpoint's maximum context length is 200000 tokens. However, you requested about 210000 tokens.",
    ),
  "too many concurrent requests": async () => {
    await using upstream = startSilentUpstream();
    const { handler } = createProxy({ upstream, env: { MAX_INFLIGHT: "1", TIMEOUT_S: "0.2" } });
    const first = call(handler, post(requestBody()));
    const second = await (await call(handler, post(requestBody()))).json();
    await (await first).text();
    return String(second.error.message);
  },
  "too many large bodies": async () => {
    const { handler, services } = createProxy();
    for (const megabytes of [60, 30]) services.byteBudget.open().resize(megabytes * 1024 * 1024);
    const headers = { "content-length": `${32 * 1024 * 1024}` };
    const body = await (await call(handler, post(requestBody(), headers))).json();
    return String(body.error.message);
  },
  "a large body": () =>
    sendForError(post(requestBody({ system: "x".repeat(3000) })), {
      env: { MAX_BODY_MB: "0.002" },
    }),
  "an unreachable upstream": () => sendForError(post(requestBody())),
  "no response within the timeout": timeOutBeforeResponse,
  "an idle timeout during a stream": timeOutMidStream,
  "a closed connection": closeConnection,
  "an incomplete stream": () =>
    sendForErrorWith(() => eventStream(sse(textChunk("Hel"))), { stream: true }),
  "an HTML page instead of an API": () =>
    sendForErrorWith(() => new Response("<html></html>", { status: 404 })),
  "a redirect": () => sendForErrorWith(() => new Response("", { status: 301 })),
  "a base URL with /v1": () =>
    sendForError(get("/v1/v1/messages", { method: "POST", headers: JSON_TYPE })),
  "another content type": () => rejectedMessage({ headers: { "content-type": "text/plain" } }),
  "a tool_choice of an unsupported server tool": () =>
    sendForError(
      post(requestBody({ tools: [CODE], tool_choice: { type: "tool", name: CODE.name } })),
    ),
  "tool_choice any with only unsupported tools": () =>
    sendForError(
      post(requestBody({ tools: [CODE, { type: "mcp_toolset" }], tool_choice: { type: "any" } })),
    ),
  "a file id": () => sendForError(post(requestBody(user(FILE)))),
  "an invalid setting": () =>
    thrownMessage(() => loadConfig((name) => name === "PORT" ? "many" : undefined)),
};

for (const [situation, produce] of Object.entries(MESSAGES)) {
  Deno.test(`docs/troubleshooting.md has a fix for the message after ${situation}`, async () => {
    const message = await produce();
    assert(findRow(message) !== undefined, `no row for “${message}”`);
  });
}

for (const [name, message] of Object.entries(CLAUDE_CODE_MESSAGES)) {
  Deno.test(`docs/troubleshooting.md has a fix for Claude Code's own message: ${name}`, () => {
    const row = rows.find(({ text }) => text.includes(message) || toPattern(text).test(message));
    assert(row !== undefined, message);
    used.add(row.text);
  });
}

// --- messages at startup ---

function listFiles(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, ROOT))].flatMap(({ name, isDirectory }) =>
    isDirectory ? listFiles(`${folder}/${name}`) : [`${folder}/${name}`]
  );
}

/** The sources of messages that end a start or reject a client. */
const SOURCES = [
  ...listFiles("lib/cli"),
  ...[
    "main.ts",
    "lib/config_parsers.ts",
    "lib/config_aliases.ts",
    "lib/auth.ts",
    "lib/routes/budget.ts",
  ],
];

interface Template {
  source: string;
  /** As in the source, including `${…}`. */
  text: string;
  isStart: boolean;
}

const THROWN =
  /(new StartError\(|new ConfigError\(|forbiddenError\(|new ApiError\(\s*"\w+",|const message =)\s*(["`])([^]*?)\2/g;

const templates: Template[] = SOURCES.flatMap((source) =>
  [...read(source).matchAll(THROWN)].map(([, thrown = "", , text = ""]) => ({
    source,
    text,
    isStart: thrown.startsWith("new StartError"),
  }))
).filter(({ source, isStart }) => isStart || !source.startsWith("lib/cli/"));

/** Values of placeholders that affect the search. */
const PLACEHOLDERS: Readonly<Record<string, readonly string[]>> = {
  "describeFlag(address)": [describeFlag("127.0.0.2:80")],
  "JSON.stringify(shown)": ['"x"'],
  problem: ["is not installed", "cannot be run"],
};

/** The template with values for its placeholders: several results if one has several values. */
function fill(text: string): string[] {
  const placeholder = /\$\{((?:[^{}]|\{[^{}]*\})*)\}/.exec(text);
  if (placeholder === null) return [text];
  const values = PLACEHOLDERS[placeholder[1] ?? ""] ?? ["x"];
  return values.flatMap((value) => fill(text.replace(placeholder[0], () => value)));
}

Deno.test("the messages in the source files are found", () => {
  assert(templates.length >= 28, `only ${templates.length}: the scan is broken`);
  const throws = SOURCES.flatMap((source) => [...read(source).matchAll(/new StartError\(/g)]);
  const seen = templates.filter(({ isStart }) => isStart);
  // One of them wraps a ConfigError.
  assertEquals(seen.length, throws.length - 1);
});

for (const { source, text } of templates) {
  const name = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  Deno.test(`docs/troubleshooting.md has a fix for “${name}” (${source})`, () => {
    for (const message of fill(text)) assert(findRow(message) !== undefined, message);
  });
}

const OWN_FILES = /(troubleshooting|commands)_test\.ts$/;
const tests = listFiles("tests")
  .filter((path) => path.endsWith("_test.ts") && !OWN_FILES.test(path)).map(read).join("\n");

/** Phrases to search for in the tests: three consecutive words of each form, or all of a short text. */
function listPhrases(text: string): string[][] {
  const isKnown = (name: string) => PLACEHOLDERS[name] !== undefined;
  const withoutUnknown = text.replaceAll(
    /\$\{((?:[^{}]|\{[^{}]*\})*)\}/g,
    (placeholder, name: string) => isKnown(name) ? placeholder : "\n",
  );
  return fill(withoutUnknown).map((form) => form.split("\n").flatMap(toPhrases));
}

function toPhrases(line: string): string[] {
  const words = line.split(/\s+/).filter((word) => /\w/.test(word));
  const runs = words.slice(2).map((_, at) => words.slice(at, at + 3).join(" "));
  return (runs.length > 0 ? runs : [words.join(" ")])
    .map((run) => run.replace(/[:;,.]$/, "")).filter((run) => run.length >= 12);
}

for (const { source, text } of templates) {
  const name = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  Deno.test(`a test checks the message “${name}” (${source})`, () => {
    for (const phrases of listPhrases(text)) {
      const isTested = phrases.some((phrase) => tests.includes(phrase));
      assert(isTested, `no test has one of: ${phrases.join(" | ")}`);
    }
  });
}

/** Messages of the runtime. */
const RUNTIME_MESSAGES = ['Import "@std/…" not a dependency'];

Deno.test("every row of the troubleshooting tables is about a message that exists", () => {
  const stale = rows.map(({ text }) => text).filter((text) => !used.has(text));
  assertEquals(stale, RUNTIME_MESSAGES);
});
