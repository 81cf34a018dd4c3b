/**
 * A fake OpenRouter on loopback that records requests, replies by script, holds responses open or cuts them, and
 * reports when the proxy has disconnected. Every chat request is checked. Uses lib/ only to read a signal silently.
 * @module
 */

import { readDisconnectSignal } from "../../lib/disconnect_signal.ts";
import { serveBounded } from "./bounded_server.ts";
import { checkChatRequest } from "./openrouter_request_checker.ts";
import { isSettled } from "./timeout.ts";

type Json = Record<string, unknown>;

/** One request as received. */
export interface SeenRequest {
  method: string;
  path: string;
  headers: Headers;
  text: string;
  /** The JSON body; `{}` without a body. */
  body: Json;
  /** Resolves when the proxy disconnects before the response. */
  disconnected: Promise<void>;
}

/** Responds to one request. */
export type Reply = (request: SeenRequest) => Response | Promise<Response>;

/** A running fake upstream. Stop it with `await using`. */
export interface Upstream extends AsyncDisposable {
  /** The value for OPENROUTER_BASE_URL. */
  baseUrl: string;
  /** `127.0.0.1:PORT`, as error messages name it. */
  host: string;
  /** Requests in order of arrival, without `GET /models` and `GET /key`. */
  requests: SeenRequest[];
  /** The number of `GET /models` requests. */
  modelListRequests: number;
  /** Waits for the request of this index. */
  arrival(number: number): Promise<SeenRequest>;
}

/** Options of a fake upstream. */
export interface UpstreamOptions {
  /** The response to `GET /models`, or the entries of its list. */
  models?: Json[] | (() => Response);
  /** The response to `GET /key`. */
  key?: () => Response;
  /** Checks every chat request; by default the checker of OpenRouter requests. */
  check?: (body: unknown) => void;
}

/** Replies to all requests with one function, or with a list, whose last entry replies to all further requests. */
export function startUpstream(script: Reply | Reply[], options: UpstreamOptions = {}): Upstream {
  const replies = typeof script === "function" ? [script] : script;
  const waiting = new Map<number, (request: SeenRequest) => void>();
  const { models = [], key = replyKey, check = checkChatRequest } = options;
  const requests: SeenRequest[] = [];
  const violations: unknown[] = [];
  const server = serveBounded("Upstream", async (request) => {
    const url = new URL(request.url);
    if (url.pathname === "/api/v1/models") {
      upstream.modelListRequests++;
      return typeof models === "function" ? models() : Response.json({ data: models });
    }
    if (url.pathname === "/api/v1/key") return key();
    const seen = await readRequest(request, url);
    const reply = replies[Math.min(requests.length, replies.length - 1)];
    requests.push(seen);
    try {
      if (url.pathname.endsWith("/chat/completions")) check(seen.body);
    } catch (error) {
      violations.push(error);
    }
    waiting.get(requests.length - 1)?.(seen);
    return reply?.(seen) ?? new Response("no script", { status: 500 });
  });
  const upstream: Upstream = {
    baseUrl: `http://127.0.0.1:${server.port}/api/v1`,
    host: `127.0.0.1:${server.port}`,
    requests,
    modelListRequests: 0,
    arrival(number) {
      const seen = requests[number];
      if (seen !== undefined) return Promise.resolve(seen);
      return new Promise((resolve) => waiting.set(number, resolve));
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      if (violations.length > 0) throw violations[0];
    },
  };
  return upstream;
}

