/**
 * Requests whose bodies arrive in pieces.
 * @module
 */

/** A request with one read per piece. */
export function inPieces(pieces: Iterable<string>, headers: Record<string, string> = {}): Request {
  const encoder = new TextEncoder();
  const iterator = pieces[Symbol.iterator]();
  const body = new ReadableStream({
    pull(controller) {
      const { value, done } = iterator.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
  });
  return new Request("http://a/", { method: "POST", body, headers });
}

export function* repeat(piece: string, times: number): Iterable<string> {
  for (let i = 0; i < times; i++) yield piece;
}
