/**
 * A server on loopback that stops within seconds. The runtime's `shutdown()` waits for open responses, possibly for
 * ever; this server aborts them and fails with a message that lists them.
 * @module
 */

import { isSettled, SHUTDOWN_TIMEOUT_MS } from "./timeout.ts";

/**
 * Deno 2.5's shutdown never ends if a connection had a request after a stream that was complete at once. There a
 * server without open responses is aborted instead.
 */
const SHUTS_DOWN = !Deno.version.deno.startsWith("2.5.");

/** A running server. */
export interface BoundedServer {
  port: number;
  /**
   * Stops accepting connections and waits for open responses.
   * @throws {Error} if a response is still open after `timeoutMs`; its connection is aborted
   */
  stop(): Promise<void>;
}

/** Serves on a free port. The name is used in the error message. */
export function serveBounded(
  name: string,
  handler: Deno.ServeHandler<Deno.NetAddr>,
  timeoutMs: number = SHUTDOWN_TIMEOUT_MS,
): BoundedServer {
  const abort = new AbortController();
  const open = new Map<Promise<void>, Request>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, signal: abort.signal },
    (request, info) => {
      // Resolves after the last byte, rejects if the client disconnects before it.
      const completed = info.completed.catch(() => {}).finally(() => open.delete(completed));
      open.set(completed, request);
      return handler(request, info);
    },
  );
  return {
    port: server.addr.port,
    async stop() {
      const isDone = await isSettled(open.keys(), timeoutMs);
      if (isDone && SHUTS_DOWN) return await server.shutdown();
      const unfinished = [...open.values()].map(describe).join(", ");
      // Not after shutdown(), which would make the runtime throw.
      abort.abort();
      await server.finished;
      if (isDone) return;
      const message = `${name} did not stop: still open after ${timeoutMs / 1000} s: ${unfinished}`;
      // If the test has failed before, the test runner does not print this error.
      Deno.stderr.writeSync(new TextEncoder().encode(`${message}\n`));
      throw new Error(message);
    },
  };
}

function describe(request: Request): string {
  try {
    return `${request.method} ${new URL(request.url).pathname}`;
  } catch {
    // A test sent a Host header that does not form a valid URL.
    return request.method;
  }
}
