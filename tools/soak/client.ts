/**
 * Clients of the soak test over TCP: they read and check a stream, disconnect in the middle, or never read.
 * @module
 */

import { type StreamOrder, toWord } from "./upstream.ts";

/** The result of a stream. */
export interface StreamResult {
  /** `status …` for a response other than 200. */
  end: "complete" | "disconnected" | "broken" | `status ${string}`;
  /** Characters that were missing or different. */
  lost: number;
  /** When the client disconnected. */
  disconnectedAt?: number;
}

const encoder = new TextEncoder();

/** Opens a stream. */
export async function open(url: string, order: StreamOrder): Promise<Deno.TcpConn> {
  const { hostname, port, host } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const body = JSON.stringify({
    model: "claude-sonnet-4-5",
    max_tokens: 4096,
    stream: true,
    messages: [{ role: "user", content: `order:${order.id}:${order.words}:${order.paceMs}:` }],
  });
  const headers =
    `POST /v1/messages HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n` +
    `connection: close\r\ncontent-length: ${body.length}\r\n\r\n`;
  await connection.write(encoder.encode(headers + body));
  return connection;
}

/** Reads a stream to its end, or disconnects after a number of words. Counts missing and different characters. */
export async function readStream(
  url: string,
  order: StreamOrder,
  maxWords = Infinity,
): Promise<StreamResult> {
  using connection = await open(url, order);
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(16 * 1024);
  const expected = Array.from({ length: order.words }, (_, n) => toWord(order.id, n)).join("");
  let rest = "";
  let received = "";
  let words = 0;
  let isComplete = false;
  try {
    for (;;) {
      const count = await connection.read(buffer);
      if (count === null) break;
      rest += decoder.decode(buffer.subarray(0, count), { stream: true });
      if (words === 0 && /^HTTP\/1\.1 (?!200)/.test(rest)) {
        return { end: `status ${rest.slice(9, 12)}`, lost: expected.length };
      }
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line.startsWith('data: {"type":"message_stop"')) isComplete = true;
        if (!line.startsWith('data: {"type":"content_block_delta"')) continue;
        received += JSON.parse(line.slice(6)).delta.text;
        words++;
      }
      if (words >= maxWords) {
        return { end: "disconnected", lost: 0, disconnectedAt: performance.now() };
      }
    }
  } catch {
    // Reset by the proxy.
  }
  return { end: isComplete ? "complete" : "broken", lost: countLost(expected, received) };
}

function countLost(expected: string, received: string): number {
  if (expected === received) return 0;
  let same = 0;
  while (same < received.length && same < expected.length && received[same] === expected[same]) {
    same++;
  }
  return Math.max(expected.length, received.length) - same;
}
