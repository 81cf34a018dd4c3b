/**
 * Keeps listening after accept errors: running out of file descriptors ends `Deno.serve`. The listener then closes
 * idle connections and listens on the same address again; in-flight responses continue.
 * @module
 */

import type { Log } from "../log.ts";
import { isOutOfFiles } from "../errors.ts";

/** Pause before listening again, in which file descriptors are released. */
const RETRY_MS = 50;
/** A persistent error is logged once in this time. */
const LOG_INTERVAL_MS = 60_000;

/** Options of {@linkcode Listener}. */
export interface ListenOptions {
  hostname: string;
  port: number;
  /** Whether other threads listen on the same port, and the system spreads the connections. */
  sharesPort?: boolean;
  handler: Deno.ServeHandler;
  log: Log;
  /** A monotonic clock, in milliseconds. */
  now: () => number;
  /** `Deno.serve`, or a test's stand-in. */
  serve?: (options: Deno.ServeTcpOptions, handler: Deno.ServeHandler) => Server;
}

type Server = Pick<Deno.HttpServer<Deno.Addr>, "addr" | "finished" | "shutdown">;

/** Listens on one address until it is stopped. */
export class Listener {
  readonly address: Deno.Addr;
  /** Settles when it is stopped and all responses are sent. */
  readonly finished: Promise<void>;
  readonly #options: ListenOptions;
  readonly #finish: () => void;
  /** The server that accepts, and earlier ones with in-flight responses. */
  readonly #servers = new Set<Server>();
  #isStopping = false;
  #loggedAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @throws the error of `Deno.serve` if it cannot listen on the address */
  constructor(options: ListenOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.finished = promise;
    this.#finish = resolve;
    this.address = this.#listen(options.port).addr;
  }

  /** Stops accepting. Resolves when all responses are sent. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    await Promise.allSettled([...this.#servers].map((server) => server.shutdown()));
    this.#finish();
  }

  #listen(port: number): Server {
    const { hostname, handler, sharesPort = false, serve = Deno.serve } = this.#options;
    const server = serve({ hostname, port, reusePort: sharesPort, onListen: () => {} }, handler);
    this.#servers.add(server);
    server.finished.catch((cause) => {
      if (this.#isStopping) return;
      // Closes idle connections at once, the others after their response.
      server.shutdown().catch(() => {}).finally(() => this.#servers.delete(server));
      this.#retry(cause);
    });
    return server;
  }

  #retry(cause: unknown): void {
    this.#logError(cause);
    this.#timer = setTimeout(() => {
      try {
        // With PORT=0 too, clients use the port that was assigned first.
        this.#listen(this.address.transport === "tcp" ? this.address.port : this.#options.port);
      } catch (error) {
        this.#retry(error);
      }
    }, RETRY_MS);
  }

  #logError(cause: unknown): void {
    const { log, now } = this.#options;
    if (now() - this.#loggedAt < LOG_INTERVAL_MS) return;
    this.#loggedAt = now();
    const hint = isOutOfFiles(cause) ? ". Raise the limit of open files (ulimit -n)" : "";
    log.write("error", `Cannot accept connections, closing idle ones: ${cause}${hint}`);
  }
}
