/**
 * `demo`: the real proxy in front of the simulated upstream. Sends itself one request over HTTP, shows the
 * answer arriving, and stays up. Takes PORT and HOST from the environment and nothing else, least of all a key.
 * @module
 */

import { TextLineStream } from "@std/streams/text-line-stream";
import type { Config, Env } from "../../config.ts";
import { isJsonObject, type JsonObject, parseJson, toText } from "../../json.ts";
import type { Log } from "../../log.ts";
import { readGranted } from "../env_file.ts";
import { parseConfig, requireNetAccess } from "../environment.ts";
import { type About, createCliServices, type RunningServer, startServer } from "../serve.ts";
import { printLine, StartError } from "../terminal.ts";
import { type FakeOpenRouter, startFakeOpenRouter } from "./fake_openrouter.ts";

/** What a test sets otherwise. */
export interface DemoOptions {
  /** The pause before every chunk of upstream, in milliseconds. */
  pauseMs?: number;
  /** What the demo asks itself. */
  question?: string;
  /** Takes each line of the demo. */
  print?: (line: string) => void;
}

const PAUSE_MS = 25;
/** An answer that takes longer has gone wrong somewhere. */
const MAX_WAIT_MS = 30_000;
const MAX_SHOWN = 56;
const MODEL = "claude-sonnet-4-5";
/** Obviously no key, so that nobody looks for one. */
const DEMO_KEY = "sk-or-v1-demo";
const OWN_SETTINGS: ReadonlySet<string> = new Set(["PORT", "HOST"]);

const QUESTION = "Who are you, and what did you receive?";

/**
 * Starts the demo and shows one answer. The returned server stays up until it is stopped, and stops both sides.
 * @param env looks up PORT and HOST; no other name is asked for
 * @throws {StartError} where it cannot listen, or its own request is not answered to the end
 */
export async function runDemo(
  about: About,
  env: Env = readGranted,
  { pauseMs = PAUSE_MS, question = QUESTION, print = printLine }: DemoOptions = {},
): Promise<RunningServer> {
  requireAddress("127.0.0.1");
  const upstream = startFakeOpenRouter({ pauseMs });
  try {
    return await startBefore(upstream, { about, env, question, print });
  } catch (error) {
    await upstream.stop();
    throw error;
  }
}

/** The proxy before an upstream; it runs only if its first answer came through. */
async function startBefore(
  upstream: FakeOpenRouter,
  { about, env, question, print }: Required<Omit<DemoOptions, "pauseMs">> & {
    about: About;
    env: Env;
  },
): Promise<RunningServer> {
  const config = loadDemoConfig(upstream, env);
  requireNetAccess(config);
  const services = createCliServices(config, about);
  const log = holdLog(services.log);
  const server = startServer({ ...services, log });
  const stop = async () => {
    await server.stop();
    await services.catalog.settled();
    await upstream.stop();
  };
  try {
    print(`${about.name} ${about.version} in front of a simulated OpenRouter: no key, no network`);
    print(`${MODEL} is asked “${question}”\n`);
    await showAnswer(server.url, { question, print });
    printNext(server.url, print);
    log.release();
  } catch (error) {
    // Before the stop, which writes out what has been logged.
    log.release();
    await stop();
    throw error;
  }
  return { url: server.url, finished: server.finished.finally(() => upstream.stop()), stop };
}

/** The log line of the demo's own request would stand in the middle of what it shows. */
function holdLog(log: Log): Log & { release(): void } {
  let held: (() => void)[] | null = [];
  const pass = (line: () => void) => held === null ? line() : held.push(line);
  return {
    request: (record) => pass(() => log.request(record)),
    write: (level, message) => pass(() => log.write(level, message)),
    release() {
      held?.forEach((line) => line());
      held = null;
    },
  };
}

function loadDemoConfig({ baseUrl }: FakeOpenRouter, env: Env): Config {
  const fixed = new Map([
    ["OPENROUTER_BASE_URL", baseUrl],
    ["OPENROUTER_API_KEY", DEMO_KEY],
    ["INSPECT", "1"],
    // Nobody waits for the end of a simulated answer.
    ["DRAIN_S", "1"],
    ["LOG_LEVEL", "info"],
    ["LOG_FORMAT", "text"],
  ]);
  return parseConfig((name) => OWN_SETTINGS.has(name) ? env(name) : fixed.get(name));
}

function requireAddress(host: string): void {
  if (Deno.permissions.querySync({ name: "net", host }).state === "granted") return;
  throw new StartError(`No permission for ${host}: add --allow-net=${host}`);
}

