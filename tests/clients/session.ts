/**
 * The stage of one case: a scripted upstream, the real proxy before it, Claude Code before that, and a
 * record of what was said on both sides. The stand-in for upstream checks every request strictly.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { isJsonObject, type JsonObject, parseJson } from "../../lib/json.ts";
import type { ChatRequest } from "../../lib/openrouter/types.ts";
import { createProxy, HELD_KEY, LOCAL } from "../helpers/proxy.ts";
import { type SeenRequest, startUpstream } from "../helpers/upstream.ts";
import { type Binary, findBinary } from "./binary.ts";
import { listFolders, type Run, runClaude } from "./cli.ts";
import { type LiveRun, type LiveTurn, runLive } from "./live.ts";
import type { Step } from "./model.ts";

const BINARY: Binary = await findBinary();
const TIMEOUT_MS = 30_000;

/** A request of the client as it reached the proxy. */
export interface ClientRequest {
  method: string;
  path: string;
  headers: Headers;
  body: JsonObject;
  /** The status of the proxy's answer; 0 before there is one. */
  status: number;
  /** When it came, in milliseconds since the stage was set. */
  at: number;
  /** When the head of the answer left. */
  answeredAt: number;
}

/** What a case may choose. */
export interface SessionOptions {
  /** Of the proxy; undefined takes away OPENROUTER_API_KEY. */
  proxyEnv?: Record<string, string | undefined>;
  /** Of Claude Code. */
  env?: Record<string, string | undefined>;
  args?: readonly string[];
  /** Answers of upstream to `GET /models`. */
  models?: JsonObject[];
}

/** What one run may choose beside that. */
export interface AskOptions {
  args?: readonly string[];
  env?: Record<string, string | undefined>;
  timeoutMs?: number;
}

/** One function answers all requests; of a list, each step answers one: one more or one less is a mistake. */
export type Script = Step | readonly Step[];

/** The stage. Leave it with `await using`. */
export interface Session extends AsyncDisposable {
  /** The folder Claude Code works in. */
  work: string;
  home: string;
  /** What reached upstream. */
  upstream: ChatRequest[];
  /** The messages requests that reached the proxy. */
  asked: ClientRequest[];
  /** Everything else that reached it: older versions begin with `HEAD /`. */
  visits: ClientRequest[];
  /** Runs Claude Code with a prompt, the model playing the script, and checks that it was kept to. */
  ask(prompt: string, script: Script, options?: AskOptions): Promise<Run>;
  /** The same over several turns of one process, the model switched in between. */
  talk(turns: readonly LiveTurn[], script: Script): Promise<LiveRun>;
  /** A file in the working folder. */
  path(name: string): string;
}

/** A case with the real client; ignored, and said to be, where there is none. */
export function test(name: string, body: () => Promise<void>): void {
  const client = `Claude Code ${BINARY.version}`;
  if ("missing" in BINARY) {
    Deno.test({
      name: `not run: ${name} (no ${client}: ${BINARY.missing})`,
      ignore: true,
      fn() {},
    });
  } else Deno.test(`${client} ${name}`, body);
}

