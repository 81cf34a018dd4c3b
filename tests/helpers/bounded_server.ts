/**
 * A server on loopback that ends within seconds, whatever its test has forgotten: `shutdown()` of the runtime's
 * waits for every open answer, and for ever where nobody lets one go. Such a test fails here with a sentence.
 * @module
 */

import { isSettled, PATIENCE_MS } from "./timeout.ts";

/**
 * Deno 2.5's shutdown never ends where a connection carried a request after a stream that was ready at once;
 * there a server that has nothing open is cut off instead.
 */
const SHUTS_DOWN = !Deno.version.deno.startsWith("2.5.");

/** A running server. */
export interface BoundedServer {
  port: number;
  /**
   * Stops accepting and waits for what is open.
   * @throws {Error} where an answer is still open after `patienceMs`; its connection is cut
   */
  stop(): Promise<void>;
}

/** Serves on a free port. The name stands in the sentence. */
export function serveBounded(
  name: string,
  handler: Deno.ServeHandler<Deno.NetAddr>,
  patienceMs: number = PATIENCE_MS,
): BoundedServer {
  const cut = new AbortController();
  const open = new Map<Promise<void>, Request>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, signal: cut.signal },
    (request, info) => {
      // Resolves with the last byte, rejects where the client has left before it.
      const completed = info.completed.catch(() => {}).finally(() => open.delete(completed));
      open.set(completed, request);
      return handler(request, info);
    },
  );
  return {
    port: server.addr.port,
    async stop() {
      const isDone = await isSettled(open.keys(), patienceMs);
      if (isDone && SHUTS_DOWN) return await server.shutdown();
      const left = [...open.values()].map(describe).join(", ");
      // Not after a shutdown(): the runtime would throw for that.
      cut.abort();
      await server.finished;
      if (isDone) return;
      const sentence = `${name} was not let go: still open after ${patienceMs / 1000} s: ${left}`;
      // Where the test has failed before, the runner tells only that something was suppressed.
      Deno.stderr.writeSync(new TextEncoder().encode(`${sentence}\n`));
      throw new Error(sentence);
    },
  };
}

function describe(request: Request): string {
  try {
    return `${request.method} ${new URL(request.url).pathname}`;
  } catch {
    // The host that a hostile client sent makes no URL.
    return request.method;
  }
}
