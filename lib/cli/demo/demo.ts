/**
 * `demo`: runs the proxy in front of the simulated upstream, sends it one request over HTTP, shows the response as it
 * arrives, and keeps running. Reads only PORT and HOST from the environment, no key.
 * @module
 */

import { TextLineStream } from "@std/streams/text-line-stream";
import type { Config, Env } from "../../config.ts";
import { formatSeconds } from "../../format.ts";
import { isJsonObject, type JsonObject, parseJson, toText } from "../../json.ts";
import type { Log } from "../../log.ts";
import { readGranted } from "../read_granted.ts";
import { parseConfig, requireNetAccess } from "../environment.ts";
import { type About, createCliServices, type RunningServer, startServer } from "../serve.ts";
import { printLine, StartError } from "../terminal.ts";
import { type FakeOpenRouter, startFakeOpenRouter } from "./fake_openrouter.ts";

/** Options of {@linkcode runDemo}. */
export interface DemoOptions {
  /** Pause before every upstream chunk, in milliseconds. */
  pauseMs?: number;
  /** The text of the demo's request. */
  question?: string;
  print?: (line: string) => void;
}

const PAUSE_MS = 25;
const TIMEOUT_MS = 30_000;
const MAX_SHOWN = 56;
const MODEL = "claude-sonnet-4-5";
/** Recognizably not a real key. */
const DEMO_KEY = "sk-or-v1-demo";
const OWN_SETTINGS: ReadonlySet<string> = new Set(["PORT", "HOST"]);

const QUESTION = "Who are you, and what did you receive?";

/**
 * Starts the demo and shows one response. Stopping the returned server stops the upstream too.
 * @param env looks up PORT and HOST only
 * @throws {StartError} if it cannot listen, or if the response to its own request is incomplete
 */
export async function runDemo(
  about: About,
  env: Env = readGranted,
  { pauseMs = PAUSE_MS, question = QUESTION, print = printLine }: DemoOptions = {},
): Promise<RunningServer> {
  requireAddress("127.0.0.1");
  const upstream = startFakeOpenRouter({ pauseMs });
  try {
    return await startInFrontOf(upstream, { about, env, question, print });
  } catch (error) {
    await upstream.stop();
    throw error;
  }
}

/** Starts the proxy in front of an upstream, and stops it if its first response fails. */
async function startInFrontOf(
  upstream: FakeOpenRouter,
  { about, env, question, print }: Required<Omit<DemoOptions, "pauseMs">> & {
    about: About;
    env: Env;
  },
): Promise<RunningServer> {
  const config = loadDemoConfig(upstream, env);
  requireNetAccess(config);
  const services = createCliServices(config, about, { writeLine: print });
  const log = bufferLog(services.log);
  const server = startServer({ ...services, log });
  const stop = async () => {
    await server.stop();
    await services.catalog.settled();
    await upstream.stop();
  };
  try {
    print(`${about.name} ${about.version} in front of a simulated OpenRouter: no key, no network`);
    print(`Request to ${MODEL}: “${question}”\n`);
    await showResponse(server.url, { question, print });
    printNextSteps(server.url, print);
    log.release();
  } catch (error) {
    // Before the stop, which flushes the log.
    log.release();
    await stop();
    throw error;
  }
  return { url: server.url, finished: server.finished.finally(() => upstream.stop()), stop };
}

/** Buffers the log, whose line for the demo's own request would appear in the middle of its output. */
function bufferLog(log: Log): Log & { release(): void } {
  let buffered: (() => void)[] | null = [];
  const add = (write: () => void) => buffered === null ? write() : buffered.push(write);
  return {
    request: (record) => add(() => log.request(record)),
    write: (level, message) => add(() => log.write(level, message)),
    release() {
      buffered?.forEach((write) => write());
      buffered = null;
    },
  };
}

