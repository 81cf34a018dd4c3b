/**
 * Runs the server: creates the services, listens, and shuts down gracefully.
 * @module
 */

import { toPeer } from "../auth.ts";
import type { Config } from "../config.ts";
import { ApiError } from "../errors.ts";
import type { Services } from "../request_context.ts";
import { createLog, type LogOptions } from "../log.ts";
import { createRedactor, listSecrets } from "../redact.ts";
import { settlesWithin } from "../stream/deadline.ts";
import type { OpenStream } from "../stream/response_stream.ts";
import { createHandler } from "../server.ts";
import { createReportSpan, type Tracer } from "./telemetry.ts";
import { createServices } from "../services.ts";
import { toListenAddress } from "./environment.ts";
import { Listener } from "./listener.ts";
import { canShowColors, flushLines, LAST_LINES_MS, printLine, StartError } from "./terminal.ts";

/** Deno Deploy kills the process five seconds after its signal. */
const DEPLOY_DRAIN_MS = 4000;

/** The registration of OpenTelemetry's API; the runtime sets it only with OTEL_DENO=true. */
const TELEMETRY = Symbol.for("opentelemetry.js.api.1");

/** Name and version of this program. */
export interface About {
  name: string;
  version: string;
}

/** A listening server. */
export interface RunningServer {
  /** Its address for local clients. */
  url: string;
  /** Settles when it has stopped. */
  finished: Promise<void>;
  /** Stops accepting, waits up to DRAIN_S for in-flight responses, and writes the rest of the log and the history. */
  stop(): Promise<void>;
}

/** Everything on standard output has this format, so that a program can read all of it. */
export function chooseLogFormat({ logFormat }: Pick<Config, "logFormat">): "text" | "json" {
  if (logFormat !== "auto") return logFormat;
  return Deno.stdout.isTerminal() ? "text" : "json";
}

/** Creates the services of the command line, with a log on standard output. */
export function createCliServices(
  config: Config,
  about: About,
  writeLine: LogOptions["writeLine"] = printLine,
): Services {
  const log = createLog({
    level: config.logLevel,
    format: chooseLogFormat(config),
    isColored: canShowColors(),
    writeLine,
    redact: createRedactor(listSecrets(config)),
    date: () => new Date(),
  });
  const reportSpan = createReportSpan(findTracer(about), () => new Date());
  return createServices(config, { about, log, reportSpan, fetcher: fetch });
}

/** The runtime's tracer. Null if it collects nothing: then a span is an error, and ends the process on Deno 2.5. */
function findTracer({ name, version }: About): Tracer | null {
  if (!(TELEMETRY in globalThis)) return null;
  return Deno.telemetry.tracerProvider.getTracer(name, version);
}

/**
 * Starts listening and fetches the catalog in the background.
 * @throws {StartError} if the address is in use or not an address of this machine
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
      services.history?.close();
    },
  };
}

/** @throws {StartError} if the address is in use or not an address of this machine */
function listen({ config, log, now }: Services, handler: Deno.ServeHandler): Listener {
  const { host: hostname, port } = config;
  try {
    return new Listener({ hostname, port, handler, log, now });
  } catch (cause) {
    const address = toListenAddress({ host: hostname, port });
    if (cause instanceof Deno.errors.AddrInUse) {
      throw new StartError(`${address} is in use: set PORT to a free one`, { cause });
    }
    throw new StartError(`Cannot listen on ${address}: check HOST and PORT`, { cause });
  }
}

/** Time to send the final errors of open streams. */
const FINAL_ERRORS_MS = 500;

/**
 * Waits for in-flight responses, at most `drainMs`. Streams that are still open then end in an error event, so that
 * clients do not take them for complete, and requests without a response yet get the error as their response.
 */
async function drain(
  listener: Listener,
  { drainMs, openStreams }: { drainMs: number; openStreams: Set<OpenStream> },
): Promise<void> {
  const finished = listener.stop();
  if (await settlesWithin(finished, drainMs)) return;
  const error = new ApiError("overloaded_error", "The proxy is shutting down; try again");
  for (const stream of openStreams) stream.end(error);
  await settlesWithin(finished, FINAL_ERRORS_MS);
}

/**
 * The URL of a listening address for clients of this machine, without port 80. `::` includes IPv4 on some systems only:
 * `localhost` works on all.
 */
export function toLocalUrl(address: Deno.Addr): string {
  if (address.transport !== "tcp") return "http://localhost";
  const { hostname, port } = address;
  const host = hostname === "0.0.0.0" ? "127.0.0.1" : hostname === "::" ? "localhost" : hostname;
  return new URL(`http://${toListenAddress({ host, port })}`).origin;
}
