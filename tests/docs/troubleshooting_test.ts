/**
 * README's troubleshooting tables have a row for every error message, and no other rows. The messages come from the
 * real code, or are those of Claude Code and OpenRouter. Every message that stops the start or rejects a client also
 * has a test of its wording.
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
import { startRawUpstream, STREAM_HEAD } from "../helpers/raw_upstream.ts";
import { eventStream, startSilentUpstream, startUpstream } from "../helpers/upstream.ts";

const ROOT = new URL("../../", import.meta.url);

interface Row {
  text: string;
  pattern: RegExp;
  cure: string;
}

const rows: Row[] = readRows(readSection(read("README.md"), "## When something goes wrong"))
  .map(([words = "", cure = ""]) => {
    const text = /^`(.*)`$/.exec(words)?.[1] ?? "";
    return { text, pattern: toPattern(text), cure };
  });

/** `…` stands for anything; what is said may go on behind the words. */
function toPattern(text: string): RegExp {
  const parts = text.split("…").map((part) => part.trim().replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^]*")}`);
}

const used = new Set<string>();

function findCure(message: string): Row | undefined {
  const row = rows.find(({ pattern }) => pattern.test(message));
  if (row !== undefined) used.add(row.text);
  return row;
}

Deno.test("every row of the troubleshooting tables has a message and a fix", () => {
  assert(rows.length >= 50, `only ${rows.length} rows: the scan is broken`);
  for (const { text, cure } of rows) {
    const longest = Math.max(...text.split("…").map((part) => part.trim().length));
    assert(longest >= 12, `too little to search for: ${text}`);
    assert(cure.length >= 8, `no cure: ${text}`);
  }
  assertEquals(rows.length, new Set(rows.map(({ text }) => text)).size, "a message twice");
});

// --- what the code says to clients ---

const HELD: AuthConfig = {
  openrouterApiKey: "sk-or-v1-server",
  proxyApiKeys: [],
  allowedOrigins: [],
  onDenoDeploy: false,
  dialect: "openrouter",
};
const STRANGER = toPeer({ transport: "tcp", hostname: "203.0.113.7" });
const JSON_TYPE = { "content-type": "application/json" };

interface Guest {
  path?: string;
  headers?: Record<string, string>;
  config?: Partial<AuthConfig>;
  isPreflight?: true;
}

function refuse({ path = "/v1/messages", headers = JSON_TYPE, config = {}, ...rest }: Guest) {
  const visit = {
    method: path === "/stats" ? "GET" : "POST",
    path,
    headers: new Headers(headers),
    host: "localhost:8000",
    peer: STRANGER,
  };
  const all = { ...HELD, ...config };
  return tell(() => rest.isPreflight ? authorizePreflight(visit, all) : authorize(visit, all));
}

/** The message of what is thrown. */
function tell(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  throw new Error("Nothing was refused");
}

