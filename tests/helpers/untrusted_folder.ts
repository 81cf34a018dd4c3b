/**
 * Somebody else's repository, with a `.env` that wants the user's key, and the commands that users run there: as a
 * clone, as the bundle, as the published package.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Ended } from "./process.ts";

/** How the program is started in one of these forms. */
export type Start = (
  args: readonly string[],
  options: { cwd: string; env: Record<string, string> },
) => Promise<Ended>;

/** A form in which people have the program. */
export interface Form {
  name: string;
  /** Null where it cannot be had; then `note` says why. */
  start: Start | null;
  note?: string;
}

/** A server that notes what it is asked. */
interface Witness extends AsyncDisposable {
  baseUrl: string;
  /** Path and key of each request. */
  asked: string[];
}

/** The folders of one run. */
interface Scene extends AsyncDisposable {
  folder: string;
  /** The environment of somebody whose key is there. */
  env: Record<string, string>;
  /** The user's own settings file. */
  userFile: string;
  evil: Witness;
}

/** The key that must not leave. */
export const SECRET = "sk-or-v1-the-key-of-the-user-0123456789";
/** The terminal's own variables are nobody's business here; the client shows what it was given. */
const CLIENT = "#!/bin/sh\necho the client runs\nenv\n";
const IS_WINDOWS = Deno.build.os === "windows";

/** A server on a free port of this machine. */
export function startRecordingServer(): Witness {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    asked.push(`${new URL(request.url).pathname} ${request.headers.get("authorization")}`);
    return Response.json({ data: [{ id: "vendor/model" }] });
  });
  return {
    baseUrl: `http://127.0.0.1:${server.addr.port}/api/v1`,
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** The hostile folder, with what its `.env` holds beside the address. */
export function createFolders(more = ""): Scene {
  const evil = startRecordingServer();
  const root = Deno.makeTempDirSync({ prefix: "claudeproxy-hostile-" });
  const [folder, home, bin] = [`${root}/repository`, `${root}/home`, `${root}/bin`];
  for (const path of [folder, `${home}/.config/claudeproxy`, bin]) {
    Deno.mkdirSync(path, { recursive: true });
  }
  Deno.writeTextFileSync(`${folder}/.env`, `OPENROUTER_BASE_URL=${evil.baseUrl}\n${more}`);
  // A folder's own deno.json can put another program in place of ours.
  const config = { name: "@claudeproxy/openrouter", version: "0.1.0", exports: "./evil.ts" };
  Deno.writeTextFileSync(`${folder}/deno.json`, JSON.stringify(config));
  Deno.writeTextFileSync(`${folder}/evil.ts`, 'console.log("evil runs");');
  Deno.writeTextFileSync(`${bin}/claude`, CLIENT, { mode: 0o755 });
  return {
    folder,
    userFile: `${home}/.config/claudeproxy/.env`,
    evil,
    env: {
      OPENROUTER_API_KEY: SECRET,
      PORT: "0",
      HOME: home,
      PATH: `${bin}:${Deno.env.get("PATH")}`,
      NO_COLOR: "1",
      DENO_NO_UPDATE_CHECK: "1",
      // Nothing listens there: the default address is not reached.
      HTTPS_PROXY: "http://127.0.0.1:9",
    },
    async [Symbol.asyncDispose]() {
      await evil[Symbol.asyncDispose]();
      await Deno.remove(root, { recursive: true });
    },
  };
}

/** Registers the tests of one form. */
export function testUntrustedFolder({ name, start, note = "" }: Form): void {
  const test = (about: string, fn: (start: Start) => Promise<void>) =>
    Deno.test({
      name: `in a hostile folder ${name} ${about}${note}`,
      ignore: start === null || IS_WINDOWS,
      fn: async () => {
        if (start !== null) await fn(start);
      },
    });

  test("serve sends nothing, and says in one line which setting is from where", async (start) => {
    await using scene = createFolders();
    const { code, stdout, stderr } = await start(["serve"], { cwd: scene.folder, env: scene.env });
    assertEquals([code, stdout, scene.evil.asked], [1, "", []], stderr);
    assertMatch(
      stderr,
      /^claudeproxy: OPENROUTER_API_KEY is from the environment, but OPENROUTER_BASE_URL \(127\.0\.0\.1:\d+\) from \.env: nothing was sent\. Set both in the same place[^\n]*\n$/,
    );
  });

  test("check sends nothing, and fails", async (start) => {
    await using scene = createFolders();
    const { code, stdout } = await start(["check"], { cwd: scene.folder, env: scene.env });
    assertEquals([code, scene.evil.asked], [1, []], stdout);
    assertStringIncludes(stdout, "OPENROUTER_API_KEY is from the environment, but");
    assert(!stdout.includes(SECRET));
  });

  test("claude reads no .env, and gives no key away", async (start) => {
    await using scene = createFolders(
      "LOG_LEVEL=trace\nPROXY_API_KEYS=of-the-attacker-0123456789\n",
    );
    const ended = await start(["claude"], { cwd: scene.folder, env: scene.env });
    assertEquals([ended.code, scene.evil.asked], [0, []], ended.stderr);
    assertStringIncludes(ended.stdout, "the client runs");
    assert(!ended.stdout.includes(SECRET), ended.stdout);
  });

  test("claude takes the settings of the user's own file", async (start) => {
    await using scene = createFolders("OPENROUTER_API_KEY=sk-or-v1-of-the-attacker\n");
    await using own = startRecordingServer();
    const lines = [`OPENROUTER_API_KEY=${SECRET}`, `OPENROUTER_BASE_URL=${own.baseUrl}`, ""];
    Deno.writeTextFileSync(scene.userFile, lines.join("\n"), { mode: 0o600 });
    const { OPENROUTER_API_KEY: _key, ...env } = scene.env;
    const ended = await start(["claude"], { cwd: scene.folder, env });
    assertEquals([ended.code, scene.evil.asked], [0, []], ended.stderr);
    assertEquals(own.asked, ["/api/v1/models null"]);
  });

  test("serve takes no variable of the environment into an address", async (start) => {
    await using scene = createFolders("");
    const lines = ["OPENROUTER_API_KEY=$SECRET", `OPENROUTER_BASE_URL=${scene.evil.baseUrl}`, ""];
    Deno.writeTextFileSync(`${scene.folder}/.env`, lines.join("\n"));
    const { OPENROUTER_API_KEY: _key, ...env } = scene.env;
    for (const command of ["serve", "check"]) {
      const options = { cwd: scene.folder, env: { ...env, SECRET } };
      const { code, stdout, stderr } = await start([command], options);
      assertEquals([code, scene.evil.asked], [1, []], stdout + stderr);
      assertStringIncludes(stdout + stderr, "put values that contain $ into single quotes");
    }
  });
}
