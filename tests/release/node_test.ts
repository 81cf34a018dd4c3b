/**
 * The two public modules in Node 22 or newer, as docs/library.md shows them: bundled, because Node does not load them
 * from JSR, and without Deno.
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { read, readBlocks } from "../helpers/documents.ts";
import { finish, type Running, watch } from "../helpers/process.ts";
import { requestBody } from "../helpers/proxy.ts";
import { completion, sse, sseAnswer, textChunk } from "../helpers/chunks.ts";
import { createOpenStream, eventStream, startUpstream } from "../helpers/upstream.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const MIN_MAJOR = 22;
const KEY = "sk-or-v1-node-test";
const PINNED = ["@hono/node-server@2.1.9", "hono@4.13.19"];
const folder = await Deno.makeTempDir();
const node = await prepare();
const NOT_RUN = node === null ? " (not run: needs npm and Node 22)" : "";

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

/** Runs a program in the folder; null if it does not exist. */
async function run(program: string, args: string[], cwd = folder) {
  try {
    const child = new Deno.Command(program, {
      ...{ args, cwd, env: { NO_COLOR: "1" } },
      ...{ stdin: "null", stdout: "piped", stderr: "piped" },
    }).spawn();
    return await finish(child);
  } catch {
    return null;
  }
}

/** Installs the server of the example and the bundled package. Returns the path of Node, or null without it. */
async function prepare(): Promise<string | null> {
  const print = `+process.versions.node.split(".")[0] >= ${MIN_MAJOR} ? process.execPath : ""`;
  const own = await run("node", ["-p", print]);
  const path = own?.stdout.trim() ||
    (await run("npx", ["-y", "-p", `node@${MIN_MAJOR}`, "-c", `node -p '${print}'`]))?.stdout
      .trim();
  if (!path) return null;
  const installed = await run("npm", ["install", "--no-audit", "--no-fund", ...PINNED]);
  if (installed?.code !== 0) return null;
  const target = `${folder}/node_modules/${config.name}`;
  await Deno.mkdir(target, { recursive: true });
  const exports: Record<string, string> = {};
  for (const name of ["handler", "translate"]) {
    exports[`./${name}`] = `./${name}.js`;
    const bundled = await run(Deno.execPath(), [
      ...["bundle", "-q", "--no-lock", "--import-map=tools/jsr_fallback/import_map.json"],
      ...["-o", `${target}/${name}.js`, `lib/${name}.ts`],
    ], ROOT);
    if (/esbuild|npm registry|download/i.test(bundled?.stderr ?? "")) return null;
    assertEquals(bundled?.code, 0, bundled?.stderr);
  }
  const manifest = { name: config.name, type: "module", exports };
  await Deno.writeTextFile(`${target}/package.json`, JSON.stringify(manifest));
  return path;
}

/** Starts the example of docs/library.md. */
async function startExample(baseUrl: string): Promise<{ url: string; program: Running }> {
  const example = readBlocks(read("docs/library.md"), "js ignore")[0] ?? "";
  await Deno.writeTextFile(`${folder}/server.mjs`, example);
  const program = watch(
    new Deno.Command(node ?? "", {
      args: ["server.mjs"],
      cwd: folder,
      clearEnv: true,
      env: { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: baseUrl, PORT: "0" },
      ...{ stdin: "null", stdout: "piped", stderr: "piped" },
    }).spawn(),
  );
  return { program, url: await program.waitFor(/(http:\/\/127\.0\.0\.1:\d+)/) };
}

function post(url: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  return fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    ...(signal !== undefined && { signal }),
  });
}

Deno.test({
  name: `in Node the example of docs/library.md responds to messages and streams${NOT_RUN}`,
  ignore: node === null,
  fn: async () => {
    await using upstream = startUpstream(({ body }) =>
      body["stream"] ? eventStream(sseAnswer("Streamed")) : Response.json(completion("Whole"))
    );
    const { url, program } = await startExample(upstream.baseUrl);
    await using _program = program;
    assertEquals(await (await fetch(`${url}/health`)).text(), '{"status":"ok"}');
    const message = await (await post(url, requestBody())).json();
    assertEquals(message.content, [{ type: "text", text: "Whole" }]);
    const text = await (await post(url, requestBody({ stream: true }))).text();
    assertStringIncludes(text, "Streamed");
    assert(text.endsWith('data: {"type":"message_stop"}\n\n'), text);
    const invalid = await post(url, { model: 1 });
    assertEquals([invalid.status, (await invalid.json()).type], [400, "error"]);
    const keys = upstream.requests.map(({ headers }) => headers.get("authorization"));
    assertEquals(keys, [`Bearer ${KEY}`, `Bearer ${KEY}`]);
  },
});

Deno.test({
  name: `in Node a disconnect of the client ends the upstream stream${NOT_RUN}`,
  ignore: node === null,
  fn: async () => {
    const source = createOpenStream(sse(textChunk("One")));
    await using upstream = startUpstream(() => source.response);
    const { url, program } = await startExample(upstream.baseUrl);
    await using _program = program;
    const client = new AbortController();
    const response = await post(url, requestBody({ stream: true }), client.signal);
    await response.body?.getReader().read();
    client.abort();
    await source.cancelled;
  },
});

const TRANSLATION = `
import { encodeEvents, translateStream } from "${config.name}/translate";
const { body } = new Response(${JSON.stringify(sseAnswer("Translated"))});
const events = translateStream(body, { model: "claude-sonnet-4-5" });
process.stdout.write(await new Response(encodeEvents(events)).text());
`;

Deno.test({
  name: `in Node translateStream translates a body${NOT_RUN}`,
  ignore: node === null,
  fn: async () => {
    await Deno.writeTextFile(`${folder}/translate.mjs`, TRANSLATION);
    const ended = await run(node ?? "", ["translate.mjs"]);
    assertEquals([ended?.code, ended?.stderr], [0, ""]);
    assertStringIncludes(ended?.stdout ?? "", "Translated");
    assertStringIncludes(ended?.stdout ?? "", '"type":"message_stop"');
  },
});
