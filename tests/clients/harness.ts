/**
 * The setup of one case for any client: a fake upstream that checks every request, the proxy in front of it, the
 * client's folders, and a record of requests and responses.
 * @module
 */

import { assertEquals } from "@std/assert";
import { readDisconnectSignal } from "../../lib/disconnect_signal.ts";
import { isJsonObject, type JsonObject, parseJson } from "../../lib/json.ts";
import type { ChatRequest } from "../../lib/openrouter/types.ts";
import type { Handler } from "../../lib/server.ts";
import { createProxy, LOCAL, SERVER_KEY } from "../helpers/proxy.ts";
import { type SeenRequest, startUpstream } from "../helpers/upstream.ts";
import type { ChatReply } from "./replies.ts";

/** A request of the client as received by the proxy. */
export interface ClientRequest {
  method: string;
  path: string;
  headers: Headers;
  body: JsonObject;
  /** When it was received, in milliseconds since the start of the proxy. */
  receivedAt: number;
  /** When the response headers were returned; NaN before that. */
  respondedAt: number;
  /** The status of the response; 0 before the response. */
  status: number;
  /** The headers of the response; empty before the response. */
  responseHeaders: Headers;
}

/** Options of the proxy and its upstream. */
export interface HarnessOptions {
  /** The proxy's environment; undefined removes OPENROUTER_API_KEY. */
  proxyEnv?: Record<string, string | undefined>;
  /** The entries of `GET /models`, which the proxy has read before the client starts. */
  models?: JsonObject[];
  /** Replies to requests of upstream's Messages API, by their body; without it they are a violation. */
  replyToMessages?: (body: JsonObject) => Response | Promise<Response>;
}

/** One function replies to all requests. A list must have exactly one reply for each request. */
export type ChatReplies = ChatReply | readonly ChatReply[];

/** The setup of a case. Dispose it with `await using`. */
export interface Harness extends AsyncDisposable {
  /** Contains the folders below, and the client's temporary files. */
  folder: string;
  /** The client's working directory. */
  work: string;
  home: string;
  /** The proxy's address. */
  baseUrl: string;
  /** The chat requests that upstream received. */
  upstreamRequests: ChatRequest[];
  /** The messages requests that upstream received. */
  upstreamMessages: JsonObject[];
  /** The messages requests that the proxy received. */
  clientRequests: ClientRequest[];
  /** All other requests that the proxy received, e.g. `HEAD /` from older versions of Claude Code. */
  otherRequests: ClientRequest[];
  model: ScriptedModel;
  /** The path of a file in the working directory. */
  path(name: string): string;
}

/** Starts the upstream and the proxy, and creates the folders. */
export async function startHarness(options: HarnessOptions = {}): Promise<Harness> {
  const folder = await Deno.makeTempDir({ prefix: "claudeproxy-client-" });
  const [home, work] = [`${folder}/home`, `${folder}/work`];
  await Deno.mkdir(home);
  await Deno.mkdir(work);
  const model = new ScriptedModel();
  const upstreamMessages: JsonObject[] = [];
  const upstream = startUpstream((request) => {
    if (options.replyToMessages === undefined || request.path !== "/api/v1/messages") {
      return model.reply(request);
    }
    upstreamMessages.push(request.body);
    return options.replyToMessages(request.body);
  }, { models: options.models ?? [] });
  const clientRequests: ClientRequest[] = [];
  const otherRequests: ClientRequest[] = [];
  const record = (request: ClientRequest) => {
    const isMessages = request.path.split("?")[0] === "/v1/messages";
    (isMessages ? clientRequests : otherRequests).push(request);
  };
  const proxy = createProxy({ upstream, env: options.proxyEnv ?? {} });
  if (options.models !== undefined) {
    proxy.services.catalog.refresh();
    await proxy.services.catalog.settled();
  }
  const server = serveProxy(proxy.handler, record);
  return {
    folder,
    work,
    home,
    baseUrl: `http://127.0.0.1:${server.addr.port}`,
    upstreamRequests: model.requests,
    upstreamMessages,
    clientRequests,
    otherRequests,
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

/** Sends the replies of a case, and records violations: unexpected requests, and a wrong number of them. */
export class ScriptedModel {
  readonly requests: ChatRequest[] = [];
  readonly #violations: string[] = [];
  #replies: ChatReplies = [];
  #received = 0;

  setReplies(replies: ChatReplies): void {
    this.#replies = replies;
    this.#received = 0;
  }

  reply(received: SeenRequest): Response | Promise<Response> {
    const request = this.#parse(received);
    this.requests.push(request);
    const index = this.#received++;
    const reply = typeof this.#replies === "function" ? this.#replies : this.#replies[index];
    if (reply !== undefined) return reply(request);
    return Response.json({ error: { code: 400, message: "No reply is left" } }, { status: 400 });
  }

  listViolations(): string[] {
    const isComplete = typeof this.#replies === "function" ||
      this.#replies.length === this.#received;
    if (isComplete) return this.#violations;
    return [...this.#violations, `${this.#received} requests for ${this.#replies.length} replies`];
  }

  /** Checks path and key; the fake upstream checks only the body. */
  #parse({ path, headers, text }: SeenRequest): ChatRequest {
    try {
      assertEquals(path, "/api/v1/chat/completions");
      assertEquals(headers.get("authorization"), `Bearer ${SERVER_KEY}`);
    } catch (error) {
      this.#violations.push(error instanceof Error ? error.message : String(error));
    }
    return JSON.parse(text);
  }
}

/** Serves the proxy on a free port and records each request and its response. */
function serveProxy(
  handler: Handler,
  record: (request: ClientRequest) => void,
): Deno.HttpServer<Deno.NetAddr> {
  const started = performance.now();
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { method, headers } = request;
    const url = new URL(request.url);
    // A clone has a signal, and the runtime prints a warning about the first one.
    readDisconnectSignal(request);
    const text = await request.clone().text();
    const body = parseJson(text);
    const entry: ClientRequest = {
      method,
      path: url.pathname + url.search,
      headers,
      body: isJsonObject(body) ? body : {},
      receivedAt: performance.now() - started,
      respondedAt: NaN,
      status: 0,
      responseHeaders: new Headers(),
    };
    record(entry);
    const response = await handler(request, LOCAL);
    entry.status = response.status;
    entry.responseHeaders = response.headers;
    entry.respondedAt = performance.now() - started;
    return response;
  });
}
