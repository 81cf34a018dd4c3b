/**
 * An upstream that harms: answers without an end, answers that unpack to a thousand times their size, and none.
 * @module
 */

const MB = 1024 * 1024;
/** So that an attack ends by itself. */
const MOST_BYTES = 600 * MB;
const encoder = new TextEncoder();

/** What every answer but those to `attack:ok` is. */
export const ANSWERS = [
  "endless line",
  "endless json",
  "endless event",
  "endless thinking",
  "endless thoughts",
  "endless arguments",
  "gzip of a line",
  "gzip of json",
  "gzip of an error",
] as const;

/** See {@linkcode ANSWERS}; `ok`: answered, `silent`: never, `held`: begun and not ended. */
export type AnswerKind = typeof ANSWERS[number] | "ok" | "silent" | "held";

/** A running upstream. */
export interface AttackUpstream extends Disposable {
  baseUrl: string;
}

/** Starts one on loopback. */
export async function startAttackUpstream(kind: AnswerKind): Promise<AttackUpstream> {
  // Now and not when it is asked: packing takes seconds.
  if (kind !== "ok") await answer(kind === "silent" ? "held" : kind);
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
      return isOk || kind === "ok" ? answerOk() : answer(kind);
    },
  );
  return {
    baseUrl: `http://127.0.0.1:${server.addr.port}/api/v1`,
    [Symbol.dispose]: () => end.abort(),
  };
}

/** Reads the body, of which only the beginning is looked at. */
async function mentionsOk(request: Request): Promise<boolean> {
  let start = "";
  const decoder = new TextDecoder();
  for await (const bytes of request.body ?? []) {
    if (start.length < 1000) start += decoder.decode(bytes);
  }
  return start.includes("attack:ok");
}

function answerOk(): Response {
  const message = { role: "assistant", content: "ok" };
  return Response.json({ choices: [{ index: 0, message, finish_reason: "stop" }] });
}

async function answer(kind: Exclude<AnswerKind, "ok">): Promise<Response> {
  switch (kind) {
    case "silent":
      return await new Promise(() => {});
    case "held":
      return stream('data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n', null);
    case "endless line":
      return stream("data: ", "x".repeat(64 * 1024));
    case "endless event":
      return stream("", `data: ${"x".repeat(1000)}\n`);
    case "endless json":
      return stream('{"a":"', "x".repeat(64 * 1024), "application/json");
    case "endless thinking":
      return stream("", toEvent({ reasoning: "x".repeat(4000) }));
    case "endless thoughts": {
      const thought = { type: "reasoning.encrypted", format: "x", data: "x".repeat(4000) };
      return stream(toEvent({ reasoning: "a" }), toEvent({ reasoning_details: [thought] }));
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

/** @param again null: nothing more, and no end */
function stream(first: string, again: string | null, contentType = "text/event-stream"): Response {
  const piece = again === null
    ? null
    : encoder.encode(again.repeat(Math.ceil(65_536 / again.length)));
  let sent = 0;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.enqueue(encoder.encode(first)),
    pull(controller) {
      if (piece === null) return new Promise(() => {});
      sent += piece.length;
      if (sent > MOST_BYTES) controller.close();
      else controller.enqueue(piece);
    },
  });
  return new Response(body, { headers: { "content-type": contentType } });
}

const packed = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

/** 600 MB of one letter in half a megabyte, packed once. */
async function gzip(
  first: string,
  { contentType, status = 200 }: { contentType: string; status?: number },
): Promise<Response> {
  const bytes = packed.get(first) ?? pack(first);
  packed.set(first, bytes);
  const headers = { "content-type": contentType, "content-encoding": "gzip" };
  return new Response(await bytes, { status, headers });
}

async function pack(first: string): Promise<Uint8Array<ArrayBuffer>> {
  const source = stream(first, "x".repeat(65_536)).body;
  if (source === null) throw new Error("A stream has a body");
  const response = new Response(source.pipeThrough(new CompressionStream("gzip")));
  return new Uint8Array(await response.arrayBuffer());
}
