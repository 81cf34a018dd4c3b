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
import { DEPLOY_VARIABLE, loadConfig, VARIABLES } from "./config.ts";
import { createLog } from "./log.ts";
import { createRedactor, listSecrets } from "./redact.ts";
import { createHandler as createServerHandler } from "./server.ts";
import { createServices } from "./services.ts";

export type { RemoteAddress } from "./auth.ts";

/** Settings of a server with its own files; here the embedding program listens and stores. */
const SERVER_ONLY: readonly string[] = ["HOST", "PORT", "DRAIN_S", "HISTORY", "HISTORY_DAYS"];
/** Includes Deno Deploy's own variable: no client is local there. */
const NAMES: readonly string[] = [...VARIABLES.map(({ name }) => name), DEPLOY_VARIABLE]
  .filter((name) => !SERVER_ONLY.includes(name));

/** Options of {@linkcode createHandler}. */
export interface HandlerOptions {
  /**
   * The variables of the README as strings. Blank, undefined or missing: the default. `HOST`, `PORT`, `DRAIN_S`,
   * `HISTORY` and `HISTORY_DAYS` are not allowed, because your server listens, stops and stores.
   */
  settings?: Readonly<Record<string, string | undefined>>;
  /**
   * Receives each line of the log, without a line break. Missing: no log. `LOG_FORMAT=text` selects readable text
   * instead of JSON. Errors that it throws are ignored.
   */
  writeLog?: (line: string) => void;
  /** Sends requests upstream; defaults to the global `fetch`. */
  fetch?: typeof fetch;
}

/** Information on a connection, as `Deno.serve` passes it to a handler. */
export interface ConnectionInfo {
  /** The address of the client. */
  remoteAddr: RemoteAddress;
  /**
   * Settles when the response is sent, until which the request counts towards `MAX_INFLIGHT`. Without it the request
   * counts until the response starts.
   */
  completed?: Promise<void>;
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
 * @throws {TypeError} if a setting does not exist
 * @throws {Error} if a value is invalid; the message names it and what is allowed
 */
export function createHandler(options: HandlerOptions = {}): ProxyHandler {
  const { settings = {}, writeLog } = options;
  checkNames(Object.keys(settings));
  const config = loadConfig((name) => Object.hasOwn(settings, name) ? settings[name] : undefined);
  const log = createLog({
    level: config.logLevel,
    format: config.logFormat === "text" ? "text" : "json",
    writeLine: (line) => writeSafely(writeLog, line),
    redact: createRedactor(listSecrets(config)),
    date: () => new Date(),
  });
  const services = createServices(config, {
    about: ABOUT,
    log,
    // The embedding program creates its own spans.
    reportSpan: () => {},
    fetcher: options.fetch ?? fetch,
  });
  const handle = createServerHandler(services);
  return (request, info) => {
    // Requests refresh the model list: the library starts no timers.
    if (request.method === "POST") services.catalog.refresh();
    return handle(request, toPeer(info?.remoteAddr), info?.completed);
  };
}

/** Ignores errors and rejections of `writeLog`, which must not end a request or the process. */
function writeSafely(writeLog: HandlerOptions["writeLog"], line: string): void {
  try {
    const written: unknown = writeLog?.(line);
    if (written instanceof Promise) written.catch(() => {});
  } catch {
    // There is no other place to report it.
  }
}

/** Rejects unknown names, whose settings would have no effect. */
function checkNames(names: readonly string[]): void {
  const unknown = names.find((name) => !NAMES.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(`Unknown setting ${unknown}: allowed are ${NAMES.join(", ")}`);
}