/** The message with which the whole proxy answers, or ends a stream. */
async function answer(request: Request, options: Parameters<typeof createProxy>[0] = {}) {
  const { handler } = createProxy(options);
  const text = await (await call(handler, request)).text();
  const line = text.startsWith("{")
    ? text
    : /^data: (\{"type":"error".*)$/m.exec(text)?.[1] ?? "{}";
  return String(JSON.parse(line).error?.message);
}

async function answerFrom(reply: () => Response, more: Record<string, unknown> = {}) {
  await using upstream = startUpstream(reply);
  return await answer(post(requestBody(more)), { upstream });
}

async function waitInVain(): Promise<string> {
  await using upstream = startSilentUpstream();
  return await answer(post(requestBody()), { upstream, env: { TIMEOUT_S: "0.05" } });
}

async function waitInTheMiddle(): Promise<string> {
  const encoder = new TextEncoder();
  await using upstream = startUpstream(() =>
    eventStream(
      new ReadableStream({ start: (body) => body.enqueue(encoder.encode(sse(textChunk("Hel")))) }),
    )
  );
  return await answer(post(requestBody({ stream: true })), {
    upstream,
    env: { TIMEOUT_S: "0.05" },
  });
}

async function breakConnection(): Promise<string> {
  await using upstream = startRawUpstream(async (call) => {
    await call.send(STREAM_HEAD);
    await call.chunk(sse(textChunk("Hel")));
  });
  return await answer(post(requestBody({ stream: true })), { upstream });
}

function refuseBudget(): string {
  const services = createTestServices({ env: { MAX_COST_USD: "5" } });
  const timeline = createTimeline(createRecord({ costUsd: 5.01 }));
  countRequest(services.metrics, timeline);
  return tell(() => requireBudget(services));
}

function fromOpenRouter(status: number, message: string, model = "x/y"): string {
  const body = JSON.stringify({ error: { code: status, message } });
  return parseErrorResponse(status, body, { model, suggestModels: () => ["x/z"] }).message;
}

const user = (block: unknown) => ({ messages: [{ role: "user", content: [block] }] });
const FILE = { type: "document", source: { type: "file", file_id: "file_1" } };
const CODE = { type: "code_execution_20250522", name: "code_execution" };

/** What happened → the message. OpenRouter's own words are those of its documents, and of recorded answers. */
const SAID: Readonly<Record<string, () => string | Promise<string>>> = {
  "no key": () => answer(post(requestBody()), { env: { OPENROUTER_API_KEY: undefined } }),
  "a key that OpenRouter refuses": () => fromOpenRouter(401, "User not found."),
  "an invalid proxy key": () => refuse({ config: { proxyApiKeys: ["mine"] } }),
  "a stranger": () => refuse({}),
  "a stranger who wants metrics": () =>
    refuse({ path: "/stats", config: { openrouterApiKey: null } }),
  "a foreign page": () => refuse({ headers: { ...JSON_TYPE, origin: "https://a.example" } }),
  "a foreign page that names no origin": () =>
    refuse({ headers: { ...JSON_TYPE, "sec-fetch-site": "cross-site" } }),
  "a preflight": () => refuse({ isPreflight: true }),
  "no credit": () =>
    fromOpenRouter(402, "This request requires more credits, but can only afford 1234."),
  "the day's limit": refuseBudget,
  "no such model": () => fromOpenRouter(400, "x/y is not a valid model ID"),
  "a model without endpoints": () => fromOpenRouter(404, "No endpoints found for x/y."),
  "a data policy": () =>
    fromOpenRouter(404, "No endpoints found matching your data policy (Free model training)"),
  "a model without tools": () =>
    fromOpenRouter(404, "No endpoints found that support tool use. Try disabling 'Read'."),
  "no allowed provider": () =>
    fromOpenRouter(404, "No allowed providers are available for the selected model."),
  "too many requests a minute": () =>
    fromOpenRouter(429, "Rate limit exceeded: free-models-per-min. "),
  "a context overflow": () =>
    fromOpenRouter(
      400,
      "This endpoint's maximum context length is 200000 tokens. However, you requested about 210000 tokens.",
    ),
  "too many at once": async () => {
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
    const refused = await (await call(handler, post(requestBody(), headers))).json();
    return String(refused.error.message);
  },
  "a large body": () =>
    answer(post(requestBody({ system: "x".repeat(3000) })), { env: { MAX_BODY_MB: "0.002" } }),
  "no way to OpenRouter": () => answer(post(requestBody())),
  "no answer in time": waitInVain,
  "silence in the middle": waitInTheMiddle,
  "a connection that breaks": breakConnection,
  "an end too soon": () => answerFrom(() => eventStream(sse(textChunk("Hel"))), { stream: true }),
  "a page instead of an API": () =>
    answerFrom(() => new Response("<html></html>", { status: 404 })),
  "a redirect": () => answerFrom(() => new Response("", { status: 301 })),
  "a base URL with /v1": () =>
    answer(get("/v1/v1/messages", { method: "POST", headers: JSON_TYPE })),
  "another content type": () => refuse({ headers: { "content-type": "text/plain" } }),
  "a choice of a tool of Anthropic's": () =>
    answer(post(requestBody({ tools: [CODE], tool_choice: { type: "tool", name: CODE.name } }))),
  "a choice of any of Anthropic's tools": () =>
    answer(
      post(requestBody({ tools: [CODE, { type: "mcp_toolset" }], tool_choice: { type: "any" } })),
    ),
  "a file": () => answer(post(requestBody(user(FILE)))),
  "a setting": () => tell(() => loadConfig((name) => name === "PORT" ? "many" : undefined)),
};

for (const [what, produce] of Object.entries(SAID)) {
  Deno.test(`README has a fix for the message after ${what}`, async () => {
    const message = await produce();
    assert(findCure(message) !== undefined, `no row for “${message}”`);
  });
}

for (const [what, words] of Object.entries(CLAUDE_CODE_MESSAGES)) {
  Deno.test(`README has a fix for Claude Code's own message: ${what}`, () => {
    const row = rows.find(({ text }) => text.includes(words) || toPattern(text).test(words));
    assert(row !== undefined, words);
    used.add(row.text);
  });
}

// --- what the code says at a start ---

function listFiles(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, ROOT))].flatMap(({ name, isDirectory }) =>
    isDirectory ? listFiles(`${folder}/${name}`) : [`${folder}/${name}`]
  );
}

