/**
 * A malicious upstream: endless responses, responses that decompress to a thousand times their size, or no response.
 * @module
 */

const MB = 1024 * 1024;
/** Ends an attack. */
const MAX_BYTES = 600 * MB;
const encoder = new TextEncoder();

/** The responses to all requests without `attack:ok`. */
export const RESPONSES = [
  "endless line",
  "endless json",
  "endless event",
  "endless thinking",
  "endless reasoning details",
  "endless arguments",
  "gzip of a line",
  "gzip of json",
  "gzip of an error",
] as const;

/** See {@linkcode RESPONSES}; `silent`: no response, `open`: a response that starts and does not end. */
export type ResponseKind = typeof RESPONSES[number] | "ok" | "silent" | "open";

/** A running upstream. */
export interface AttackUpstream extends Disposable {
  baseUrl: string;
}

/** Starts an upstream on loopback. */
export async function startAttackUpstream(kind: ResponseKind): Promise<AttackUpstream> {
  // Compressed in advance, as it takes seconds.
  if (kind !== "ok") await respond(kind === "silent" ? "open" : kind);
  const end = new AbortController();
  const server = Deno.serve(
    {
      hostname: "127.0.0.1",
      port: 0,
      onListen: () => {},
      signal: end.signal,
      onError: () => new Response(),
    },
    async (request) => {
      if (!request.url.endsWith("/chat/completions")) return new Response(null, { status: 404 });
      const isOk = await mentionsOk(request);
      return isOk || kind === "ok" ? respondOk() : respond(kind);
    },
  );
  return {
    baseUrl: `http://127.0.0.1:${server.addr.port}/api/v1`,
    [Symbol.dispose]: () => end.abort(),
  };
}

/** Reads the body, and checks only its beginning. */
async function mentionsOk(request: Request): Promise<boolean> {
  let start = "";
  const decoder = new TextDecoder();
  for await (const bytes of request.body ?? []) {
    if (start.length < 1000) start += decoder.decode(bytes);
  }
  return start.includes("attack:ok");
}

function respondOk(): Response {
  const message = { role: "assistant", content: "ok" };
  return Response.json({ choices: [{ index: 0, message, finish_reason: "stop" }] });
}

async function respond(kind: Exclude<ResponseKind, "ok">): Promise<Response> {
  switch (kind) {
    case "silent":
      return await new Promise(() => {});
    case "open":
      return stream('data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n', null);
    case "endless line":
      return stream("data: ", "x".repeat(64 * 1024));
    case "endless event":
      return stream("", `data: ${"x".repeat(1000)}\n`);
    case "endless json":
      return stream('{"a":"', "x".repeat(64 * 1024), "application/json");
    case "endless thinking":
      return stream("", toEvent({ reasoning: "x".repeat(4000) }));
    case "endless reasoning details": {
      const detail = { type: "reasoning.encrypted", format: "x", data: "x".repeat(4000) };
      return stream(toEvent({ reasoning: "a" }), toEvent({ reasoning_details: [detail] }));
    }
    case "endless arguments": {
      const call = (arguments_: string) => ({
        tool_calls: [{ index: 0, id: "a", function: { name: "b", arguments: arguments_ } }],
      });
      return stream(toEvent(call('{"a":"')), toEvent(call("x".repeat(4000))));
    }
    case "gzip of a line":
      return await gzip("data: ", { contentType: "text/event-stream" });
    case "gzip of json":
      return await gzip('{"a":"', { contentType: "application/json" });
    case "gzip of an error":
      return await gzip('{"error":"', { contentType: "application/json", status: 500 });
  }
}

function toEvent(delta: unknown): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`;
}

/** @param repeated null: the stream stays open after `first` */
function stream(
  first: string,
  repeated: string | null,
  contentType = "text/event-stream",
): Response {
  const chunk = repeated === null
    ? null
    : encoder.encode(repeated.repeat(Math.ceil(65_536 / repeated.length)));
  let sent = 0;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.enqueue(encoder.encode(first)),
    pull(controller) {
      if (chunk === null) return new Promise(() => {});
      sent += chunk.length;
      if (sent > MAX_BYTES) controller.close();
      else controller.enqueue(chunk);
    },
  });
  return new Response(body, { headers: { "content-type": contentType } });
}

const compressed = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

/** 600 MB of one character in half a megabyte, compressed once. */
async function gzip(
  first: string,
  { contentType, status = 200 }: { contentType: string; status?: number },
): Promise<Response> {
  const bytes = compressed.get(first) ?? compress(first);
  compressed.set(first, bytes);
  const headers = { "content-type": contentType, "content-encoding": "gzip" };
  return new Response(await bytes, { status, headers });
}

async function compress(first: string): Promise<Uint8Array<ArrayBuffer>> {
  const source = stream(first, "x".repeat(65_536)).body;
  if (source === null) throw new Error("A stream has a body");
  const response = new Response(source.pipeThrough(new CompressionStream("gzip")));
  return new Uint8Array(await response.arrayBuffer());
}
