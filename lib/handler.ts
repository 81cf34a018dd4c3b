/**
 * The proxy as a function from `Request` to `Response`, for your own server. Settings are options; it reads no
 * environment variables, opens no port and writes no files.
 *
 * Next to other routes of a server:
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createHandler } from "@claudeproxy/openrouter/handler";
 *
 * const proxy = createHandler({
 *   settings: { OPENROUTER_API_KEY: "sk-or-v1-0123", TARGET_MODEL_BIG: "openai/gpt-5" },
 * });
 * await using server = Deno.serve({ hostname: "127.0.0.1", port: 0 }, (request, info) => {
 *   const { pathname } = new URL(request.url);
 *   return pathname === "/mine" ? new Response("mine") : proxy(request, info);
 * });
 * const response = await fetch(`http://127.0.0.1:${server.addr.port}/health`);
 * assertEquals(await response.text(), '{"status":"ok"}');
 * ```
 * @module
 */

import about from "../deno.json" with { type: "json" };
import { type RemoteAddress, toPeer } from "./auth.ts";
import { loadConfig } from "./config.ts";
import { createLog } from "./log.ts";
import { type RequestSummary, summarizeRequest } from "./request_summary.ts";
import { createRedactor, listSecrets } from "./redact.ts";
import { createHandler as createServerHandler } from "./server.ts";
import { createServices } from "./services.ts";
import { readSettings, type Settings } from "./settings.ts";

export type { RemoteAddress } from "./auth.ts";
export type { ErrorType } from "./errors.ts";
export type { Outcome } from "./log.ts";
export type { RequestSummary, TokenUsage } from "./request_summary.ts";
export type { AnyText, Settings } from "./settings.ts";

/** Options of {@linkcode createHandler}. */
export interface HandlerOptions {
  /**
   * The variables of docs/configuration.md, as text or numbers. `HOST`, `PORT`, `DRAIN_S`, `HISTORY` and `HISTORY_DAYS`
   * are not allowed, because your server listens, stops and stores.
   */
  settings?: Settings | undefined;
  /**
   * Receives each line of the log, without a line break. Missing: no log. `LOG_FORMAT=text` selects readable text
   * instead of JSON. Errors that it throws are ignored.
   */
  writeLog?: ((line: string) => void) | undefined;
  /**
   * Receives each request of `POST /v1/messages` when its response is complete or has failed, or its client has
   * disconnected; not those of clients without access. Nothing waits for it, and errors that it throws are ignored.
   */
  onFinish?: ((summary: RequestSummary) => void) | undefined;
  /** Sends requests upstream; defaults to the global `fetch`. */
  fetch?: typeof fetch | undefined;
}

/** Information on a connection, as `Deno.serve` passes it to a handler. */
export interface ConnectionInfo {
  /** The address of the client. */
  remoteAddr: RemoteAddress;
  /**
   * Settles when the response is sent, until which the request counts towards `MAX_INFLIGHT`. Without it the request
   * counts until the response starts.
   */
  completed?: Promise<void> | undefined;
}

/**
 * Handles one request and never rejects. Without `info` the client counts as remote: it needs a key of
 * `PROXY_API_KEYS`, unless no `OPENROUTER_API_KEY` is set.
 */
export type ProxyHandler = (request: Request, info?: ConnectionInfo) => Promise<Response>;

const ABOUT = { name: about.name, version: about.version };

/**
 * Creates the proxy.
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createHandler } from "@claudeproxy/openrouter/handler";
 *
 * const openrouter: typeof fetch = () =>
 *   Promise.resolve(Response.json({
 *     choices: [{ message: { role: "assistant", content: "Hi!" }, finish_reason: "stop" }],
 *   }));
 * const proxy = createHandler({
 *   settings: { OPENROUTER_API_KEY: "sk-or-v1-0123", PROXY_API_KEYS: "one,two" },
 *   fetch: openrouter,
 * });
 * const response = await proxy(
 *   new Request("http://localhost/v1/messages", {
 *     method: "POST",
 *     headers: { "content-type": "application/json", "x-api-key": "two" },
 *     body: JSON.stringify({
 *       model: "claude-sonnet-4-5",
 *       max_tokens: 100,
 *       messages: [{ role: "user", content: "Hello" }],
 *     }),
 *   }),
 * );
 * const { content } = await response.json();
 * assertEquals(content, [{ type: "text", text: "Hi!" }]);
 * ```
 *
 * @throws {TypeError} if a setting does not exist, or is neither text nor a number
 * @throws {Error} if a value is invalid; the message names it and what is allowed
 */
export function createHandler(options: HandlerOptions = {}): ProxyHandler {
  const { settings = {}, writeLog, onFinish } = options;
  const config = loadConfig(readSettings(settings));
  const log = createLog({
    level: config.logLevel,
    format: config.logFormat === "text" ? "text" : "json",
    writeLine: (line) => callSafely(writeLog, line),
    redact: createRedactor(listSecrets(config)),
    date: () => new Date(),
  });
  const services = createServices(config, {
    about: ABOUT,
    log,
    reportSpan: (record) => callSafely(onFinish, summarizeRequest(record)),
    fetcher: options.fetch ?? fetch,
  });
  const handle = createServerHandler(services);
  return (request, info) => {
    // Requests refresh the model list: the library starts no timers.
    if (request.method === "POST") services.catalog.refresh();
    return handle(request, toPeer(info?.remoteAddr), info?.completed);
  };
}

/** Ignores errors and rejections of a callback, which must not end a request or the process. */
function callSafely<T>(callback: ((value: T) => void) | undefined, value: T): void {
  try {
    const result: unknown = callback?.(value);
    if (result instanceof Promise) result.catch(() => {});
  } catch {
    // There is no other place to report it.
  }
}
