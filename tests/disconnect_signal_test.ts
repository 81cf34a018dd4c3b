/**
 * The runtime's warning about `request.signal` does not appear in a program that embeds the proxy, without any flag.
 * @module
 */

import { assertEquals } from "@std/assert";
import { Disconnect } from "../lib/disconnect_signal.ts";
import { read } from "./helpers/documents.ts";
import { finish } from "./helpers/process.ts";

const ROOT = new URL("../", import.meta.url);

/** A server with the proxy, an upstream, and requests: complete ones, and one whose client disconnects. */
const PROGRAM = `
import { createHandler } from "${new URL("lib/handler.ts", ROOT)}";
const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
const type = { "content-type": "application/json" };
const stream = 'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\\n\\ndata: [DONE]\\n\\n';
const json = { choices: [{ message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }] };
let requested = () => {};
const aborted = Promise.withResolvers();
const reply = async (url, init) => {
  const body = JSON.parse(init?.body ?? "{}");
  if (body.max_tokens === 7) {
    requested();
    init.signal.addEventListener("abort", () => aborted.resolve());
    await aborted.promise;
    throw new Error("aborted");
  }
  return body.stream
    ? new Response(stream, { headers: { "content-type": "text/event-stream" } })
    : Response.json(body.model ? json : { data: [] });
};
const warn = console.warn;
const proxy = createHandler({ settings: { OPENROUTER_API_KEY: "sk-or-v1-0123" }, fetch: reply });
const server = Deno.serve(options, (request, info) => proxy(request, info));
const toBody = (more) => JSON.stringify({
  model: "opus", max_tokens: 5, messages: [{ role: "user", content: "Hello" }], ...more,
});
const send = async (more) => {
  const response = await fetch("http://127.0.0.1:" + server.addr.port + "/v1/messages", {
    method: "POST", headers: type, body: toBody(more),
  });
  return [response.status, (await response.text()).includes("Hi")].join();
};
const disconnect = async () => {
  const { promise, resolve } = Promise.withResolvers();
  requested = resolve;
  const body = toBody({ max_tokens: 7 });
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
  await connection.write(new TextEncoder().encode(
    "POST /v1/messages HTTP/1.1\\r\\nhost: localhost\\r\\ncontent-type: application/json\\r\\n" +
    "content-length: " + body.length + "\\r\\n\\r\\n" + body,
  ));
  await promise;
  connection.close();
  await aborted.promise;
};
await disconnect();
console.log(await send({ stream: true }), await send({}), await send({ stream: true }));
console.warn("own warning");
// Deno 2.5 prints no warning, whose filter therefore stays.
console.log(console.warn === warn || Deno.version.deno.startsWith("2.5."));
// Not shutdown(), which never ends on Deno 2.5.
Deno.exit(0);
`;

Deno.test("an embedding program without configuration prints nothing but its own output", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/program.js`;
    await Deno.writeTextFile(path, PROGRAM);
    const map = new URL("tools/jsr_fallback/import_map.json", ROOT);
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", "--no-lock", `--import-map=${map}`, path],
      cwd: folder,
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    assertEquals(await finish(child), {
      code: 0,
      stdout: "200,true 200,true 200,true\n" + "true\n",
      stderr: "own warning\n",
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function createDisconnect() {
  const client = new AbortController();
  const request = new Request("http://localhost/", { signal: client.signal });
  return { client, disconnect: new Disconnect(request) };
}

Deno.test("a client's disconnect aborts the signal, with its reason", () => {
  const { client, disconnect: { signal } } = createDisconnect();
  assertEquals(signal.aborted, false);
  client.abort("gone");
  assertEquals([signal.aborted, signal.reason], [true, "gone"]);
});

Deno.test("the signal of a client that had disconnected before is aborted", () => {
  const { client, disconnect } = createDisconnect();
  client.abort("gone");
  assertEquals([disconnect.signal.aborted, disconnect.signal.reason], [true, "gone"]);
});

Deno.test("after the end of the response nothing aborts the signal", () => {
  const { client, disconnect } = createDisconnect();
  const { signal } = disconnect;
  disconnect.stop();
  client.abort();
  assertEquals(signal.aborted, false);
});

Deno.test("deno.json enables no unstable feature", () => {
  assertEquals("unstable" in JSON.parse(read("deno.json")), false);
});