/** A TCP server that sends these bytes on every connection and closes it. */
export function startBytesUpstream(bytes: string): { baseUrl: string } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(64 * 1024));
      await connection.write(new TextEncoder().encode(bytes));
      connection.close();
    }
  })();
  return {
    baseUrl: `http://127.0.0.1:${listener.addr.port}/api/v1`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

/** A server that accepts one connection, reads, and never responds. */
export interface SilentUpstream extends AsyncDisposable {
  baseUrl: string;
  /** Resolves when data has been received. */
  requested: Promise<void>;
  /** Resolves when the proxy has closed the connection. */
  disconnected: Promise<void>;
}

/** Uses TCP, because the runtime's HTTP server does not always report a disconnect. */
export function startSilentUpstream(): SilentUpstream {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const requested = Promise.withResolvers<void>();
  let hangUp = () => {};
  const serving = (async () => {
    using connection = await listener.accept();
    hangUp = () => connection.close();
    const buffer = new Uint8Array(64 * 1024);
    try {
      while (await connection.read(buffer) !== null) requested.resolve();
    } catch {
      // A reset is a disconnect too.
    }
  })();
  return {
    baseUrl: `http://127.0.0.1:${listener.addr.port}/api/v1`,
    requested: requested.promise,
    disconnected: serving,
    async [Symbol.asyncDispose]() {
      listener.close();
      if (await isSettled([serving])) return;
      hangUp();
      throw new Error("The proxy has not disconnected from the silent upstream");
    },
  };
}

/** A body that the test writes step by step. */
export interface OpenBody {
  body: ReadableStream<Uint8Array<ArrayBuffer>>;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(): void;
  /** Fails the body, as a lost connection does. */
  cut(): void;
  /** Resolves when the reader has cancelled the body. */
  cancelled: Promise<void>;
}

/** A body that stays open after its first text. By default a byte stream, like the body of a fetch. */
export function createOpenBody(first = "", options: { isBytes?: boolean } = {}): OpenBody {
  const { promise: cancelled, resolve } = Promise.withResolvers<void>();
  let controller:
    | ReadableByteStreamController
    | ReadableStreamDefaultController<
      Uint8Array<ArrayBuffer>
    >;
  const start = (given: typeof controller) => {
    controller = given;
  };
  const cancel = () => resolve();
  const body: OpenBody["body"] = options.isBytes ?? true
    ? new ReadableStream({ type: "bytes", start, cancel })
    : new ReadableStream({ start, cancel });
  const source: OpenBody = {
    body,
    cancelled,
    send: (data) =>
      controller.enqueue(typeof data === "string" ? new TextEncoder().encode(data) : data.slice()),
    close() {
      controller.close();
      // A pending BYOB read ends only with a response.
      if ("byobRequest" in controller) controller.byobRequest?.respond(0);
    },
    cut() {
      const error = new Error("cut by the test");
      // The runtime prints the stack to stderr if this is the body of a response it serves.
      error.stack = "";
      controller.error(error);
    },
  };
  if (first !== "") source.send(first);
  return source;
}

/** A response with an event stream that stays open until the test closes it. */
export function createOpenStream(first = ""): OpenBody & { response: Response } {
  const source = createOpenBody(first, { isBytes: false });
  return { ...source, response: eventStream(source.body) };
}

/** A response with an event stream. */
export function eventStream(body: BodyInit): Response {
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

/** An error response of OpenRouter. */
export function errorBody(status: number, message: string, more: Json = {}): Response {
  return Response.json({ error: { code: status, message, ...more }, user_id: "user_x" }, {
    status,
  });
}

/** OpenRouter's error for an unknown model. */
export function replyInvalidModel({ body }: SeenRequest): Response {
  return errorBody(400, `${body["model"]} is not a valid model ID`);
}

/** A valid key without a limit. */
function replyKey(): Response {
  return Response.json({ data: { label: "sk-or-v1-abc", limit: null, usage: 0 } });
}

async function readRequest(request: Request, url: URL): Promise<SeenRequest> {
  const { promise: disconnected, resolve } = Promise.withResolvers<void>();
  readDisconnectSignal(request).addEventListener("abort", () => resolve());
  const text = await request.text();
  const { method, headers } = request;
  return {
    method,
    path: url.pathname,
    headers,
    text,
    body: text ? JSON.parse(text) : {},
    disconnected,
  };
}
