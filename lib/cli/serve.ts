/**
 * Runs the server: creates the services, listens, and shuts down gracefully.
 * @module
 */

import type { ActiveSet } from "../active_set.ts";
import { toPeer } from "../auth.ts";
import type { Config } from "../config.ts";
import { ApiError } from "../errors.ts";
import type { Services } from "../request_context.ts";
import { createLog, type Log, type LogOptions } from "../log.ts";
import { createRedactor, listSecrets } from "../redact.ts";
import { settlesWithin } from "../stream/deadline.ts";
import type { OpenStream } from "../stream/response_stream.ts";
import { createHandler } from "../server.ts";
import { createReportSpan, type Tracer } from "./telemetry.ts";
import { createServices, type SharedOptions } from "../services.ts";
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

/** A server that does not listen yet, so that its services can be completed first. */
export interface PreparedServer {
  services: Services;
  /** @throws {StartError} if the address is in use or not an address of this machine */
  start(): RunningServer | Promise<RunningServer>;
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

/** What differs between the commands. */
export interface CliOptions {
  /** Where the log is written; standard output by default. */
  writeLine?: LogOptions["writeLine"];
  /** Replaces the log. */
  log?: Log;
  /** How one of several workers works together with the others. */
  shared?: SharedOptions;
}

/** Prepares a server in this thread. */
export function prepareServer(config: Config, about: About): PreparedServer {
  const services = createCliServices(config, about);
  return { services, start: () => startServer(services) };
}

/** Creates the services of the command line. */
export function createCliServices(
  config: Config,
  about: About,
  { writeLine = printLine, log = createCliLog(config, writeLine), shared }: CliOptions = {},
): Services {
  const reportSpan = createReportSpan(findTracer(about), () => new Date());
  return createServices(config, { about, log, reportSpan, fetcher: fetch, shared });
}

function createCliLog(config: Config, writeLine: LogOptions["writeLine"]): Log {
  return createLog({
    level: config.logLevel,
    format: chooseLogFormat(config),
    isColored: canShowColors(),
    writeLine,
    redact: createRedactor(listSecrets(config)),
    date: () => new Date(),
  });
}

/** The runtime's tracer. Null if it collects nothing: then a span is an error, and ends the process on Deno 2.5. */
function findTracer({ name, version }: About): Tracer | null {
  if (!(TELEMETRY in globalThis)) return null;
  return Deno.telemetry.tracerProvider.getTracer(name, version);
}

/**
 * Starts listening and fetches the catalog in the background.
 * @param sharesPort whether other threads listen on the same port
 * @throws {StartError} if the address is in use or not an address of this machine
 */
export function startServer(
  services: Services,
  { sharesPort = false }: { sharesPort?: boolean } = {},
): RunningServer {
  const { config, catalog } = services;
  const handler = createHandler(services);
  const { host: hostname, port } = config;
  const listener = reportAddress(config, () =>
    new Listener({
      ...{ hostname, port, sharesPort, log: services.log, now: services.now },
      handler: (request, info) => handler(request, toPeer(info.remoteAddr), info.completed),
    }));
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

/**
 * Checks that nothing listens on an address.
 * @throws {StartError} if it is in use or not an address of this machine
 */
export function requireAddress(address: Pick<Config, "host" | "port">): void {
  reportAddress(address, () => Deno.listen({ ...address, hostname: address.host }).close());
}

/** @throws {StartError} if `listen` cannot listen on the address */
function reportAddress<T>({ host, port }: Pick<Config, "host" | "port">, listen: () => T): T {
  try {
    return listen();
  } catch (cause) {
    const address = toListenAddress({ host, port });
    if (cause instanceof Deno.errors.AddrInUse) {
      throw new StartError(`${address} is in use: set PORT to a free one`, { cause });
    }
    throw new StartError(`Cannot listen on ${address}: check HOST and PORT`, { cause });
  }
}

/** Time to send the final errors of open streams. */
export const FINAL_ERRORS_MS = 500;

/**
 * Waits for in-flight responses, at most `drainMs`. Streams that are still open then end in an error event, so that
 * clients do not take them for complete, and requests without a response yet get the error as their response.
 */
async function drain(
  listener: Listener,
  { drainMs, openStreams }: { drainMs: number; openStreams: ActiveSet<OpenStream> },
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
