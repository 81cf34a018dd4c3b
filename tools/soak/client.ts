/**
 * Clients of the soak test, on raw TCP: one reads its stream and compares every word, one leaves in the middle,
 * one never reads.
 * @module
 */

import { type Order, toWord } from "./upstream.ts";

/** How a stream went. */
export interface Visit {
  /** `status …` for an answer that was no 200. */
  end: "whole" | "left" | "broken" | `status ${string}`;
  /** Characters that should have come and did not, or came otherwise. */
  lost: number;
  /** When the client left. */
  leftAt?: number;
}

const encoder = new TextEncoder();

/** Opens a stream by order. */
export async function open(url: string, order: Order): Promise<Deno.TcpConn> {
  const { hostname, port, host } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const body = JSON.stringify({
    model: "claude-sonnet-4-5",
    max_tokens: 4096,
    stream: true,
    messages: [{ role: "user", content: `order:${order.id}:${order.words}:${order.paceMs}:` }],
  });
  const head = `POST /v1/messages HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n` +
    `connection: close\r\ncontent-length: ${body.length}\r\n\r\n`;
  await connection.write(encoder.encode(head + body));
  return connection;
}

/** Reads a stream to its end, or until so many words have come, and counts what is not as it should be. */
export async function visit(url: string, order: Order, leavesAfter = Infinity): Promise<Visit> {
  using connection = await open(url, order);
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(16 * 1024);
  const expected = Array.from({ length: order.words }, (_, n) => toWord(order.id, n)).join("");
  let rest = "";
  let got = "";
  let words = 0;
  let isWhole = false;
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
        if (line.startsWith('data: {"type":"message_stop"')) isWhole = true;
        if (!line.startsWith('data: {"type":"content_block_delta"')) continue;
        got += JSON.parse(line.slice(6)).delta.text;
        words++;
      }
      if (words >= leavesAfter) return { end: "left", lost: 0, leftAt: performance.now() };
    }
  } catch {
    // Reset by the proxy.
  }
  return { end: isWhole ? "whole" : "broken", lost: countLost(expected, got) };
}

function countLost(expected: string, got: string): number {
  if (expected === got) return 0;
  let same = 0;
  while (same < got.length && same < expected.length && got[same] === expected[same]) same++;
  return Math.max(expected.length, got.length) - same;
}
