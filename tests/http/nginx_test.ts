/**
 * The nginx configuration of docs/recipes.md in a real nginx in front of the proxy: streams are not buffered, and a key is
 * required. Not run without nginx on the PATH or in NGINX_BIN.
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { roleChunk, sse, textChunk } from "../helpers/chunks.ts";
import { read, readBlocks } from "../helpers/documents.ts";
import { requestBody, type RunningProxy, startProxy } from "../helpers/proxy.ts";
import { findUnusedPort } from "../helpers/unused_port.ts";
import { createOpenStream, startUpstream } from "../helpers/upstream.ts";

const NGINX = Deno.env.get("NGINX_BIN")?.trim() || "nginx";
const NOT_RUN = hasNginx() ? "" : " (not run: nginx not found, set NGINX_BIN)";
const KEY = "team-key-1";
const [SERVER = ""] = readBlocks(read("docs/recipes.md"), "nginx");

function hasNginx(): boolean {
  try {
    return new Deno.Command(NGINX, { args: ["-v"], stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** A configuration for one process in a temporary folder, around the documented lines with both addresses replaced. */
function configure(folder: string, port: number, proxy: RunningProxy): string {
  const server = SERVER.replace("listen 80;", `listen 127.0.0.1:${port};`)
    .replace("http://127.0.0.1:8000", proxy.url);
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events {}
    http { access_log off; ${
    kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(" ")
  } ${server} }`;
}

interface Nginx extends AsyncDisposable {
  url: string;
}

async function startNginx(proxy: RunningProxy): Promise<Nginx> {
  const folder = await Deno.makeTempDir({ prefix: "claudeproxy-nginx-" });
  const port = findUnusedPort();
  await Deno.writeTextFile(`${folder}/nginx.conf`, configure(folder, port, proxy));
  const child = new Deno.Command(NGINX, {
    args: ["-p", folder, "-e", `${folder}/error.log`, "-c", `${folder}/nginx.conf`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const nginx = {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return nginx;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  const log = await Deno.readTextFile(`${folder}/error.log`).catch(() => "");
  await nginx[Symbol.asyncDispose]();
  throw new Error(`nginx does not listen: ${log}`);
}

function send(url: string, body: unknown, key?: string): Promise<Response> {
  return fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(key !== undefined && { "x-api-key": key }) },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `behind nginx ${name}${NOT_RUN}`, ignore: NOT_RUN !== "", fn });
}

Deno.test("the nginx configuration of docs/recipes.md has the two addresses that the test replaces", () => {
  assertStringIncludes(SERVER, "listen 80;");
  assertStringIncludes(SERVER, "proxy_pass http://127.0.0.1:8000;");
});

test("each delta of a stream arrives before the next is sent", async () => {
  const source = createOpenStream(sse(roleChunk(), textChunk("word-0")));
  await using upstream = startUpstream(() => source.response);
  await using proxy = startProxy({ upstream, env: { PROXY_API_KEYS: KEY } });
  await using nginx = await startNginx(proxy);
  const response = await send(nginx.url, requestBody({ stream: true }), KEY);
  assertEquals(response.status, 200);
  assert(response.body !== null);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let word = 0; word < 4; word++) {
    if (word > 0) source.send(sse(textChunk(`word-${word}`)));
    // If nginx buffers, nothing arrives within ten seconds.
    while (!text.includes(`word-${word}`)) text += (await reader.read()).value ?? "";
  }
  assertMatch(text, /event: content_block_delta/);
  await reader.cancel();
});

test("a request without a key is a 401, and a request of 2 MB with a key succeeds", async () => {
  const completion = { choices: [{ message: { content: "Hi" }, finish_reason: "stop" }] };
  await using upstream = startUpstream(() => Response.json(completion));
  await using proxy = startProxy({ upstream, env: { PROXY_API_KEYS: KEY } });
  await using nginx = await startNginx(proxy);
  const withoutKey = await send(nginx.url, requestBody());
  assertStringIncludes(await withoutKey.text(), "Invalid API key");
  assertEquals(withoutKey.status, 401);
  const large = await send(nginx.url, requestBody({ system: "x".repeat(2_000_000) }), KEY);
  assertEquals(large.status, 200, await large.text());
});

test("without PROXY_API_KEYS remote clients look local, as docs/recipes.md warns", async () => {
  const completion = { choices: [{ message: { content: "Hi" }, finish_reason: "stop" }] };
  await using upstream = startUpstream(() => Response.json(completion));
  await using proxy = startProxy({ upstream });
  await using nginx = await startNginx(proxy);
  const response = await send(nginx.url, requestBody());
  assertEquals(response.status, 200, await response.text());
});
