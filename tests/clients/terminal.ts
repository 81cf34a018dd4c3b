/**
 * Runs an interactive Claude Code, or the launcher with it, in a terminal without a window, made by tmux, and reads its
 * screen. Each terminal has a tmux server of its own.
 * @module
 */

import type { Harness, Launch, LauncherCommand } from "../helpers/launcher.ts";
import { test } from "./claude_session.ts";
import { withClient } from "./launcher.ts";

const WAIT_MS = 40_000;
const EXIT_MS = 10_000;
const POLL_MS = 100;
/** Together with the text before it, Claude Code takes Enter for a part of pasted text. */
const TYPING_MS = 500;

/** Whether tmux is installed. */
export const HAS_TMUX = await new Deno.Command("tmux", {
  args: ["-V"],
  stdout: "null",
  stderr: "null",
}).output().then(({ success }) => success, () => false);

/** A case with the real client in a terminal; ignored without tmux. */
export function testInTerminal(name: string, body: () => Promise<void>): void {
  if (HAS_TMUX) test(name, body);
  else Deno.test({ name: `not run: ${name} (no tmux)`, ignore: true, fn() {} });
}

/** Answers the questions of Claude Code's first start: the theme, and whether the folder is trusted. */
export function skipQuestions({ home, work }: { home: string; work: string }): void {
  const projects = { [Deno.realPathSync(work)]: { hasTrustDialogAccepted: true } };
  const state = { hasCompletedOnboarding: true, theme: "dark", projects };
  Deno.writeTextFileSync(`${home}/.claude.json`, JSON.stringify(state));
}

/** A terminal, and a shell that stays open after the command. Dispose it with `await using`. */
export interface Terminal extends AsyncDisposable {
  /** The text on the screen and above it, without colors. */
  read(): Promise<string>;
  /** The screen, with the escape sequences of colors. */
  readColored(): Promise<string>;
  /** Waits until the text matches, and returns it. @throws {Error} with the text after 40 seconds */
  waitFor(pattern: RegExp): Promise<string>;
  /** Presses keys, in tmux's names, or types a text. */
  press(...keys: string[]): Promise<void>;
  /** Types a line and Enter, waits for a text that was not there before, and returns that text. */
  enter(line: string, pattern: RegExp): Promise<string>;
  /** Ends the client. Returns the text after it. */
  quit(): Promise<string>;
}

/** Starts the launcher in a terminal. At its end the terminal shows `exit code N`. */
export async function startInTerminal(harness: Harness, options: Launch = {}): Promise<Terminal> {
  return await openTerminal(harness.toCommand(await withClient(options)), harness.folder);
}

/** Starts a command in a terminal. At its end the terminal shows `exit code N`. @param folder for tmux's socket */
export async function openTerminal(
  { words, env, cwd }: LauncherCommand,
  folder: string,
  { columns, rows }: { columns: number; rows: number } = { columns: 160, rows: 50 },
): Promise<Terminal> {
  // A terminal may start while the server of the one before is still stopping.
  const socket = `${folder}/tmux-${crypto.randomUUID().slice(0, 8)}`;
  const tmux = async (...args: string[]): Promise<string> => {
    const { success, stdout, stderr } = await new Deno.Command("tmux", {
      args: ["-S", socket, "-f", "/dev/null", ...args],
      // The first call starts the server, whose environment the client gets.
      env: { ...env, TERM: "xterm-256color", LANG: "C.UTF-8", SHELL: "/bin/sh" },
      clearEnv: true,
      cwd,
    }).output();
    if (!success) throw new Error(`tmux ${args[0]}: ${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout);
  };
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const line = `${quoted}; echo "exit code $?"; exec sleep 600`;
  await tmux("new-session", "-d", "-x", `${columns}`, "-y", `${rows}`, "sh", "-c", line);
  return createTerminal(tmux);
}

function createTerminal(tmux: (...args: string[]) => Promise<string>): Terminal {
  // Joined: a long line is wrapped.
  const read = () => tmux("capture-pane", "-p", "-J", "-S", "-1000");
  const press = async (...keys: string[]) => {
    await tmux("send-keys", ...keys);
  };
  const type = async (line: string) => {
    await press("-l", line);
    await delay(TYPING_MS);
    await press("Enter");
  };
  /** @param find what to wait for in the text; null to wait on */
  const poll = async <T>(find: (text: string) => T | null, what: string, ms = WAIT_MS) => {
    const endAt = performance.now() + ms;
    for (;;) {
      const text = await read();
      const found = find(text);
      if (found !== null) return found;
      if (performance.now() > endAt) throw new Error(`no ${what} on the screen:\n${text}`);
      await delay(POLL_MS);
    }
  };
  const waitFor = (pattern: RegExp, ms?: number) =>
    poll((text) => pattern.test(text) ? text : null, `${pattern}`, ms);
  const enter = async (line: string, pattern: RegExp) => {
    await waitFor(/^❯/m);
    const all = new RegExp(pattern, "g");
    const listMatches = (text: string) => text.match(all) ?? [];
    const { length } = listMatches(await read());
    await type(line);
    const findNew = (text: string) => {
      const found = listMatches(text);
      return found.length > length ? found.at(-1) ?? "" : null;
    };
    return await poll(findNew, `${pattern} after ${line}`);
  };
  return {
    read,
    readColored: () => tmux("capture-pane", "-p", "-e"),
    waitFor: (pattern) => waitFor(pattern),
    press,
    enter,
    quit: () => enter("/exit", /[^]*exit code \d+/),
    async [Symbol.asyncDispose]() {
      // A client that is killed may still write to folders that the test removes next.
      if (!/exit code \d+/.test(await read().catch(() => "exit code 0"))) {
        await type("/exit").catch(() => {});
        await waitFor(/exit code \d+/, EXIT_MS).catch(() => {});
      }
      await tmux("kill-server").catch(() => {});
    },
  };
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
