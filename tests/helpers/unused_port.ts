/** @module Ports that nothing uses. */

/**
 * An address where nothing listens. Its port lies below the range from which systems take a port for a connection or for
 * port 0, so no test that runs beside this one is given it; and it is none to which fetch refuses to connect, such as 9.
 */
export const NOWHERE = "http://127.0.0.1:19999/api/v1";

/** Lies below that range too. */
export function findUnusedPort(): number {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
