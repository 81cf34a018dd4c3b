/** The command `statusline`: the line, the request for a session, and the program as Claude Code runs it. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { formatStatusLine } from "../../lib/cli/statusline/format_line.ts";
import { requestSession, type SessionResult } from "../../lib/cli/statusline/request_session.ts";
import { type Read, readStatusLine } from "../../lib/cli/statusline/statusline.ts";
import type { JsonObject } from "../../lib/json.ts";
import type { SessionStats } from "../../lib/metrics/types.ts";
import { completion } from "../helpers/chunks.ts";
import { call, createProxy, post, requestBody } from "../helpers/proxy.ts";
import { startUpstream } from "../helpers/upstream.ts";
import { LOCAL } from "../helpers/proxy.ts";

const ROOT = new URL("../../", import.meta.url);
const KEY = "team-key-0123456789";
const NEVER = new AbortController().signal;
const INPUT = { session_id: "a-b-c", model: { id: "claude-opus-5-5", display_name: "Opus 5.5" } };

const SESSION: SessionStats = {
  id: "a-b-c",
  startedAt: 1,
  lastActiveAt: 9,
  totals: {
    requests: 3,
    failed: 0,
    inputTokens: 1000,
    cachedTokens: 8000,
    writtenTokens: 1000,
    outputTokens: 10,
    costUsd: 0.12344,
    unpriced: 0,
    savedUsd: null,
  },
  kinds: { main: 3, agent: 0, guard: 0, side: 0 },
  lastAnswer: {
    model: "claude-opus-5-5",
    upstreamModel: "z-ai/glm-5",
    provider: "Z.AI",
    contextTokens: 42_400,
    contextLength: 200_000,
    tokensPerSecond: 50,
  },
  lastError: null,
  limit: null,
};

type Change = { [K in keyof SessionStats]?: Partial<SessionStats[K]> | null };

/** The session with other values in its parts. */
function change(changes: Change): JsonObject {
  const parts = Object.entries(changes).map(([name, value]) => {
    const part = SESSION[name as keyof SessionStats];
    const isMerged = typeof part === "object" && part !== null && typeof value === "object";
    return [name, isMerged && value !== null ? { ...part, ...value } : value];
  });
  return { ...SESSION, ...Object.fromEntries(parts) };
}

// --- the line ---