function loadDemoConfig({ baseUrl }: FakeOpenRouter, env: Env): Config {
  const fixed = new Map([
    ["OPENROUTER_BASE_URL", baseUrl],
    ["OPENROUTER_API_KEY", DEMO_KEY],
    ["INSPECT", "1"],
    // As in .env.example: the model that a client asks for.
    ...["OPUS", "BIG", "SMALL", "DEFAULT"].map((name) => [`TARGET_MODEL_${name}`, "auto"] as const),
    // A simulated response is not worth waiting for.
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
 * Sends the question to the proxy and prints every event of the response when it arrives.
 * @throws {StartError} if the response does not end in message_stop
 */
async function showResponse(
  url: string,
  { question, print }: Required<Pick<DemoOptions, "question" | "print">>,
): Promise<void> {
  requireAddress(new URL(url).host);
  const startedAt = performance.now();
  let firstAt: number | null = null;
  let last = "nothing";
  try {
    for await (const { name, data } of readEvents(await sendMessage(url, question))) {
      firstAt ??= performance.now();
      print(formatEvent(name, data));
      last = name;
    }
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    throw new StartError(`The demo's own request to ${url} failed after ${last}`, { cause });
  }
  if (last !== "message_stop") {
    throw new StartError(`The demo's own request ended in ${last}, not in message_stop`);
  }
  const totalMs = performance.now() - startedAt;
  const firstMs = (firstAt ?? startedAt) - startedAt;
  print(
    `\nFirst event after ${formatSeconds(firstMs)}, complete after ${formatSeconds(totalMs)}.`,
  );
}

async function sendMessage(
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
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((cause) => {
    // The runtime uses HTTP_PROXY even for requests to this machine.
    const hint = "if HTTP_PROXY is set, set NO_PROXY=localhost,127.0.0.1";
    throw new StartError(`The demo cannot reach itself at ${url}: ${hint}`, { cause });
  });
  if (response.status === 200 && response.body !== null) return response.body;
  const body = (await response.text()).slice(0, 500);
  throw new StartError(`The demo's own request failed with status ${response.status}: ${body}`);
}

/** Reads a stream in the form in which this proxy writes it: an `event` line, a `data` line, a blank line. */
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

/** Formats an event in three columns: its name, the type of its payload, and the payload. */
function formatEvent(name: string, data: JsonObject): string {
  const [type, content] = describeEvent(data);
  return `${name.padEnd(20)} ${type.padEnd(16)} ${content}`.trimEnd();
}

function describeEvent(data: JsonObject): [type: string, content: string] {
  const inner = [data["delta"], data["content_block"], data["message"], data["error"]]
    .find(isJsonObject) ?? {};
  const type = toText(inner["type"]);
  switch (data["type"]) {
    case "message_start":
      return [type, `for ${toText(inner["model"])}`];
    case "content_block_delta": {
      const { type: _type, ...content } = inner;
      return [type, Object.values(content).map(shorten).join(" ")];
    }
    case "message_delta":
      return [toText(inner["stop_reason"]), countTokens(data["usage"])];
    case "error":
      return [type, toText(inner["message"])];
    default:
      return [type, ""];
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

function printNextSteps(url: string, print: (line: string) => void): void {
  // As the README writes it.
  const base = url.replace("//127.0.0.1", "//localhost");
  const body = JSON.stringify({
    model: MODEL,
    max_tokens: 512,
    stream: true,
    messages: [{ role: "user", content: "Hello" }],
  });
  print(`
The demo runs until Ctrl+C. To send a request:

  curl -N ${base}/v1/messages -H 'content-type: application/json' -d '${body}'

To watch it, open the dashboard in a browser: ${base}

To use Claude Code, in another terminal:

  export ANTHROPIC_BASE_URL=${base}
  export ANTHROPIC_AUTH_TOKEN=demo

Then ask anything, paste an image, or send one word: error. For other errors, write demo:error 429
(or 401, 404, 500, 502, 503 …), demo:error midstream or demo:cut. Requests are logged below.
`);
}
