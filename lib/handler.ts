/**
 * The whole proxy as one function from request to response, for servers of your own. Settings come as options,
 * never from the environment. Nothing is listened on, nothing is written anywhere.
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
 * const answer = await fetch(`http://127.0.0.1:${server.addr.port}/health`);
 * assertEquals(await answer.text(), '{"status":"ok"}');
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

/** The settings of who listens: here that is the embedding program. */
const LISTENING: readonly string[] = ["HOST", "PORT", "DRAIN_S"];
/** Deno Deploy's own word is a setting too: nobody is local there. */
const NAMES: readonly string[] = [...VARIABLES.map(({ name }) => name), DEPLOY_VARIABLE]
  .filter((name) => !LISTENING.includes(name));

/** What the embedding program may choose. */
export interface HandlerOptions {
  /**
   * The README's variables by their names, as text. Blank, undefined or left out: the default. `HOST`, `PORT`
   * and `DRAIN_S` are not among them: your server listens and stops.
   */
  settings?: Readonly<Record<string, string | undefined>>;
  /**
   * Takes each line of the log, without its end; left out: no log. `LOG_FORMAT=text` makes lines for people. What it
   * throws is ignored.
   */
  writeLog?: (line: string) => void;
  /** Asks OpenRouter; the global `fetch` where it is left out. */
  fetch?: typeof fetch;
}

/** What is known of a connection: the second argument of a `Deno.serve` handler fits. */
export interface ConnectionInfo {
  /** Who is at the other end. */
  remoteAddr: RemoteAddress;
  /** Settles when the answer has gone out: until then it counts for `MAX_INFLIGHT`. Without it, until it begins to. */
  completed?: Promise<void>;
}

/**
 * Answers one request and never rejects. Without `info` the client counts as a stranger: it is served only with
 * a key of `PROXY_API_KEYS`, or where the proxy holds no key of its own.
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
 * const answer = await proxy(
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
 * const { content } = await answer.json();
 * assertEquals(content, [{ type: "text", text: "Hi!" }]);
 * ```
 *
 * @throws {TypeError} for a setting that does not exist
 * @throws {Error} for a value that cannot be used; the message names it and what is allowed
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
    // Spans are for the program that embeds: it knows what a request is to it.
    reportSpan: () => {},
    fetcher: options.fetch ?? fetch,
  });
  const handle = createServerHandler(services);
  return (request, info) => {
    // No timer of ours runs in somebody else's program: the model list is renewed when a message comes.
    if (request.method === "POST") services.catalog.refresh();
    return handle(request, toPeer(info?.remoteAddr), info?.completed);
  };
}

/** The embedding program's log may fail, at once or later: that must end neither a request nor the process. */
function writeSafely(writeLog: HandlerOptions["writeLog"], line: string): void {
  try {
    const written: unknown = writeLog?.(line);
    if (written instanceof Promise) written.catch(() => {});
  } catch {
    // There is no other place to say it.
  }
}

/** A name that nobody reads would be a setting silently without effect. */
function checkNames(names: readonly string[]): void {
  const unknown = names.find((name) => !NAMES.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(`Unknown setting ${unknown}: allowed are ${NAMES.join(", ")}`);
}
