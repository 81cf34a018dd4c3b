/**
 * The published package: published to a local registry, including Deno's rewriting of imports, and started in an empty
 * folder with an empty cache.
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { testUntrustedFolder } from "../helpers/untrusted_folder.ts";
import { NOT_RUN, type Registry, startRegistry } from "../helpers/registry.ts";
import { requestBody } from "../helpers/proxy.ts";
import { eventStream, startUpstream } from "../helpers/upstream.ts";
import { completion, sseAnswer } from "../helpers/chunks.ts";

const ROOT = new URL("../../", import.meta.url);
const PACKAGE = `jsr:${config.name}`;
const RUN = ["run", "--no-prompt", "-A", PACKAGE];
/** In an untrusted folder. */
const RUN_ANYWHERE = ["run", "--no-config", "--no-prompt", "-A", PACKAGE];
const KEY = "sk-or-v1-publish-test";

const registry = await startRegistry();
const published = await registry?.runAtHome([
  ...["publish", "--allow-dirty", "--token=x", "--no-provenance"],
]);

/** Registers a test that needs the registry. */
function testPublished(name: string, fn: (registry: Registry) => Promise<void>): void {
  Deno.test({
    name: `${name}${NOT_RUN}`,
    ignore: registry === null,
    fn: async () => {
      if (registry !== null) await fn(registry);
    },
  });
}

Deno.test.afterAll(() => registry?.close());

/** Lists the files of `publish.include` without Deno. */
function listIncluded(path: string): string[] {
  const url = new URL(path, ROOT);
  if (Deno.statSync(url).isFile) return [`/${path}`];
  return [...Deno.readDirSync(url)].flatMap(({ name }) =>
    listIncluded(`${path.replace(/\/$/, "")}/${name}`)
  );
}

testPublished("publishing succeeds without slow types", async ({ runAtHome }) => {
  const { code, stderr } = await runAtHome(["publish", "--dry-run", "--allow-dirty"]);
  assertEquals(code, 0, stderr);
  assert(!stderr.includes("slow-type"), stderr);
  assertEquals(published?.code, 0, published?.stderr);
});

testPublished("exactly the files of publish.include are published", async ({ url }) => {
  const response = await fetch(`${url}${config.name}/${config.version}_meta.json`);
  const meta: { manifest: Record<string, unknown>; exports: unknown } = await response.json();
  const files = Object.keys(meta.manifest).sort();
  assertEquals(files, config.publish.include.flatMap(listIncluded).sort());
  const unexpected = files.filter((file) => /test|fixture|\/\.(?!env\.example$)/.test(file));
  assertEquals(unexpected, []);
  assertEquals(meta.exports, config.exports);
});

testPublished("at run time only the package and @std are loaded", async ({ run }) => {
  for (const entry of Object.keys(config.exports)) {
    const specifier = `${PACKAGE}${entry.slice(1)}`;
    const { code, stdout, stderr } = await run(Deno.execPath(), ["info", "--json", specifier]);
    assertEquals(code, 0, stderr);
    const graph: { modules: { specifier: string; error?: string }[] } = JSON.parse(stdout);
    const modules = graph.modules.map((module) => new URL(module.specifier).pathname);
    assert(modules.some((path) => path.startsWith("/@std/")), "the scan is broken");
    // `node:sqlite`, which the runtime has; imported only with HISTORY.
    const own = [`/${config.name}/`, "/@std/", "sqlite"];
    assertEquals(modules.filter((path) => !own.some((start) => path.startsWith(start))), []);
    assertEquals(graph.modules.filter((module) => module.error !== undefined), []);
  }
});

testPublished(
  "in an empty folder it serves /health, the dashboard and messages",
  async (registry) => {
    await using upstream = startUpstream(({ body }) =>
      body["stream"] ? eventStream(sseAnswer("Hello from JSR")) : Response.json(completion("Whole"))
    );
    const env = { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: upstream.baseUrl };
    await using program = registry.start(RUN, { env });
    const port = await program.waitFor(/listening on 127\.0\.0\.1:(\d+),/);
    const base = `http://127.0.0.1:${port}`;
    assertEquals(await (await fetch(`${base}/health`)).text(), '{"status":"ok"}');
    const page = await fetch(base, { headers: { accept: "text/html" } });
    assertEquals(page.status, 200);
    assertMatch(await page.text(), /^<!doctype html>/);
    const info = await fetch(base, { headers: { accept: "application/json" } });
    assertStringIncludes(await info.text(), config.version);
    for (const [stream, text] of [[true, "Hello from JSR"], [false, "Whole"]] as const) {
      const response = await fetch(`${base}/v1/messages`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(requestBody({ stream })),
      });
      assertEquals(response.status, 200);
      assertStringIncludes(await response.text(), text);
    }
    assertEquals(upstream.requests.length, 2);
  },
);

testPublished("in an empty folder it prints its version and its commands", async ({ run }) => {
  const version = await run(Deno.execPath(), [...RUN, "--version"]);
  assertEquals(version.stdout, `${config.name} ${config.version}\n`);
  const help = await run(Deno.execPath(), [...RUN, "--help"]);
  assertStringIncludes(help.stdout, "Usage: claudeproxy [--env-file PATH] [serve | check");
});