/** Every message in these sources that ends a start or refuses a client, with a word for each gap. */
const SOURCES = [
  ...listFiles("lib/cli"),
  ...["main.ts", "lib/config_parsers.ts", "lib/auth.ts", "lib/routes/budget.ts"],
];

interface Template {
  source: string;
  /** As it stands there, `${…}` included. */
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

/** The values of placeholders that matter for the search. */
const GAPS: Readonly<Record<string, readonly string[]>> = {
  "describeFlag(address)": [describeFlag("127.0.0.2:80")],
  "JSON.stringify(shown)": ['"x"'],
  problem: ["is not installed", "cannot be run"],
};

/** The template with something in each gap: several where a gap has several forms. */
function fill(text: string): string[] {
  const gap = /\$\{((?:[^{}]|\{[^{}]*\})*)\}/.exec(text);
  if (gap === null) return [text];
  const words = GAPS[gap[1] ?? ""] ?? ["x"];
  return words.flatMap((word) => fill(text.replace(gap[0], () => word)));
}

Deno.test("the messages in the source files are found", () => {
  assert(templates.length >= 28, `only ${templates.length}: the scan is broken`);
  const throws = SOURCES.flatMap((source) => [...read(source).matchAll(/new StartError\(/g)]);
  const seen = templates.filter(({ isStart }) => isStart);
  // One passes on the words of a ConfigError.
  assertEquals(seen.length, throws.length - 1);
});

for (const { source, text } of templates) {
  const name = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  Deno.test(`README has a fix for “${name}” (${source})`, () => {
    for (const message of fill(text)) assert(findCure(message) !== undefined, message);
  });
}

const OWN_FILES = /(troubleshooting|readme)_test\.ts$/;
const tests = listFiles("tests")
  .filter((path) => path.endsWith("_test.ts") && !OWN_FILES.test(path)).map(read).join("\n");

/** What to look for in the tests: runs of three words of each form, or all of a short piece. */
function listPhrases(text: string): string[][] {
  const isKnown = (name: string) => GAPS[name] !== undefined;
  const gapless = text.replaceAll(
    /\$\{((?:[^{}]|\{[^{}]*\})*)\}/g,
    (gap, name: string) => isKnown(name) ? gap : "\n",
  );
  return fill(gapless).map((form) => form.split("\n").flatMap(toPhrases));
}

function toPhrases(piece: string): string[] {
  const words = piece.split(/\s+/).filter((word) => /\w/.test(word));
  const runs = words.slice(2).map((_, at) => words.slice(at, at + 3).join(" "));
  return (runs.length > 0 ? runs : [words.join(" ")])
    .map((run) => run.replace(/[:;,.]$/, "")).filter((run) => run.length >= 12);
}

for (const { source, text } of templates) {
  const name = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  Deno.test(`a test checks the message “${name}” (${source})`, () => {
    for (const phrases of listPhrases(text)) {
      const isTested = phrases.some((phrase) => tests.includes(phrase));
      assert(isTested, `none has any of: ${phrases.join(" | ")}`);
    }
  });
}

/** Of the runtime, not of ours. */
const FOREIGN = ['Import "@std/…" not a dependency'];

Deno.test("every row of the troubleshooting tables is about a message that exists", () => {
  const stale = rows.map(({ text }) => text).filter((text) => !used.has(text));
  assertEquals(stale, FOREIGN);
});
