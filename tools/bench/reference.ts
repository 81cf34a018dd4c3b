// Reference servers that do little: `pass` forwards upstream's body unchanged, `passjs` through one identity
// TransformStream, and `minimal` translates deltas and does nothing else: no checks, blocks, usage, time limits, figures
// or log. Arguments: which of them, the upstream URL, and the port.

const [which, upstream = "", port] = Deno.args;

const decoder = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

async function send(request: Request): Promise<Response> {
  // The minimal translator reads the request, as every translator must, and ends the call when its client disconnects.
  const isMinimal = which === "minimal";
  const body = await request.text();
  return await fetch(upstream, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: isMinimal ? JSON.stringify(JSON.parse(body)) : body,
    ...(isMinimal && { signal: request.signal }),
  });
}

function forward({ body }: Response): BodyInit | null {
  if (body === null || which === "pass") return body;
  return which === "passjs" ? body.pipeThrough(new TransformStream()) : translate(body);
}

/** One enqueue per read of the body. */
function translate(body: ReadableStream<Uint8Array<ArrayBuffer>>): BodyInit {
  const reader = body.getReader({ mode: "byob" });
  let buffer = new ArrayBuffer(16 * 1024);
  let text = "";
  let hasStarted = false;
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await reader.read(new Uint8Array(buffer));
      if (done) return controller.close();
      buffer = value.buffer;
      const payloads = (text + decoder.decode(value, { stream: true })).split("\n\n");
      text = payloads.pop() ?? "";
      let events = hasStarted ? "" : toEvent({ type: "message_start" });
      hasStarted = true;
      for (const payload of payloads) events += translatePayload(payload.slice("data: ".length));
      controller.enqueue(encoder.encode(events));
    },
    cancel: () => reader.cancel(),
  }, { highWaterMark: 0 });
}

function translatePayload(payload: string): string {
  if (payload === "[DONE]") return toEvent({ type: "message_stop" });
  const delta = JSON.parse(payload).choices[0]?.delta;
  if (delta?.content) return toDelta({ type: "text_delta", text: delta.content });
  const json = delta?.tool_calls?.[0]?.function.arguments;
  return json ? toDelta({ type: "input_json_delta", partial_json: json }) : "";
}

function toDelta(delta: unknown): string {
  return toEvent({ type: "content_block_delta", index: 0, delta });
}

function toEvent(event: { type: string; [field: string]: unknown }): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

Deno.serve(
  { hostname: "127.0.0.1", port: Number(port), onListen: () => {} },
  async (request) => {
    if (request.method === "GET") return new Response("ok");
    const response = await send(request);
    return new Response(forward(response), { headers: { "content-type": "text/event-stream" } });
  },
);
