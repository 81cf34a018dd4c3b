/**
 * The proxy in tests: with a fake upstream and a log in memory, called directly or over a socket.
 * @module
 */

import type { Peer } from "../../lib/auth.ts";
import { loadConfig } from "../../lib/config.ts";
import type { Services } from "../../lib/request_context.ts";
import { createLog, type RequestRecord } from "../../lib/log.ts";
import { createRedactor } from "../../lib/redact.ts";
import { createHandler, type Handler } from "../../lib/server.ts";
import { createServices } from "../../lib/services.ts";
import { serveBounded } from "./bounded_server.ts";
import { NOWHERE } from "./unused_port.ts";

/** The proxy's default OpenRouter key. */
export const SERVER_KEY = "sk-or-v1-0123456789abcdef-held";

/** The origin of requests without a socket. */
export const ORIGIN = "http://localhost:8000";

/** The options that a test can set. */
export interface TestOptions {
  /** The fake upstream; without it, connections are refused. */
  upstream?: { baseUrl: string };
  /** Environment variables; undefined removes the default key. */
  env?: Record<string, string | undefined>;
}

/** Services with a log in memory. */
export interface TestServices extends Services {
  /** The records of finished requests. */
  records: RequestRecord[];
  /** Every line of the log, as JSON, at level debug. */
  lines: string[];
  /** Waits for the first record, or the one of this index. */
  recorded(number?: number): Promise<RequestRecord>;
}

/** Services with the real client, and ids that count from 1. */
export function createTestServices({ upstream, env = {} }: TestOptions = {}): TestServices {
  const settings: Record<string, string | undefined> = {
    OPENROUTER_API_KEY: SERVER_KEY,
    OPENROUTER_BASE_URL: upstream?.baseUrl ?? NOWHERE,
    ...env,
  };
  const config = loadConfig((name) => settings[name]);
  const ids = { msg: 0, req: 0, toolu: 0 };
  const log = createMemoryLog([config.openrouterApiKey ?? "", ...config.proxyApiKeys]);
  return {
    ...createServices(config, {
      about: { name: "claudeproxy", version: "0.0.0" },
      log: log.log,
      reportSpan: () => {},
      fetcher: fetch,
    }),
    ...log,
    newId: (prefix) => `${prefix}_${++ids[prefix]}`,
  };
}

/** The real log, with its lines in a list. */
function createMemoryLog(
  secrets: string[],
): Pick<TestServices, "log" | "records" | "lines" | "recorded"> {
  const records: RequestRecord[] = [];
  const lines: string[] = [];
  const waiting = new Map<number, (record: RequestRecord) => void>();
  const log = createLog({
    level: "debug",
    format: "json",
    writeLine: (line) => lines.push(line),
    redact: createRedactor(secrets),
    date: () => new Date(0),
  });
  return {
    records,
    lines,
    log: {
      write: log.write,
      request(record) {
        log.request(record);
        records.push(record);
        waiting.get(records.length - 1)?.(record);
      },
    },
    recorded(number = 0) {
      const record = records[number];
      if (record !== undefined) return Promise.resolve(record);
      return new Promise((resolve) => waiting.set(number, resolve));
    },
  };
}

/** A handler and its services. */
export function createProxy(options: TestOptions = {}): {
  services: TestServices;
  handler: Handler;
} {
  const services = createTestServices(options);
  return { services, handler: createHandler(services) };
}

/** A local client. */
export const LOCAL: Peer = { transport: "tcp", address: "127.0.0.1" };

/** Handles a request without a socket. */
export function call(handler: Handler, request: Request, peer: Peer = LOCAL): Promise<Response> {
  return handler(request, peer);
}

/** `GET`, or another method without a body. */
export function get(path: string, init: RequestInit = {}): Request {
  return new Request(`${ORIGIN}${path}`, init);
}

/** `POST /v1/messages` with a body that is text or converted to JSON. */
export function post(body: unknown, headers: Record<string, string> = {}): Request {
  return new Request(`${ORIGIN}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

/** The body of a minimal messages request. */
export function requestBody(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    model: "claude-sonnet-4-5",
    max_tokens: 100,
    messages: [{ role: "user", content: "Hello" }],
    ...more,
  };
}

/** Sends `POST /v1/messages` without a socket. */
export function send(
  handler: Handler,
  body: unknown,
  headers?: Record<string, string>,
): Promise<Response> {
  return call(handler, post(body, headers));
}

/** A request for a JSON response and one for a stream. */
export const MODES: readonly { mode: string; request: Record<string, unknown> }[] = [
  { mode: "a plain request", request: requestBody() },
  { mode: "a stream request", request: requestBody({ stream: true }) },
];

/** A listening proxy. Stop it with `await using`. */
export interface RunningProxy extends AsyncDisposable {
  url: string;
  services: TestServices;
  stop(): Promise<void>;
}

/** Serves the handler on a free port of loopback. */
export function startProxy(options: TestOptions = {}): RunningProxy {
  const { services, handler } = createProxy(options);
  const server = serveBounded(
    "The proxy",
    (request, { remoteAddr, completed }) =>
      handler(request, { transport: "tcp", address: remoteAddr.hostname }, completed),
  );
  return {
    url: `http://127.0.0.1:${server.port}`,
    services,
    stop: () => server.stop(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** Resolves when the proxy has received the upstream headers. */
export function awaitHeaders({ client }: TestServices): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { sendChat, sendMessages } = client;
  const resolveWith = <T>(response: T): T => {
    resolve();
    return response;
  };
  client.sendChat = async (call) => resolveWith(await sendChat(call));
  client.sendMessages = async (call) => resolveWith(await sendMessages(call));
  return promise;
}
