/**
 * `deno task bundle`: the single file runs without a clone, in any folder.
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { testUntrustedFolder } from "../helpers/untrusted_folder.ts";
import { finish } from "../helpers/process.ts";
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
      const port = /^listening on 127\.0\.0\.1:(\d+),.*\n/m.exec(text)?.[1];
      if (port === undefined || health !== "") continue;
      health = await (await fetch(`http://127.0.0.1:${port}/health`)).text();
      program.kill("SIGTERM");
    }
    clearTimeout(timer);
    await program.status;
    assertMatch(text, /^listening on /, await errors);
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
    assertMatch(text, /^message_stop$/m, await errors);
    assertMatch(text, /complete after \d+\.\d\d s/);
  },
});

testUntrustedFolder({
  name: "the bundle's",
  note,
  start: bundled.ran ? (args, options) => finish(start(args, options)) : null,
});

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));
