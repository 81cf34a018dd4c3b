/**
 * docs/deploy/Dockerfile without an engine: its instructions are read, and its entry point and its health check
 * run in a folder that holds exactly what it copies.
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { finish, type Running, watch } from "../helpers/process.ts";
import { ask } from "../helpers/proxy.ts";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFileSync(new URL(path, ROOT));
const instructions = parse(read("docs/deploy/Dockerfile"));
const MAP = `--import-map=${ROOT.pathname}tools/jsr_fallback/import_map.json`;
/** An address of this machine that is not its loopback: who comes there comes from outside. */
const outside = Deno.networkInterfaces().find(({ family, address }) =>
  family === "IPv4" && !address.startsWith("127.")
)?.address;

/** One instruction: its word, and the rest with continued lines joined. */
interface Instruction {
  word: string;
  rest: string;
}

function parse(text: string): Instruction[] {
  return text.replace(/^#.*\n/gm, "").replace(/\\\n\s*/g, "").split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [, word = "", rest = ""] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
      assert(word !== "", `no instruction: ${line}`);
      return { word, rest };
    });
}

function all(word: string): string[] {
  return instructions.filter((found) => found.word === word).map(({ rest }) => rest);
}

function only(word: string): string {
  const [rest, more] = all(word);
  assert(rest !== undefined && more === undefined, `${word} must stand there once`);
  return rest;
}

/** The list of an instruction in exec form. */
function execForm(rest: string): string[] {
  const list: unknown = JSON.parse(rest);
  assert(Array.isArray(list) && list.every((item) => typeof item === "string"));
  return list;
}

/** Source → destination, in the order of COPY. */
function listCopies(): { from: string; to: string }[] {
  return all("COPY").flatMap((rest) => {
    const words = rest.split(/\s+/);
    const to = words.pop() ?? "";
    return words.map((from) => ({ from, to }));
  });
}

Deno.test("the image is the official one, pinned to a version that is not older than Deploy's", () => {
  const [, minor] = /^denoland\/deno:2\.(\d+)\.\d+$/.exec(only("FROM")) ?? [];
  assert(Number(minor) >= 5, only("FROM"));
});

Deno.test("the image sets no variable, takes no argument, and copies no file that may hold a key", () => {
  for (const word of ["ENV", "ARG", "ADD", "VOLUME"]) assertEquals(all(word), []);
  assertEquals(listCopies(), [
    { from: "deno.json", to: "./" },
    { from: "main.ts", to: "./" },
    { from: "lib/", to: "lib/" },
  ]);
});

Deno.test("the engine is given what is copied and nothing else", () => {
  const ignored = read("docs/deploy/Dockerfile.dockerignore").trimEnd().split("\n");
  assertEquals(ignored, ["*", ...listCopies().map(({ from }) => `!${from}`)]);
});

Deno.test("the proxy runs not as root, and its instructions come in an order that keeps it so", () => {
  assertEquals(only("USER"), "deno");
  const words = instructions.map(({ word }) => word);
  assert(words.indexOf("USER") > words.lastIndexOf("RUN"), "modules are fetched by root");
  assert(words.indexOf("USER") < words.indexOf("ENTRYPOINT"));
});

Deno.test("every command is a list, so that no shell stands between a signal and the proxy", () => {
  for (const rest of [...all("RUN"), only("ENTRYPOINT"), only("CMD")]) execForm(rest);
  execForm(only("HEALTHCHECK").split(" CMD ")[1] ?? "");
});

Deno.test("the entry point may read .env and no other file, write none, and start no program", () => {
  assertEquals(execForm(only("ENTRYPOINT")), [
    ...["deno", "run", "--no-prompt", "--allow-net", "--allow-env", "--allow-read=.env", "main.ts"],
  ]);
});

Deno.test("the run line passes both keys by name, without values, and may write nothing", () => {
  const lines = read("docs/deploy/container.md").split("\n").filter((line) =>
    /^docker run .*-p /.test(line)
  );
  assertEquals(lines.length, 1);
  for (
    const flag of ["--read-only", "-e OPENROUTER_API_KEY ", "-e PROXY_API_KEYS ", "-p 8000:8000"]
  ) {
    assertStringIncludes(lines[0] ?? "", flag);
  }
  assertEquals(only("EXPOSE"), "8000");
});

