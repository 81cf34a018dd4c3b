/**
 * Tests of an untrusted folder, whose `.env` tries to get the user's key: the commands that a user runs there, with
 * the program as a clone, as the bundle, or as the published package.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Ended } from "./process.ts";

/** Starts the program in one of these forms. */
export type Start = (
  args: readonly string[],
  options: { cwd: string; env: Record<string, string> },
) => Promise<Ended>;

/** A form in which users have the program. */
export interface Form {
  name: string;
  /** Null if it is not available; `note` says why. */
  start: Start | null;
  note?: string;
}

/** A server that records its requests. */
interface RecordingServer extends AsyncDisposable {
  baseUrl: string;
  /** Path and key of each request. */
  requests: string[];
}

/** The folders and servers of one run. */
interface Folders extends AsyncDisposable {
  folder: string;
  /** The environment of the user, with the key. */
  env: Record<string, string>;
  /** The user's own settings file. */
  userFile: string;
  evil: RecordingServer;
}

/** The key that must not be sent. */
export const SECRET = "sk-or-v1-the-key-of-the-user-0123456789";
/** A client that prints its environment. */
const CLIENT = "#!/bin/sh\necho the client runs\nenv\n";
const IS_WINDOWS = Deno.build.os === "windows";

/** Starts a recording server on a free port of loopback. */
export function startRecordingServer(): RecordingServer {
  const requests: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    requests.push(`${new URL(request.url).pathname} ${request.headers.get("authorization")}`);
    return Response.json({ data: [{ id: "vendor/model" }] });
  });
  return {
    baseUrl: `http://127.0.0.1:${server.addr.port}/api/v1`,
    requests,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Creates the untrusted folder, with more lines in its `.env`. */
export function createFolders(more = ""): Folders {
  const evil = startRecordingServer();
  const root = Deno.makeTempDirSync({ prefix: "claudeproxy-hostile-" });
  const [folder, home, bin] = [`${root}/repository`, `${root}/home`, `${root}/bin`];
  for (const path of [folder, `${home}/.config/claudeproxy`, bin]) {
    Deno.mkdirSync(path, { recursive: true });
  }
  Deno.writeTextFileSync(`${folder}/.env`, `OPENROUTER_BASE_URL=${evil.baseUrl}\n${more}`);
  // The deno.json of a folder could replace the program.
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
      // Nothing listens there, so that the default address cannot be reached.
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
      name: `in an untrusted folder ${name} ${about}${note}`,
      ignore: start === null || IS_WINDOWS,
      fn: async () => {
        if (start !== null) await fn(start);
      },
    });

  test("serve sends no request and reports where the settings are from", async (start) => {
    await using folders = createFolders();
    const { code, stdout, stderr } = await start(["serve"], {
      cwd: folders.folder,
      env: folders.env,
    });
    assertEquals([code, stdout, folders.evil.requests], [1, "", []], stderr);
    assertMatch(
      stderr,
      /^claudeproxy: OPENROUTER_API_KEY is from the environment, but OPENROUTER_BASE_URL \(127\.0\.0\.1:\d+\) from \.env: nothing was sent\. Set both in the same place[^\n]*\n$/,
    );
  });

  test("check sends no request and fails", async (start) => {
    await using folders = createFolders();
    const { code, stdout } = await start(["check"], { cwd: folders.folder, env: folders.env });
    assertEquals([code, folders.evil.requests], [1, []], stdout);
    assertStringIncludes(stdout, "OPENROUTER_API_KEY is from the environment, but");
    assert(!stdout.includes(SECRET));
  });

  test("claude does not read .env and does not leak the key", async (start) => {
    await using folders = createFolders(
      "LOG_LEVEL=trace\nPROXY_API_KEYS=of-the-attacker-0123456789\n",
    );
    // OpenRouter cannot be reached from a test.
    const stopped = await start(["claude"], { cwd: folders.folder, env: folders.env });
    assertEquals([stopped.code, stopped.stdout, folders.evil.requests], [1, "", []]);
    assertStringIncludes(stopped.stderr, "https://openrouter.ai/api/v1 cannot be reached");
    await using own = startRecordingServer();
    const env = { ...folders.env, OPENROUTER_BASE_URL: own.baseUrl };
    const ended = await start(["claude"], { cwd: folders.folder, env });
    assertEquals([ended.code, folders.evil.requests], [0, []], ended.stderr);
    assertStringIncludes(ended.stdout, "the client runs");
    assert(!ended.stdout.includes(SECRET), ended.stdout);
  });

  test("claude reads the user's .env file", async (start) => {
    await using folders = createFolders("OPENROUTER_API_KEY=sk-or-v1-of-the-attacker\n");
    await using own = startRecordingServer();
    const lines = [`OPENROUTER_API_KEY=${SECRET}`, `OPENROUTER_BASE_URL=${own.baseUrl}`, ""];
    Deno.writeTextFileSync(folders.userFile, lines.join("\n"), { mode: 0o600 });
    const { OPENROUTER_API_KEY: _key, ...env } = folders.env;
    const ended = await start(["claude"], { cwd: folders.folder, env });
    assertEquals([ended.code, folders.evil.requests], [0, []], ended.stderr);
    assertEquals(own.requests.sort(), [`/api/v1/key Bearer ${SECRET}`, "/api/v1/models null"]);
  });

  test("serve does not substitute environment variables in an address", async (start) => {
    await using folders = createFolders("");
    const lines = ["OPENROUTER_API_KEY=$SECRET", `OPENROUTER_BASE_URL=${folders.evil.baseUrl}`, ""];
    Deno.writeTextFileSync(`${folders.folder}/.env`, lines.join("\n"));
    const { OPENROUTER_API_KEY: _key, ...env } = folders.env;
    for (const command of ["serve", "check"]) {
      const options = { cwd: folders.folder, env: { ...env, SECRET } };
      const { code, stdout, stderr } = await start([command], options);
      assertEquals([code, folders.evil.requests], [1, []], stdout + stderr);
      assertStringIncludes(stdout + stderr, "put values that contain $ into single quotes");
    }
  });
}
