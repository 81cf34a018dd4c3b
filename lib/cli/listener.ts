/**
 * Listening that survives its accidents: a process that runs out of files cannot accept, which ends `Deno.serve`.
 * Then idle connections are closed, and the same address is listened on again; answers under way go on.
 * @module
 */

import type { Log } from "../log.ts";
import { isOutOfFiles } from "../errors.ts";

/** How long files get to become free. */
const RETRY_MS = 50;
/** What lasts is said again after this. */
const QUIET_MS = 60_000;

/** What is needed to listen. */
export interface ListenOptions {
  hostname: string;
  port: number;
  handler: Deno.ServeHandler;
  log: Log;
  /** A monotonic clock, in milliseconds. */
  now: () => number;
  /** `Deno.serve`, or a test's stand-in. */
  serve?: (options: Deno.ServeTcpOptions, handler: Deno.ServeHandler) => Server;
}

type Server = Pick<Deno.HttpServer<Deno.Addr>, "addr" | "finished" | "shutdown">;

/** Listens until it is stopped. */
export class Listener {
  readonly address: Deno.Addr;
  /** Settles when it was stopped, and all answers are out. */
  readonly finished: Promise<void>;
  readonly #options: ListenOptions;
  readonly #finish: () => void;
  /** The one that accepts, and earlier ones that still have answers under way. */
  readonly #servers = new Set<Server>();
  #isStopping = false;
  #saidAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @throws what `Deno.serve` throws where the address cannot be had */
  constructor(options: ListenOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.finished = promise;
    this.#finish = resolve;
    this.address = this.#listen(options.port).addr;
  }

  /** Stops accepting. Resolves when all answers are out. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    await Promise.allSettled([...this.#servers].map((server) => server.shutdown()));
    this.#finish();
  }

  #listen(port: number): Server {
    const { hostname, handler, serve = Deno.serve } = this.#options;
    const server = serve({ hostname, port, onListen: () => {} }, handler);
    this.#servers.add(server);
    server.finished.catch((cause) => {
      if (this.#isStopping) return;
      // Idle connections are closed by it, those with an answer under way at the answer's end.
      server.shutdown().catch(() => {}).finally(() => this.#servers.delete(server));
      this.#retry(cause);
    });
    return server;
  }

  #retry(cause: unknown): void {
    this.#say(cause);
    this.#timer = setTimeout(() => {
      try {
        // Where any port would do, clients still know the first one.
        this.#listen(this.address.transport === "tcp" ? this.address.port : this.#options.port);
      } catch (error) {
        this.#retry(error);
      }
    }, RETRY_MS);
  }

  #say(cause: unknown): void {
    const { log, now } = this.#options;
    if (now() - this.#saidAt < QUIET_MS) return;
    this.#saidAt = now();
    const cure = isOutOfFiles(cause) ? " Raise the limit of open files (ulimit -n)." : "";
    log.write("error", `Cannot accept connections, closing idle ones: ${cause}.${cure}`);
  }
}
