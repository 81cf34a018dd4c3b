/**
 * The setup of one case for any client: a fake upstream, the proxy in front of it, folders of the client, and a record
 * of requests and responses. The fake upstream checks every request.
 * @module
 */

import { assertEquals } from "@std/assert";
import { isJsonObject, type JsonObject, parseJson } from "../../lib/json.ts";
import type { ChatRequest } from "../../lib/openrouter/types.ts";
import type { Handler } from "../../lib/server.ts";
import { createProxy, LOCAL, SERVER_KEY } from "../helpers/proxy.ts";
import { type SeenRequest, startUpstream } from "../helpers/upstream.ts";
import type { Step } from "./model.ts";

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
  /** Headers of the proxy's answer; none before there is one. */
  answer: Headers;
}

/** What a case may choose of the proxy and its upstream. */
export interface StageOptions {
  /** Of the proxy; undefined takes away OPENROUTER_API_KEY. */
  proxyEnv?: Record<string, string | undefined>;
  /** Answers of upstream to `GET /models`, which the proxy has read before the client starts. */
  models?: JsonObject[];
}

/** One function answers all requests; of a list, each step answers one: one more or one less is a mistake. */
export type Script = Step | readonly Step[];

/** The stage. Leave it with `await using`. */
export interface Stage extends AsyncDisposable {
  /** Holds the folders below, and what a client puts beside them. */
  folder: string;
  /** The folder that the client works in. */
  work: string;
  home: string;
  /** The proxy's address. */
  baseUrl: string;
  /** What reached upstream. */
  upstream: ChatRequest[];
  /** The messages requests that reached the proxy. */
  asked: ClientRequest[];
  /** Everything else that reached it: older versions of Claude Code begin with `HEAD /`. */
  visits: ClientRequest[];
  model: ScriptedModel;
  /** A file in the working folder. */
  path(name: string): string;
}

/** Sets the stage. */
export async function startStage(options: StageOptions = {}): Promise<Stage> {
  const folder = await Deno.makeTempDir({ prefix: "claudeproxy-client-" });
  const [home, work] = [`${folder}/home`, `${folder}/work`];
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
  const proxy = createProxy({ upstream, env: options.proxyEnv ?? {} });
  if (options.models !== undefined) {
    proxy.services.catalog.refresh();
    await proxy.services.catalog.settled();
  }
  const server = serveProxy(hear, proxy.handler);
  return {
    folder,
    work,
    home,
    baseUrl: `http://127.0.0.1:${server.addr.port}`,
    upstream: model.requests,
    asked,
    visits,
    model,
    path: (name) => `${work}/${name}`,
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
export class ScriptedModel {
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
      assertEquals(headers.get("authorization"), `Bearer ${SERVER_KEY}`);
    } catch (error) {
      this.#mistakes.push(error instanceof Error ? error.message : String(error));
    }
    return JSON.parse(text);
  }
}

/** The proxy on a free port, with an ear at the door. */
function serveProxy(
  hear: (request: ClientRequest) => void,
  handler: Handler,
): Deno.HttpServer<Deno.NetAddr> {
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
      answer: new Headers(),
    };
    hear(entry);
    const response = await handler(request, LOCAL);
    entry.status = response.status;
    entry.answer = response.headers;
    entry.answeredAt = performance.now() - started;
    return response;
  });
}