const LINES: [about: string, result: SessionResult | "unset", line: string][] = [
  ["all figures", change({}), "z-ai/glm-5 · Z.AI · 42k/200k 21% · $0.1234 · cache 80%"],
  [
    "an unknown provider and window",
    change({ lastAnswer: { provider: null, contextLength: null } }),
    "z-ai/glm-5 · 42k · $0.1234 · cache 80%",
  ],
  [
    "no usage at all",
    change({
      lastAnswer: { contextTokens: null },
      totals: { costUsd: null, inputTokens: 0, cachedTokens: 0, writtenTokens: 0 },
    }),
    "z-ai/glm-5 · Z.AI",
  ],
  [
    "a daily limit from 75 % on",
    change({ limit: { spentUsd: 1.5, maxCostUsd: 2 } }),
    "z-ai/glm-5 · Z.AI · 42k/200k 21% · $0.1234 · cache 80% · 75% of today's limit",
  ],
  [
    "no daily limit below 75 %",
    change({ limit: { spentUsd: 1.499, maxCostUsd: 2 } }),
    "z-ai/glm-5 · Z.AI · 42k/200k 21% · $0.1234 · cache 80%",
  ],
  [
    "99 % until the limit is reached, and 100 % after it",
    change({ limit: { spentUsd: 1.999, maxCostUsd: 2 } }),
    "z-ai/glm-5 · Z.AI · 42k/200k 21% · $0.1234 · cache 80% · 99% of today's limit",
  ],
  [
    "a limit that is exceeded",
    change({ limit: { spentUsd: 3, maxCostUsd: 2 } }),
    "z-ai/glm-5 · Z.AI · 42k/200k 21% · $0.1234 · cache 80% · 100% of today's limit",
  ],
  [
    "a short prompt",
    change({ lastAnswer: { contextTokens: 12 } }),
    "z-ai/glm-5 · Z.AI · <1k/200k 0% · $0.1234 · cache 80%",
  ],
  [
    "requests of unknown cost",
    change({ totals: { unpriced: 2 } }),
    "z-ai/glm-5 · Z.AI · 42k/200k 21% · $0.1234+ · cache 80%",
  ],
  [
    "requests of unknown cost only",
    change({ totals: { unpriced: 2, costUsd: null }, lastAnswer: { contextTokens: null } }),
    "z-ai/glm-5 · Z.AI · cost unknown · cache 80%",
  ],
  [
    "a last request that failed",
    change({ lastError: { type: "rate_limit_error", message: "Slow down", time: 9 } }),
    "z-ai/glm-5 · Z.AI · 42k/200k 21% · $0.1234 · cache 80% · last request: rate_limit_error",
  ],
  [
    "an earlier error",
    change({ lastError: { type: "rate_limit_error", message: "Slow down", time: 8 } }),
    "z-ai/glm-5 · Z.AI · 42k/200k 21% · $0.1234 · cache 80%",
  ],
  ["no answer yet", change({ lastAnswer: null }), "Opus 5.5 · $0.1234 · cache 80%"],
  ["a new session", "unknown", "Opus 5.5 · no requests yet"],
  ["a refused key", "refused", "Opus 5.5 · the proxy refused the key"],
  ["a dead proxy", "unreachable", "Opus 5.5 · proxy not reachable"],
  ["no proxy", "unset", "Opus 5.5 · no proxy: ANTHROPIC_BASE_URL is not set"],
  ["a response that is not a session", { lastAnswer: 1, totals: "x" }, "Opus 5.5"],
  [
    "hostile names",
    change({
      lastAnswer: { upstreamModel: `a\u001b[2J\n\u202eb${"x".repeat(500)}`, provider: "\n" },
    }),
    `a [2J b${"x".repeat(72)} · 42k/200k 21% · $0.1234 · cache 80%`,
  ],
];

for (const [about, result, line] of LINES) {
  Deno.test(`formatStatusLine shows ${about}`, () => {
    assertEquals(formatStatusLine(INPUT, result), line);
  });
}

Deno.test("formatStatusLine names the model by its id, or the client if there is none", () => {
  assertEquals(formatStatusLine({ model: { id: "x/y" } }, "unknown"), "x/y · no requests yet");
  assertEquals(formatStatusLine({ model: 1 }, "unknown"), "Claude Code · no requests yet");
});

// --- the request ---