testPublished("in an empty folder the demo shows its response", async (registry) => {
  await using program = registry.start([...RUN, "demo"]);
  const url = await program.waitFor(/export ANTHROPIC_BASE_URL=(\S+)/);
  assertEquals(await (await fetch(`${url}/health`)).text(), '{"status":"ok"}');
});

testPublished("in an empty folder check reports as JSON", async ({ run }) => {
  // No server listens there, which check reports.
  const env = { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: "http://127.0.0.1:9/api/v1" };
  const { code, stdout } = await run(Deno.execPath(), [...RUN, "check", "--json"], { env });
  assertEquals(code, 1);
  assertStringIncludes(JSON.stringify(JSON.parse(stdout)), "127.0.0.1:9");
  assert(!stdout.includes(KEY));
});

/** Sends one message through the proxy, and prints the response. */
const FAKE_CLAUDE = `#!/usr/bin/env -S deno run -A --quiet --no-lock --no-config --ext=js
const { env } = JSON.parse(Deno.readTextFileSync(Deno.args[Deno.args.indexOf("--settings") + 1]));
const answer = await fetch(env.ANTHROPIC_BASE_URL + "/v1/messages", {
  method: "POST",
  headers: {
    "content-type": "application/json",
    authorization: "Bearer " + env.ANTHROPIC_AUTH_TOKEN,
  },
  body: JSON.stringify(${JSON.stringify(requestBody())}),
});
console.log("fake claude read: " + (await answer.json()).content[0].text + " for " + Deno.args[0]);
`;

Deno.test({
  name: `in an empty folder claude starts Claude Code with the proxy${NOT_RUN}`,
  // Windows does not run a script without an extension.
  ignore: registry === null || Deno.build.os === "windows",
  fn: async () => {
    if (registry === null) return;
    await using upstream = startUpstream(() => Response.json(completion("Through and back")));
    const path = `${registry.folder}/bin/claude`;
    await Deno.writeTextFile(path, FAKE_CLAUDE, { mode: 0o755 });
    const env = { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: upstream.baseUrl };
    const args = [...RUN_ANYWHERE, "claude", "--continue"];
    const { code, stdout, stderr } = await registry.run(Deno.execPath(), args, { env });
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /fake claude read: Through and back for /);
  },
});

testPublished("deno install -g installs it as a command", async ({ run, folder }) => {
  const args = ["install", "-g", "-A", "-n", "claudeproxy", "--root", `${folder}/home`, PACKAGE];
  const { code, stderr } = await run(Deno.execPath(), args);
  assertEquals(code, 0, stderr);
  const command = `${folder}/home/bin/claudeproxy${Deno.build.os === "windows" ? ".cmd" : ""}`;
  const { stdout } = await run(command, ["--version"]);
  assertEquals(stdout, `${config.name} ${config.version}\n`);
});

testPublished("deno x runs it", async ({ run }) => {
  const { stdout, stderr } = await run(Deno.execPath(), ["x", "-y", "-A", PACKAGE, "--version"]);
  assertEquals(stdout, `${config.name} ${config.version}\n`, stderr);
});

testUntrustedFolder({
  name: "the package's",
  note: NOT_RUN,
  start: registry &&
    ((args, { cwd, env }) =>
      registry.run(Deno.execPath(), [...RUN_ANYWHERE, ...args], { cwd, env })),
});

/** A program that uses both libraries; needs no permission. */
const EMBEDDING = `
import { createHandler, type ProxyHandler, type RequestSummary } from "${PACKAGE}/handler";
import {
  encodeEvents,
  parseMessagesRequest,
  translateRequest,
  translateStream,
} from "${PACKAGE}/translate";
const summaries: RequestSummary[] = [];
const proxy: ProxyHandler = createHandler({
  settings: { OPENROUTER_API_KEY: "sk-or-v1-0", TIMEOUT_S: 5 },
  onFinish: (summary) => summaries.push(summary),
  fetch: () => Promise.resolve(Response.json(${JSON.stringify(completion("Embedded"))})),
});
const body = ${JSON.stringify(requestBody())};
const answer = await proxy(
  new Request("http://localhost/v1/messages", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  }),
  { remoteAddr: { transport: "tcp", hostname: "127.0.0.1" } },
);
console.log((await answer.json()).content[0].text);
const translated = translateRequest(parseMessagesRequest(body), { models: ["a/b"] });
console.log(translated.body.model);
const upstream = new Response(${JSON.stringify(sseAnswer("Streamed"))});
if (upstream.body === null) throw new Error("No body");
const events = translateStream(upstream.body, translated.response);
console.log((await new Response(encodeEvents(events)).text()).includes("Streamed"));
console.log(summaries.map(({ outcome }) => outcome).join());
`;

testPublished("a program imports ./handler and ./translate, with types", async (registry) => {
  await Deno.writeTextFile(`${registry.folder}/empty/mine.ts`, EMBEDDING);
  const args = ["run", "--check", "--no-prompt", "mine.ts"];
  const { code, stdout, stderr } = await registry.run(Deno.execPath(), args);
  assertEquals([code, stdout], [0, "Embedded\na/b\ntrue\ncomplete\n"], stderr);
});
