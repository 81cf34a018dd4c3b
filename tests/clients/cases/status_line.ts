/**
 * The status line in a terminal: with the launcher, which sets it unless the user has one, and by hand.
 * @module
 */

import { assert, assertEquals, assertFalse } from "@std/assert";
import type { JsonObject } from "../../../lib/json.ts";
import { read, readBlocks, readSection } from "../../helpers/documents.ts";
import { toEnvironment } from "../claude_cli.ts";
import { startSession } from "../claude_session.ts";
import { CLAUDE_CODE, findBinary } from "../binary.ts";
import { startHarness } from "../launcher.ts";
import { textReply } from "../replies.ts";
import { openTerminal, skipQuestions, startInTerminal, testInTerminal } from "../terminal.ts";

/** As the fake upstream reports it. */
const MODEL = "anthropic/claude-4-sonnet";
const FIGURES = new RegExp(`${MODEL} · Anthropic · .*\\$0\\.\\d{4} · cache \\d+%`);

testInTerminal(
  "started by the launcher shows the model that answered, its window and the cost",
  async () => {
    await using harness = startHarness(textReply("Hello"));
    skipQuestions(harness);
    await using terminal = await startInTerminal(harness);
    await terminal.waitFor(/no requests yet/);
    await terminal.enter("Say hello", FIGURES);
    const screen = await terminal.read();
    assert(/ · (<1k|\d+k)\/131k \d+% · /.test(screen), screen);
  },
);

testInTerminal("started by the launcher shows a daily limit that is nearly spent", async () => {
  await using harness = startHarness(textReply("Hello"));
  skipQuestions(harness);
  // One response costs $0.00125.
  await using terminal = await startInTerminal(harness, { env: { MAX_COST_USD: "0.0015" } });
  await terminal.waitFor(/no requests yet/);
  await terminal.enter("Say hello", / · \d+% of today's limit/);
});

const OWN = { statusLine: { type: "command", command: "echo a line of the user" } };

const PLACES: [about: string, args: string[], file: string | null][] = [
  ["of their settings", [], "home/.claude/settings.json"],
  ["of the project", [], "work/.claude/settings.json"],
  ["of --settings", ["--settings", JSON.stringify(OWN)], null],
];

for (const [about, args, file] of PLACES) {
  testInTerminal(`started by the launcher keeps a status line ${about}`, async () => {
    await using harness = startHarness(textReply("Hello"));
    skipQuestions(harness);
    if (file !== null) writeJson(`${harness.folder}/${file}`, OWN);
    await using terminal = await startInTerminal(harness, { args });
    await terminal.waitFor(/a line of the user/);
    await terminal.enter("Say hello", /Hello/);
    const screen = await terminal.read();
    assertFalse(screen.includes(MODEL), screen);
  });
}

testInTerminal(
  "shows the status line of the documentation with a proxy that is started by hand",
  async () => {
    await using session = await startSession();
    skipQuestions(session);
    const section = readSection(read("docs/claude-code.md"), "## Status line");
    const [block = ""] = readBlocks(section, "json");
    const main = new URL("../../../main.ts", import.meta.url).pathname;
    const settings: JsonObject = JSON.parse(block.replace("~/claudeproxy/main.ts", main));
    writeJson(`${session.home}/.claude/settings.json`, settings);
    const binary = await findBinary(CLAUDE_CODE);
    if ("missing" in binary) throw new Error(binary.missing);
    const { baseUrl, folder } = session;
    const { env, cwd } = toEnvironment({
      path: binary.path,
      baseUrl,
      folder,
      args: [],
      timeoutMs: 0,
      env: { DENO_DIR: await readDenoDir() },
    });
    session.model.setReplies(textReply("Hello"));
    await using terminal = await openTerminal(
      { words: [binary.path], env, cwd },
      session.folder,
    );
    await terminal.waitFor(/no requests yet/);
    await terminal.enter("Say hello", FIGURES);
    assertEquals(session.model.listViolations(), []);
  },
);

function writeJson(path: string, value: JsonObject): void {
  Deno.mkdirSync(path.replace(/\/[^/]*$/, ""), { recursive: true });
  Deno.writeTextFileSync(path, JSON.stringify(value));
}

async function readDenoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}
