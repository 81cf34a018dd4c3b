/**
 * The proxy as a test sees it: services around a stand-in for upstream, a call without a socket, a server
 * with one, and a log that is kept instead of printed.
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

/** The key the proxy holds unless a test says otherwise. */
export const HELD_KEY = "sk-or-v1-0123456789abcdef-held";

/** Where the proxy believes to be. */
export const ORIGIN = "http://localhost:8000";

/** What a test may choose. */
export interface TestOptions {
  /** The stand-in to ask; without one nothing answers. */
  upstream?: { baseUrl: string };
  /** Environment variables; undefined takes away the held key. */
  env?: Record<string, string | undefined>;
}

/** Services that keep what they log. */
export interface TestServices extends Services {
  /** The records of ended requests. */
  records: RequestRecord[];
  /** Every line of the log, as JSON, at level debug. */
  lines: string[];
  /** Resolves with the first record, or the one of this number, as soon as it is there. */
  recorded(number?: number): Promise<RequestRecord>;
}

/** Services with a checked configuration, the real client, and ids that count from 1. */
export function createTestServices({ upstream, env = {} }: TestOptions = {}): TestServices {
  const settings: Record<string, string | undefined> = {
    OPENROUTER_API_KEY: HELD_KEY,
    // Port 9 of loopback: nothing listens there.
    OPENROUTER_BASE_URL: upstream?.baseUrl ?? "http://127.0.0.1:9/api/v1",
    ...env,
  };
  const config = loadConfig((name) => settings[name]);
  const ids = { msg: 0, req: 0, toolu: 0 };
  const kept = keepLog([config.openrouterApiKey ?? "", ...config.proxyApiKeys]);
  return {
    ...createServices(config, {
      about: { name: "claudeproxy", version: "0.0.0" },
      log: kept.log,
      reportSpan: () => {},
      fetcher: fetch,
    }),
    ...kept,
    newId: (prefix) => `${prefix}_${++ids[prefix]}`,
  };
}

/** The real log, written into a list. */
function keepLog(secrets: string[]): Pick<TestServices, "log" | "records" | "lines" | "recorded"> {
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

/** A handler and its services, in one go. */
export function createProxy(options: TestOptions = {}): {
  services: TestServices;
  handler: Handler;
} {
  const services = createTestServices(options);
  return { services, handler: createHandler(services) };
}

/** A caller on this machine. */
export const LOCAL: Peer = { transport: "tcp", address: "127.0.0.1" };

/** One request without a socket. */
export function call(handler: Handler, request: Request, peer: Peer = LOCAL): Promise<Response> {
  return handler(request, peer);
}

/** `GET`, or another method without a body. */
export function get(path: string, init: RequestInit = {}): Request {
  return new Request(`${ORIGIN}${path}`, init);
}

/** `POST /v1/messages` with a body that is text already, or becomes JSON. */
export function post(body: unknown, headers: Record<string, string> = {}): Request {
  return new Request(`${ORIGIN}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

/** The smallest request there is. */
export function ask(more: Record<string, unknown> = {}): Record<string, unknown> {
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
  { mode: "a plain request", request: ask() },
  { mode: "a stream request", request: ask({ stream: true }) },
];

/** A proxy that listens. Stop it with `await using`. */
export interface RunningProxy extends AsyncDisposable {
  url: string;
  services: TestServices;
  stop(): Promise<void>;
}

/** Serves the handler on a free port of loopback, with the peer that the socket has. */
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

/** Resolves when the proxy has upstream's head. */
export function awaitHeaders({ client }: TestServices): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { sendChat, sendMessages } = client;
  const note = <T>(answer: T): T => {
    resolve();
    return answer;
  };
  client.sendChat = async (call) => note(await sendChat(call));
  client.sendMessages = async (call) => note(await sendMessages(call));
  return promise;
}
