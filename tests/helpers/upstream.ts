/**
 * A scriptable stand-in for OpenRouter on loopback: it records what it is asked, answers by script, holds
 * answers open, cuts them, and tells when the proxy has let go. Knows OpenRouter's wire format, nothing of lib/.
 * Every request goes through the strict checker: whatever a test is about, what reaches upstream must be valid.
 * @module
 */

import { serveBounded } from "./bounded_server.ts";
import { checkChatRequest } from "./openrouter_request_checker.ts";
import { isSettled } from "./timeout.ts";

type Json = Record<string, unknown>;

/** One request as it arrived. */
export interface SeenRequest {
  method: string;
  path: string;
  headers: Headers;
  text: string;
  /** The JSON body; `{}` where there was none. */
  body: Json;
  /** Resolves when whoever asked has left before it was answered. */
  disconnected: Promise<void>;
}

/** Answers one request. */
export type Reply = (request: SeenRequest) => Response | Promise<Response>;

/** A running stand-in. Stop it with `await using`. */
export interface Upstream extends AsyncDisposable {
  /** The value for OPENROUTER_BASE_URL. */
  baseUrl: string;
  /** Requests in the order in which they came, `GET /models` left out. */
  requests: SeenRequest[];
  /** How often the model list was asked for. */
  modelListRequests: number;
  /** Resolves with the request of this number, counted from 0, as soon as it is there. */
  arrival(number: number): Promise<SeenRequest>;
}

/** How a stand-in behaves besides its script. */
export interface UpstreamOptions {
  /** The answer to `GET /models`: entries of the list, or a whole answer. */
  models?: Json[] | (() => Response);
  /** Judges every chat request; OpenRouter's strict checker unless given. */
  check?: (body: unknown) => void;
}

/** One function answers all requests; of a list, each entry answers one and the last all further ones. */
export function startUpstream(script: Reply | Reply[], options: UpstreamOptions = {}): Upstream {
  const replies = typeof script === "function" ? [script] : script;
  const waiting = new Map<number, (request: SeenRequest) => void>();
  const { models = [], check = checkChatRequest } = options;
  const requests: SeenRequest[] = [];
  const violations: unknown[] = [];
  const server = serveBounded("Upstream", async (request) => {
    const url = new URL(request.url);
    if (url.pathname === "/api/v1/models") {
      upstream.modelListRequests++;
      return typeof models === "function" ? models() : Response.json({ data: models });
    }
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

/** A server that accepts one connection, reads, and never answers. */
export interface SilentUpstream extends AsyncDisposable {
  baseUrl: string;
  /** Resolves when something has been asked. */
  requested: Promise<void>;
  /** Resolves when the asker has closed the connection. */
  disconnected: Promise<void>;
}

/** Speaks raw TCP, because a server of the runtime's does not always tell that its client has left. */
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
      // Closed with a reset: it has left all the same.
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
      throw new Error("Whoever asked the silent upstream has not left");
    },
  };
}

/** A body that says what it is told to, when it is told to. */
export interface HeldBody {
  body: ReadableStream<Uint8Array<ArrayBuffer>>;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(): void;
  /** The connection breaks. */
  cut(): void;
  /** Resolves when the reader has let go. */
  cancelled: Promise<void>;
}

/** Holds a body open after its first text. A byte stream, as fetch bodies are; or not, as hand-made ones are. */
export function holdBody(first = "", options: { isBytes?: boolean } = {}): HeldBody {
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
  const body: HeldBody["body"] = options.isBytes ?? true
    ? new ReadableStream({ type: "bytes", start, cancel })
    : new ReadableStream({ start, cancel });
  const held: HeldBody = {
    body,
    cancelled,
    send: (data) =>
      controller.enqueue(typeof data === "string" ? new TextEncoder().encode(data) : data.slice()),
    close() {
      controller.close();
      // A read that was waiting for bytes ends only when it is answered.
      if ("byobRequest" in controller) controller.byobRequest?.respond(0);
    },
    cut: () => controller.error(new Error("cut by the test")),
  };
  if (first !== "") held.send(first);
  return held;
}

/** An event stream held open, as upstream sends one. */
export function holdStream(first = ""): HeldBody & { response: Response } {
  const held = holdBody(first, { isBytes: false });
  return { ...held, response: eventStream(held.body) };
}

/** A whole event stream with its head. */
export function eventStream(body: BodyInit): Response {
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

/** An error body as upstream writes it. */
export function errorBody(status: number, message: string, more: Json = {}): Response {
  return Response.json({ error: { code: status, message, ...more }, user_id: "user_x" }, {
    status,
  });
}

/** The refusal of a model that upstream does not know. */
export function refuseModel({ body }: SeenRequest): Response {
  return errorBody(400, `${body["model"]} is not a valid model ID`);
}

async function readRequest(request: Request, url: URL): Promise<SeenRequest> {
  const { promise: disconnected, resolve } = Promise.withResolvers<void>();
  request.signal.addEventListener("abort", () => resolve());
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