/**
 * Sends the question to the proxy and shows every event of the answer when it comes.
 * @throws {StartError} where the answer does not end in message_stop
 */
async function showAnswer(
  url: string,
  { question, print }: Required<Pick<DemoOptions, "question" | "print">>,
): Promise<void> {
  requireAddress(new URL(url).host);
  const startedAt = performance.now();
  let firstAt: number | null = null;
  let last = "nothing";
  try {
    for await (const { name, data } of readEvents(await ask(url, question))) {
      firstAt ??= performance.now();
      print(formatEvent(name, data));
      last = name;
    }
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    throw new StartError(`The demo's own request to ${url} broke off after ${last}`, { cause });
  }
  if (last !== "message_stop") {
    throw new StartError(`The demo's own request ended in ${last}, not in message_stop`);
  }
  const total = performance.now() - startedAt;
  const first = (firstAt ?? startedAt) - startedAt;
  print(`\nFirst event after ${toSeconds(first)}, the whole answer in ${toSeconds(total)}.`);
}

async function ask(
  url: string,
  question: string,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const response = await fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", "anthropic-version": "2023-06-01" },
    body: JSON.stringify({
      model: MODEL,
      max_tokens: 2048,
      stream: true,
      thinking: { type: "enabled", budget_tokens: 1024 },
      messages: [{ role: "user", content: question }],
    }),
    signal: AbortSignal.timeout(MAX_WAIT_MS),
  }).catch((cause) => {
    // The runtime sends even requests to this machine through HTTP_PROXY.
    const cure = "where HTTP_PROXY is set, set NO_PROXY=localhost,127.0.0.1";
    throw new StartError(`The demo cannot reach itself at ${url}: ${cure}`, { cause });
  });
  if (response.status === 200 && response.body !== null) return response.body;
  const words = (await response.text()).slice(0, 500);
  throw new StartError(`The demo's own request was answered ${response.status}: ${words}`);
}

/** The events of a stream as it is written by this proxy: an `event` line, a `data` line, a blank one. */
async function* readEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<{ name: string; data: JsonObject }> {
  const lines = body.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  let name = "";
  for await (const line of lines) {
    if (line.startsWith("event: ")) name = line.slice(7);
    if (!line.startsWith("data: ")) continue;
    const data = parseJson(line.slice(6));
    yield { name, data: isJsonObject(data) ? data : {} };
  }
}

/** One event as a line of three columns: its name, the kind of what it carries, and that. */
function formatEvent(name: string, data: JsonObject): string {
  const [kind, content] = describeEvent(data);
  return `${name.padEnd(20)} ${kind.padEnd(16)} ${content}`.trimEnd();
}

function describeEvent(data: JsonObject): [kind: string, content: string] {
  const inner = [data["delta"], data["content_block"], data["message"], data["error"]]
    .find(isJsonObject) ?? {};
  const kind = toText(inner["type"]);
  switch (data["type"]) {
    case "message_start":
      return [kind, `for ${toText(inner["model"])}`];
    case "content_block_delta": {
      const { type: _type, ...content } = inner;
      return [kind, Object.values(content).map(shorten).join(" ")];
    }
    case "message_delta":
      return [toText(inner["stop_reason"]), countTokens(data["usage"])];
    case "error":
      return [kind, toText(inner["message"])];
    default:
      return [kind, ""];
  }
}

function countTokens(usage: unknown): string {
  const { input_tokens: input, output_tokens: output } = isJsonObject(usage) ? usage : {};
  return `${input} tokens in, ${output} out`;
}

function shorten(value: unknown): string {
  const characters = [...toText(value)];
  const isLong = characters.length > MAX_SHOWN;
  return JSON.stringify(isLong ? `${characters.slice(0, MAX_SHOWN).join("")}…` : value);
}

function printNext(url: string, print: (line: string) => void): void {
  const base = `http://localhost:${new URL(url).port}`;
  const body = JSON.stringify({
    model: MODEL,
    max_tokens: 512,
    stream: true,
    messages: [{ role: "user", content: "Hello" }],
  });
  print(`
It stays up until Ctrl+C. A request of your own:

  curl -N ${base}/v1/messages -H 'content-type: application/json' -d '${body}'

What it does, live, in a browser: ${base}

Claude Code, in another terminal:

  export ANTHROPIC_BASE_URL=${base}
  export ANTHROPIC_AUTH_TOKEN=demo

Errors to try, as the text of a message: demo:error 429 (or 401, 402, 404, 500, 502, 503 …),
demo:error midstream, demo:cut. Requests are logged below.
`);
}

function toSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
