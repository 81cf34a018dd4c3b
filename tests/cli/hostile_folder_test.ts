/**
 * The program of a clone in an untrusted folder: started by its path, and by the clone's tasks. As a bundle and as a
 * package: tests/release/bundle_test.ts, tests/release/publish_test.ts.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  createFolders,
  startRecordingServer,
  testUntrustedFolder,
} from "../helpers/untrusted_folder.ts";
import { finish } from "../helpers/process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const DENO = Deno.execPath();
const DENO_DIR = await readDenoDir();

async function readDenoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(DENO, { args: ["info", "--json"] }).output();
  const info: { denoDir: string } = JSON.parse(new TextDecoder().decode(stdout));
  return info.denoDir;
}

function run(args: readonly string[], { cwd, env }: { cwd: string; env: Record<string, string> }) {
  const PATH = `${env["PATH"]}:${DENO.slice(0, DENO.lastIndexOf("/"))}`;
  return finish(
    new Deno.Command(DENO, {
      args: [...args],
      cwd,
      env: { ...env, PATH, DENO_DIR },
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
}

const RUN = ["run", "--no-prompt", "--no-lock", "-A"];

testUntrustedFolder({
  name: "the clone's",
  start: (args, options) => {
    const map = `--import-map=${ROOT}tools/jsr_fallback/import_map.json`;
    return run([...RUN, map, `${ROOT}main.ts`, ...args], options);
  },
});

/** Copies what the tasks need. */
function cloneSources(folder: string): void {
  for (const path of ["main.ts", "deno.json", "lib", "tools/jsr_fallback"]) copy(path, folder);
}

function copy(path: string, folder: string): void {
  if (Deno.statSync(`${ROOT}${path}`).isFile) {
    return Deno.copyFileSync(`${ROOT}${path}`, `${folder}/${path}`);
  }
  Deno.mkdirSync(`${folder}/${path}`, { recursive: true });
  for (const { name } of Deno.readDirSync(`${ROOT}${path}`)) copy(`${path}/${name}`, folder);
}

function testTask(name: string, fn: (clone: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore: Deno.build.os === "windows",
    async fn() {
      const clone = Deno.makeTempDirSync({ prefix: "claudeproxy-clone-" });
      try {
        cloneSources(clone);
        await fn(clone);
      } finally {
        Deno.removeSync(clone, { recursive: true });
      }
    },
  });
}

const CLONE_KEY = "sk-or-v1-of-the-clone-0123456789";
/** Path and key of the requests before the start of Claude Code. */
const OWN_REQUESTS = [`/api/v1/key Bearer ${CLONE_KEY}`, "/api/v1/models null"];

testTask(
  "the task claude reads the clone's .env in any folder, and not the one of that folder",
  async (clone) => {
    await using folders = createFolders("LOG_LEVEL=trace\n");
    await using own = startRecordingServer();
    const settings = `OPENROUTER_API_KEY=${CLONE_KEY}\nOPENROUTER_BASE_URL=${own.baseUrl}\n`;
    Deno.writeTextFileSync(`${clone}/.env`, settings, { mode: 0o600 });
    const { OPENROUTER_API_KEY: _key, ...env } = folders.env;
    const ended = await run(["task", "--cwd", clone, "claude"], { cwd: folders.folder, env });
    assertEquals([ended.code, folders.evil.requests], [0, []], ended.stderr);
    assertStringIncludes(ended.stdout, `PWD=${Deno.realPathSync(folders.folder)}\n`);
    assertEquals([own.requests.sort(), ended.stdout.includes(CLONE_KEY)], [OWN_REQUESTS, false]);
  },
);

testTask("the task claude reads the user's own file if the clone has no .env", async (clone) => {
  await using folders = createFolders();
  await using own = startRecordingServer();
  const settings = `OPENROUTER_API_KEY=${CLONE_KEY}\nOPENROUTER_BASE_URL=${own.baseUrl}\n`;
  Deno.writeTextFileSync(folders.userFile, settings, { mode: 0o600 });
  const { OPENROUTER_API_KEY: _key, ...env } = folders.env;
  const ended = await run(["task", "--cwd", clone, "claude"], { cwd: folders.folder, env });
  assertEquals([ended.code, own.requests.sort()], [0, OWN_REQUESTS], ended.stderr);
});

testTask(
  "the task start reads the clone's .env, else the user's own file, and no other",
  async (clone) => {
    await using folders = createFolders();
    const { OPENROUTER_API_KEY: _key, ...env } = folders.env;
    const check = async () => {
      const args = ["task", "--cwd", clone, "start", "check", "--json"];
      const { stdout } = await run(args, { cwd: folders.folder, env });
      const report: { settings: { name: string; source: string }[] } = JSON.parse(stdout);
      return report.settings.find(({ name }) => name === "OPENROUTER_API_KEY")?.source;
    };
    assertEquals(await check(), "default");
    Deno.writeTextFileSync(folders.userFile, `OPENROUTER_API_KEY=${CLONE_KEY}\n`, { mode: 0o600 });
    assertEquals(await check(), folders.userFile);
    Deno.writeTextFileSync(`${clone}/.env`, `OPENROUTER_API_KEY=${CLONE_KEY}\n`, { mode: 0o600 });
    assertEquals(await check(), ".env");
    assertEquals(folders.evil.requests, []);
  },
);
