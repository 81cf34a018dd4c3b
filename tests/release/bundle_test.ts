/**
 * `deno task bundle`: the single file runs without a clone, in any folder.
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { testUntrustedFolder } from "../helpers/untrusted_folder.ts";
import { finish } from "../helpers/process.ts";
import { sse, sseEnd, textChunk } from "../helpers/chunks.ts";
import { eventStream, startUpstream } from "../helpers/upstream.ts";
import about from "../../deno.json" with { type: "json" };

const ROOT = `${import.meta.dirname}/../..`;
const NO_COLOR = "1";
const folder = await Deno.makeTempDir();
/** Runs before the tests are registered: the bundler is downloaded on first use, which may fail. */
const bundled = await bundle();

async function bundle(): Promise<{ ran: boolean; errors: string }> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      "--no-lock",
      "--import-map=tools/jsr_fallback/import_map.json",
      "-o",
      `${folder}/claudeproxy.js`,
      "main.ts",
    ],
    cwd: ROOT,
    env: { NO_COLOR },
    stdout: "null",
    stderr: "piped",
  }).output();
  const errors = new TextDecoder().decode(stderr);
  // Tests are ignored only if the bundler cannot be downloaded, not if bundling fails.
  return { ran: code === 0 || !/esbuild|npm registry|download/i.test(errors), errors };
}

/** Starts the bundle in an empty folder, without settings of this machine. */
function start(args: readonly string[], more: Deno.CommandOptions = {}): Deno.ChildProcess {
  const home = `${folder}/home`;
  const empty = `${folder}/empty`;
  for (const path of [empty, home]) Deno.mkdirSync(path, { recursive: true });
  const machine = ["PATH", "TMPDIR", "DENO_DIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const env = { HOST: "127.0.0.1", PORT: "0", OPENROUTER_BASE_URL: "http://127.0.0.1:9/api/v1" };
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--no-prompt", "-A", `${folder}/claudeproxy.js`, ...args],
    cwd: empty,
    env: { HOME: home, ...Object.fromEntries(machine), ...env, NO_COLOR },
    ...more,
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

const note = bundled.ran ? "" : " (not run: the bundler cannot be downloaded)";

Deno.test({
  name: `the bundle prints its name and version${note}`,
  ignore: !bundled.ran,
  fn: async () => {
    assertEquals(
      await Deno.stat(`${folder}/claudeproxy.js`).then(() => "", String),
      "",
      bundled.errors,
    );
    const { code, stdout, stderr } = await start(["--version"]).output();
    const decoder = new TextDecoder();
    assertEquals(decoder.decode(stdout), `${about.name} ${about.version}\n`);
    assertEquals([code, decoder.decode(stderr)], [0, ""]);
  },
});

Deno.test({
  name: `the bundle responds to /health when started in an empty folder${note}`,
  ignore: !bundled.ran,
  fn: async () => {
    const program = start([]);
    const errors = new Response(program.stderr).text();
    const timer = setTimeout(() => program.kill("SIGKILL"), 15_000);
    let text = "";
    let health = "";
    // Stopped inside the loop: breaking out of it would cancel the output.
    for await (const piece of program.stdout.pipeThrough(new TextDecoderStream())) {
      text += piece;
      const port = /listening on 127\.0\.0\.1:(\d+),.*\n/.exec(text)?.[1];
      if (port === undefined || health !== "") continue;
      health = await (await fetch(`http://127.0.0.1:${port}/health`)).text();
      program.kill("SIGTERM");
    }
    clearTimeout(timer);
    await program.status;
    assertMatch(text, /listening on /, await errors);
    assertEquals(health, '{"status":"ok"}');
  },
});

Deno.test({
  name: `the bundle's demo shows a complete response when started in an empty folder${note}`,
  ignore: !bundled.ran,
  fn: async () => {
    const program = start(["demo"]);
    const errors = new Response(program.stderr).text();
    const timer = setTimeout(() => program.kill("SIGKILL"), 15_000);
    let text = "";
    for await (const piece of program.stdout.pipeThrough(new TextDecoderStream())) {
      text += piece;
      if (text.includes("export ANTHROPIC_AUTH_TOKEN=demo\n")) program.kill("SIGTERM");
    }
    clearTimeout(timer);
    await program.status;
    // No warning of the runtime either.
    assertEquals(await errors, "");
    assertMatch(text, /^message_stop$/m);
    assertMatch(text, /complete after \d+\.\d\d s/);
  },
});

/** Claude Code as a script that sends one request, and shows where it runs. */
const CLIENT = `#!/usr/bin/env -S deno run -A --quiet --no-lock --no-config --ext=js
const { env } = JSON.parse(Deno.readTextFileSync(Deno.args[1]));
const response = await fetch(env.ANTHROPIC_BASE_URL + "/v1/messages", {
  method: "POST",
  headers: { "content-type": "application/json", "x-api-key": env.ANTHROPIC_AUTH_TOKEN },
  body: JSON.stringify({
    model: "opus", max_tokens: 9, stream: true, messages: [{ role: "user", content: "Hello" }],
  }),
});
console.log(response.status, (await response.text()).includes("message_stop"), Deno.cwd());
`;
const HAS_SHEBANG = Deno.build.os !== "windows";
const installNote = HAS_SHEBANG ? note : " (not run: no scripts)";

Deno.test({
  name: `the bundle's claude, installed as a command, runs in another folder${installNote}`,
  ignore: !bundled.ran || !HAS_SHEBANG,
  fn: async () => {
    await using upstream = startUpstream(() => eventStream(sse(textChunk("Hello")) + sseEnd()));
    const [bin, project, tools] = [`${folder}/root/bin`, `${folder}/project`, `${folder}/tools`];
    for (const path of [project, tools]) Deno.mkdirSync(path, { recursive: true });
    Deno.writeTextFileSync(`${tools}/claude`, CLIENT, { mode: 0o755 });
    const deno = Deno.execPath().replace(/\/[^/]*$/, "");
    const env = {
      PATH: [bin, tools, deno, Deno.env.get("PATH")].join(":"),
      HOME: `${folder}/home`,
      DENO_INSTALL_ROOT: `${folder}/root`,
      DENO_NO_UPDATE_CHECK: "1",
      NO_COLOR,
      OPENROUTER_API_KEY: "sk-or-v1-bundle-test",
      OPENROUTER_BASE_URL: upstream.baseUrl,
    };
    const run = (command: string, args: string[], cwd: string) =>
      finish(
        new Deno.Command(command, {
          ...{ args, cwd, env, clearEnv: true },
          ...{ stdin: "null", stdout: "piped", stderr: "piped" },
        }).spawn(),
      );
    const install = ["install", "-g", "-A", "-n", "claudeproxy", "claudeproxy.js"];
    const installed = await run(Deno.execPath(), install, folder);
    assertEquals(installed.code, 0, installed.stderr);
    const { code, stdout, stderr } = await run(`${bin}/claudeproxy`, ["claude"], project);
    assertEquals([code, stdout], [0, `200 true ${Deno.realPathSync(project)}\n`], stderr);
    // Nothing else: no warning of the runtime.
    assertMatch(stderr, /^(claudeproxy: [^\n]*\n)*claudeproxy: 1 request, [^\n]*\n$/);
  },
});

testUntrustedFolder({
  name: "the bundle's",
  note,
  start: bundled.ran ? (args, options) => finish(start(args, options)) : null,
});

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));