/** The image's folder: exactly what COPY names. */
async function buildFolder(): Promise<string> {
  const folder = await Deno.makeTempDir();
  for (const { from, to } of listCopies()) {
    copy(new URL(from, ROOT), to === "./" ? `${folder}/${from}` : `${folder}/${to}`);
  }
  return folder;
}

function copy(source: URL, target: string): void {
  if (Deno.statSync(source).isFile) return Deno.copyFileSync(source, target);
  Deno.mkdirSync(target, { recursive: true });
  for (const { name, isDirectory } of Deno.readDirSync(source)) {
    copy(new URL(`${name}${isDirectory ? "/" : ""}`, source), `${target}/${name}`);
  }
}

/** The command with this deno for `deno`; the import map only stands in for JSR. */
function toCommand([program, subcommand, ...rest]: string[], options: Deno.CommandOptions) {
  assertEquals(program, "deno");
  const map = subcommand === "run" ? [MAP, "--no-lock"] : [];
  return new Deno.Command(Deno.execPath(), {
    ...options,
    args: [subcommand ?? "", ...map, ...rest],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

function start(folder: string, env: Record<string, string>): Running {
  const command = [...execForm(only("ENTRYPOINT")), ...execForm(only("CMD"))];
  // Nothing listens upstream: nothing leaves this machine.
  const base = { OPENROUTER_BASE_URL: "http://127.0.0.1:9/api/v1", NO_COLOR: "1", PORT: "0" };
  return watch(toCommand(command, { cwd: folder, env: { ...base, ...env } }).spawn());
}

async function checkHealth(folder: string, port: string): Promise<number> {
  const command = execForm(only("HEALTHCHECK").split(" CMD ")[1] ?? "");
  const child = toCommand(command, { cwd: folder, env: { PORT: port } }).spawn();
  return (await finish(child)).code;
}

Deno.test({
  name:
    `without PROXY_API_KEYS a request from outside gets the 403 that says so, and /health answers${
      outside ? "" : " (not run: this machine has no address but its loopback)"
    }`,
  ignore: outside === undefined,
  fn: async () => {
    const folder = await buildFolder();
    try {
      await using proxy = start(folder, { OPENROUTER_API_KEY: "sk-or-v1-container-test" });
      const port = await proxy.waitFor(/listening on 0\.0\.0\.0:(\d+), serving this machine only/);
      const base = `http://${outside}:${port}`;
      const answer = await fetch(`${base}/v1/messages`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": "any-word" },
        body: JSON.stringify(ask()),
      });
      assertEquals(answer.status, 403);
      assertMatch(
        (await answer.json()).error.message,
        /Set PROXY_API_KEYS to accept remote clients/,
      );
      assertEquals(await (await fetch(`${base}/health`)).text(), '{"status":"ok"}');
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("the health check is 0 while the proxy answers, and not 0 when it is gone", async () => {
  const folder = await buildFolder();
  try {
    let port = "";
    {
      await using proxy = start(folder, { PROXY_API_KEYS: "one" });
      port = await proxy.waitFor(/listening on 0\.0\.0\.0:(\d+),/);
      assertEquals(await checkHealth(folder, port), 0);
    }
    assertEquals(await checkHealth(folder, port), 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("in the image's folder nothing is missing for any command", async () => {
  const folder = await buildFolder();
  try {
    for (
      const [command, words] of [["--version", "@claudeproxy"], ["check", "upstream"]] as const
    ) {
      const entry = [...execForm(only("ENTRYPOINT")), command];
      const env = { OPENROUTER_BASE_URL: "http://127.0.0.1:9/api/v1", PORT: "0" };
      const { stdout, stderr } = await finish(toCommand(entry, { cwd: folder, env }).spawn());
      assertStringIncludes(stdout, words, stderr);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
