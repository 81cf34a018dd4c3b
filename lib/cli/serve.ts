/**
 * The server as a running thing: wires the services to the world, listens, and stops in good order.
 * @module
 */

import { toPeer } from "../auth.ts";
import type { Config } from "../config.ts";
import { ApiError } from "../errors.ts";
import type { Services } from "../request_context.ts";
import { createLog } from "../log.ts";
import { createRedactor, listSecrets } from "../redact.ts";
import { settlesWithin } from "../stream/deadline.ts";
import type { OpenStream } from "../stream/response_stream.ts";
import { createHandler } from "../server.ts";
import { createReportSpan, type Tracer } from "./telemetry.ts";
import { createServices } from "../services.ts";
import { Listener } from "./listener.ts";
import { canShowColors, flushLines, LAST_LINES_MS, printLine, StartError } from "./terminal.ts";

/** Deno Deploy kills five seconds after its signal. */
const DEPLOY_DRAIN_MS = 4000;

/** Where OpenTelemetry's API is registered; the runtime does that only with OTEL_DENO=true. */
const TELEMETRY = Symbol.for("opentelemetry.js.api.1");

/** Name and version of this program. */
export interface About {
  name: string;
  version: string;
}

/** A server that listens. */
export interface RunningServer {
  /** Where it can be reached from this machine. */
  url: string;
  /** Settles when it has stopped. */
  finished: Promise<void>;
  /** Stops accepting, lets running answers finish within DRAIN_S, and their log lines leave. */
  stop(): Promise<void>;
}

/** The services of the command line: its log goes to standard output. */
export function createCliServices(config: Config, about: About): Services {
  const format = config.logFormat === "auto"
    ? (Deno.stdout.isTerminal() ? "text" : "json")
    : config.logFormat;
  const log = createLog({
    level: config.logLevel,
    format,
    isColored: canShowColors(),
    writeLine: printLine,
    redact: createRedactor(listSecrets(config)),
    date: () => new Date(),
  });
  const reportSpan = createReportSpan(findTracer(about), () => new Date());
  return createServices(config, { about, log, reportSpan, fetcher: fetch });
}

/** The runtime's own; null where it collects nothing: there a span is an error, and on Deno 2.5 the end. */
function findTracer({ name, version }: About): Tracer | null {
  if (!(TELEMETRY in globalThis)) return null;
  return Deno.telemetry.tracerProvider.getTracer(name, version);
}

/**
 * Starts listening and begins to fetch the catalog in the background.
 * @throws {StartError} where the address is taken or not this machine's
 */
export function startServer(services: Services): RunningServer {
  const { config, catalog } = services;
  const handler = createHandler(services);
  const listener = listen(
    services,
    (request, info) => handler(request, toPeer(info.remoteAddr), info.completed),
  );
  catalog.refresh();
  const timer = setInterval(() => catalog.refresh(), 60_000);
  Deno.unrefTimer(timer);
  const finished = listener.finished.finally(() => clearInterval(timer));
  const drainMs = config.onDenoDeploy ? Math.min(config.drainMs, DEPLOY_DRAIN_MS) : config.drainMs;
  return {
    url: toLocalUrl(listener.address),
    finished,
    async stop() {
      await drain(listener, { drainMs, openStreams: services.openStreams });
      await flushLines(LAST_LINES_MS);
    },
  };
}

/** What the start-up line says about who is served. */
export function describeAccess(config: Config): string {
  if (config.proxyApiKeys.length > 0) return "serving clients with a key of PROXY_API_KEYS";
  if (config.openrouterApiKey === null) {
    return "OPENROUTER_API_KEY is not set: requests get 401 unless they bring their own sk-or-… key";
  }
  return "serving this machine only; set PROXY_API_KEYS to open it";
}

/** @throws {StartError} where the address is taken or not this machine's */
function listen({ config, log, now }: Services, handler: Deno.ServeHandler): Listener {
  const { host: hostname, port } = config;
  try {
    return new Listener({ hostname, port, handler, log, now });
  } catch (cause) {
    const address = `${hostname}:${port}`;
    if (cause instanceof Deno.errors.AddrInUse) {
      throw new StartError(`${address} is in use: set PORT to a free one`, { cause });
    }
    throw new StartError(`Cannot listen on ${address}: check HOST and PORT`, { cause });
  }
}

/** How long the last words of a stream may take to go out. */
const LAST_WORDS_MS = 500;

/**
 * Waits for running answers, but not longer than agreed: an endless stream would block for ever. Streams that
 * are still open then end in an error, so that a cut answer is not taken for a whole one, and requests without
 * an answer get the error as their answer.
 */
async function drain(
  listener: Listener,
  { drainMs, openStreams }: { drainMs: number; openStreams: Set<OpenStream> },
): Promise<void> {
  const finished = listener.stop();
  if (await settlesWithin(finished, drainMs)) return;
  const error = new ApiError("overloaded_error", "The proxy is shutting down; try again");
  for (const stream of openStreams) stream.end(error);
  await settlesWithin(finished, LAST_WORDS_MS);
}

function toLocalUrl(address: Deno.Addr): string {
  if (address.transport !== "tcp") return "http://localhost";
  const isAny = address.hostname === "0.0.0.0" || address.hostname === "::";
  const host = isAny ? "127.0.0.1" : address.hostname;
  return `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`;
}