/** Sets the stage. */
export async function startSession(options: SessionOptions = {}): Promise<Session> {
  const folder = await Deno.makeTempDir({ prefix: "claudeproxy-client-" });
  const { home, work } = listFolders(folder);
  await Deno.mkdir(home);
  await Deno.mkdir(work);
  const model = new ScriptedModel();
  const upstream = startUpstream((request) => model.answer(request), {
    models: options.models ?? [],
  });
  const asked: ClientRequest[] = [];
  const visits: ClientRequest[] = [];
  const hear = (request: ClientRequest) => {
    const isMessage = request.path.split("?")[0] === "/v1/messages";
    (isMessage ? asked : visits).push(request);
  };
  const server = serveProxy(hear, upstream.baseUrl, options);
  const baseUrl = `http://127.0.0.1:${server.addr.port}`;
  return {
    work,
    home,
    asked,
    visits,
    upstream: model.requests,
    path: (name) => `${work}/${name}`,
    async ask(prompt, script, more = {}) {
      if ("missing" in BINARY) throw new Error(BINARY.missing);
      model.play(script);
      const run = await runClaude({
        path: BINARY.path,
        baseUrl,
        folder,
        args: [...(options.args ?? []), ...(more.args ?? []), "--", prompt],
        env: { ...options.env, ...more.env },
        timeoutMs: more.timeoutMs ?? TIMEOUT_MS,
      });
      await dump({ run, asked, upstream: model.requests, prompt });
      assert(!run.isTimedOut, `Claude Code was still running after ${Math.round(run.ms)} ms`);
      assertEquals(model.listMistakes(), []);
      return run;
    },
    async talk(turns, script) {
      if ("missing" in BINARY) throw new Error(BINARY.missing);
      model.play(script);
      const { args = [], env = {} } = options;
      const run = { path: BINARY.path, baseUrl, folder, args, env, timeoutMs: TIMEOUT_MS };
      const live = await runLive(run, turns);
      assertEquals(model.listMistakes(), []);
      return live;
    },
    async [Symbol.asyncDispose]() {
      try {
        await server.shutdown();
        await upstream[Symbol.asyncDispose]();
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  };
}

/** Plays the script, and remembers what was wrong with the requests. */
class ScriptedModel {
  readonly requests: ChatRequest[] = [];
  readonly #mistakes: string[] = [];
  #script: Script = [];
  #step = 0;

  play(script: Script): void {
    this.#script = script;
    this.#step = 0;
  }

  answer(seen: SeenRequest): Response | Promise<Response> {
    const request = this.#check(seen);
    this.requests.push(request);
    const number = this.#step++;
    const step = typeof this.#script === "function" ? this.#script : this.#script[number];
    if (step !== undefined) return step(request);
    return Response.json({ error: { code: 400, message: "The script has ended" } }, {
      status: 400,
    });
  }

  listMistakes(): string[] {
    const isKept = typeof this.#script === "function" || this.#script.length === this.#step;
    if (isKept) return this.#mistakes;
    return [...this.#mistakes, `${this.#step} requests for ${this.#script.length} steps`];
  }

  /** What the stand-in's own check of the body does not look at. */
  #check({ path, headers, text }: SeenRequest): ChatRequest {
    try {
      assertEquals(path, "/api/v1/chat/completions");
      assertEquals(headers.get("authorization"), `Bearer ${HELD_KEY}`);
    } catch (error) {
      this.#mistakes.push(error instanceof Error ? error.message : String(error));
    }
    return JSON.parse(text);
  }
}

/** The proxy on a free port, with an ear at the door. */
function serveProxy(
  hear: (request: ClientRequest) => void,
  baseUrl: string,
  { proxyEnv = {} }: SessionOptions,
): Deno.HttpServer<Deno.NetAddr> {
  const { handler } = createProxy({ upstream: { baseUrl }, env: proxyEnv });
  const started = performance.now();
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { method, headers } = request;
    const url = new URL(request.url);
    const text = await request.clone().text();
    const body = parseJson(text);
    const entry: ClientRequest = {
      method,
      path: url.pathname + url.search,
      headers,
      body: isJsonObject(body) ? body : {},
      status: 0,
      at: performance.now() - started,
      answeredAt: NaN,
    };
    hear(entry);
    const response = await handler(request, LOCAL);
    entry.status = response.status;
    entry.answeredAt = performance.now() - started;
    return response;
  });
}

/** Where CLIENTS_DUMP names a folder, each run is written there: what a failure looks like from inside. */
async function dump(
  { run, asked, upstream, prompt }: {
    run: Run;
    asked: ClientRequest[];
    upstream: ChatRequest[];
    prompt: string;
  },
): Promise<void> {
  const folder = Deno.env.get("CLIENTS_DUMP");
  if (!folder) return;
  const name = `${prompt.replaceAll(/\W+/g, "-").slice(0, 40)}-${run.sessionId.slice(0, 8)}`;
  const seen = asked.map((request) => ({
    ...request,
    headers: Object.fromEntries(request.headers),
  }));
  const text = JSON.stringify({ run, asked: seen, upstream }, null, 1);
  await Deno.writeTextFile(`${folder}/${name}.json`, text);
}