/** A proxy with keys that has recorded one request of the session. */
async function serveProxy() {
  const message = { ...completion("Hi"), model: "z-ai/glm-5", provider: "Z.AI" };
  const upstream = startUpstream(() => Response.json(message));
  const { handler } = createProxy({ upstream, env: { PROXY_API_KEYS: KEY } });
  const headers = { "x-claude-code-session-id": "a-b-c", "x-api-key": KEY };
  const thinking = { type: "enabled", budget_tokens: 1024 };
  const body = requestBody({ thinking, max_tokens: 2000 });
  await (await call(handler, post(body, headers))).text();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => handler(request, LOCAL),
  );
  return {
    baseUrl: `http://127.0.0.1:${server.addr.port}`,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

Deno.test("requestSession reads a session from the proxy, and why there is none", async () => {
  await using proxy = await serveProxy();
  const request = (sessionId: string, key: string | null, suffix = "") =>
    requestSession({ baseUrl: proxy.baseUrl + suffix, key, sessionId }, NEVER);
  const found = await request("a-b-c", KEY, "/");
  assert(typeof found === "object");
  assertEquals([found["id"], found["kinds"]], [
    "a-b-c",
    { main: 1, agent: 0, guard: 0, side: 0 },
  ]);
  assertEquals(await request("other&session=a-b-c", KEY), "unknown");
  assertEquals(await request("a-b-c", "wrong"), "refused");
  assertEquals(await request("a-b-c", null), "refused");
  assertEquals(await request("a-b-c", `${KEY}\r\nx: y`), "refused");
});

/** Replies to every connection with this text; keeps it open without one. */
function serveText(text: string | null) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      connections.push(connection);
      if (text === null) continue;
      await connection.read(new Uint8Array(4096));
      // The client closes when it has read enough.
      await connection.write(new TextEncoder().encode(text)).catch(() => {});
      connection.close();
    }
  })();
  return {
    baseUrl: `http://127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      if (text === null) { for (const connection of connections) connection.close(); }
    },
  };
}

const REPLIES: [about: string, text: string][] = [
  ["nothing", ""],
  ["no HTTP", "hello\r\n\r\n{}"],
  ["an error", "HTTP/1.0 500 No\r\n\r\n{}"],
  ["a redirect", "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\n\r\n{}"],
  ["text", "HTTP/1.0 200 OK\r\n\r\nhello"],
  ["an array", "HTTP/1.0 200 OK\r\n\r\n[]"],
  ["a page that is too long", `HTTP/1.0 200 OK\r\n\r\n{"a":"${"x".repeat(70_000)}"}`],
];

for (const [about, text] of REPLIES) {
  Deno.test(`requestSession treats a server that sends ${about} as unreachable`, async () => {
    await using server = serveText(text);
    const query = { baseUrl: server.baseUrl, key: null, sessionId: "s" };
    assertEquals(await requestSession(query, NEVER), "unreachable");
  });
}

Deno.test("requestSession stops when the time is over", async () => {
  await using server = serveText(null);
  const abort = new AbortController();
  const query = { baseUrl: server.baseUrl, key: null, sessionId: "s" };
  const requested = requestSession(query, abort.signal);
  abort.abort();
  assertEquals(await requested, "unreachable");
  assertEquals(await requestSession(query, abort.signal), "unreachable");
});

Deno.test("requestSession does not wait for a machine that accepts no connection", async () => {
  const { connect } = Deno;
  try {
    Deno.connect = () => new Promise<never>(() => {});
    const abort = new AbortController();
    const query = { baseUrl: "http://127.0.0.1:1", key: null, sessionId: "s" };
    const requested = requestSession(query, abort.signal);
    abort.abort();
    assertEquals(await requested, "unreachable");
  } finally {
    Deno.connect = connect;
  }
});

for (const baseUrl of ["not a URL", "ftp://127.0.0.1", "http://127.0.0.1:1"]) {
  Deno.test(`requestSession treats ${baseUrl} as unreachable`, async () => {
    assertEquals(
      await requestSession({ baseUrl, key: null, sessionId: "s" }, NEVER),
      "unreachable",
    );
  });
}

// --- standard input ---

/** Reads these texts one after the other. */
function createRead(...texts: string[]): Read {
  return (buffer) => {
    const text = texts.shift();
    if (text === undefined) return Promise.resolve(null);
    return Promise.resolve(new TextEncoder().encodeInto(text, buffer).written);
  };
}

const json = JSON.stringify(INPUT);
const INPUTS: [about: string, read: Read, model: string][] = [
  ["in pieces", createRead(json.slice(0, 9), json.slice(9)), "Opus 5.5"],
  ["that is not JSON", createRead("hello"), "Claude Code"],
  ["that is an array", createRead("[1]"), "Claude Code"],
  ["that fails", () => Promise.reject(new Error("Closed")), "Claude Code"],
  ["without an end", (buffer) => Promise.resolve(buffer.fill(32).length), "Claude Code"],
];

for (const [about, read, model] of INPUTS) {
  Deno.test(`readStatusLine takes input ${about}`, async () => {
    assertMatch(await readStatusLine(NEVER, read), new RegExp(`^${model} · `));
  });
}

Deno.test("readStatusLine does not wait for input when the time is over", async () => {
  const abort = new AbortController();
  const line = readStatusLine(abort.signal, () => new Promise<null>(() => {}));
  abort.abort();
  assertMatch(await line, /^Claude Code · /);
});

// --- the program ---

interface Run {
  env: Record<string, string>;
  stdin?: string | null;
  args?: string[];
}

/** Runs the program with the flags of the documentation. */
async function run({ env, stdin = json, args = [] }: Run) {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--no-config", "--no-lock", "--no-check"],
      ...[
        "--cached-only",
        "--allow-net=127.0.0.1",
        "--allow-env=ANTHROPIC_BASE_URL,ANTHROPIC_AUTH_TOKEN",
      ],
      ...[new URL("main.ts", ROOT).href, "statusline", ...args],
    ],
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  if (stdin !== null) {
    await writer.write(new TextEncoder().encode(stdin));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  if (stdin === null) await writer.close().catch(() => {});
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

Deno.test("statusline prints the figures of the session with the key from the environment", async () => {
  await using proxy = await serveProxy();
  const env = { ANTHROPIC_BASE_URL: proxy.baseUrl, ANTHROPIC_AUTH_TOKEN: KEY };
  const { code, stdout, stderr } = await run({ env });
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^z-ai\/glm-5 · Z\.AI · .*cache \d+%\n$/);
});

Deno.test("statusline ends without an error if the proxy is dead, silent or missing", async () => {
  await using silent = serveText(null);
  for (const baseUrl of ["http://127.0.0.1:1", silent.baseUrl]) {
    assertEquals(await run({ env: { ANTHROPIC_BASE_URL: baseUrl } }), {
      code: 0,
      stdout: "Opus 5.5 · proxy not reachable\n",
      stderr: "",
    });
  }
  const unset = await run({ env: { ANTHROPIC_BASE_URL: "" } });
  assertEquals([unset.code, unset.stderr], [0, ""]);
  assertMatch(unset.stdout, /ANTHROPIC_BASE_URL is not set\n$/);
});

Deno.test("statusline ends if its input does not", async () => {
  const { code, stdout } = await run({ env: { ANTHROPIC_BASE_URL: "" }, stdin: null });
  assertEquals([code, stdout.startsWith("Claude Code · ")], [0, true]);
});

Deno.test("statusline rejects arguments", async () => {
  const { code, stderr } = await run({ env: {}, args: ["--x"] });
  assertEquals([code, stderr], [1, "claudeproxy: Unknown argument --x: see --help\n"]);
});

/** The modules that a start loads, without those that a command imports on demand. */
async function listLoaded(entry: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["info", "--json", "--no-lock"],
      ...[`--import-map=${new URL("tools/jsr_fallback/import_map.json", ROOT).pathname}`, entry],
    ],
    cwd: ROOT,
  }).output();
  const { roots, modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    roots: string[];
    modules: {
      specifier: string;
      dependencies?: { isDynamic?: boolean; code?: { specifier?: string } }[];
    }[];
  };
  const loaded = new Set(roots);
  for (const specifier of loaded) {
    const { dependencies = [] } = modules.find((one) => one.specifier === specifier) ?? {};
    for (const { isDynamic, code } of dependencies) {
      if (isDynamic !== true && code?.specifier !== undefined) loaded.add(code.specifier);
    }
  }
  return [...loaded].map((specifier) => specifier.replace(ROOT.href, ""));
}

Deno.test("statusline loads no package and nothing of the server", async () => {
  const loaded = [
    ...await listLoaded("main.ts"),
    ...await listLoaded("lib/cli/statusline/entry.ts"),
  ];
  assert(loaded.includes("lib/cli/arguments.ts"), `the scan is broken: ${loaded}`);
  const slow = loaded.filter((path) =>
    /^(https?:|tools\/|lib\/(routes|translate|openrouter|metrics)\/|lib\/cli\/serve\.ts)/.test(path)
  );
  assertEquals(slow, []);
  assert(new Set(loaded).size <= 16, `${loaded}`);
});
