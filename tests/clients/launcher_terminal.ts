/**
 * The launcher in a terminal of tmux, with a tmux server of its own.
 * @module
 */

import type { Harness, Launch } from "../helpers/launcher.ts";
import { test } from "./claude_session.ts";
import { withClient } from "./launcher.ts";

const WAIT_MS = 30_000;
const POLL_MS = 100;

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
export function skipQuestions({ home, work }: Pick<Harness, "home" | "work">): void {
  const projects = { [Deno.realPathSync(work)]: { hasTrustDialogAccepted: true } };
  const state = { hasCompletedOnboarding: true, theme: "dark", projects };
  Deno.writeTextFileSync(`${home}/.claude.json`, JSON.stringify(state));
}

/** A terminal with the launcher, and a shell that stays open after it. Dispose it with `await using`. */
export interface LauncherTerminal extends AsyncDisposable {
  /** The text on the screen and above it. */
  read(): Promise<string>;
  /** Waits until the text matches. @throws {Error} with the text after 30 seconds */
  waitFor(pattern: RegExp): Promise<string>;
  /** Presses keys, in tmux's names, or types a text. */
  press(...keys: string[]): Promise<void>;
  /** Types a line and Enter, and waits for a text after it. Returns that text. */
  enter(line: string, pattern: RegExp): Promise<string>;
  /** Ends the client, which otherwise may write to its home while that is removed. Returns the text after it. */
  quit(): Promise<string>;
}

/** Starts the launcher in a terminal. At its end the terminal shows `exit code N`. */
export async function startInTerminal(
  harness: Harness,
  options: Launch = {},
): Promise<LauncherTerminal> {
  const { words, env, cwd } = harness.toCommand(await withClient(options));
  // A terminal may start while the server of the one before is still stopping.
  const socket = `${harness.folder}/tmux-${crypto.randomUUID().slice(0, 8)}`;
  const tmux = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await new Deno.Command("tmux", {
      args: ["-S", socket, "-f", "/dev/null", ...args],
      env: { ...env, TERM: "xterm-256color", LANG: "C.UTF-8", SHELL: "/bin/sh" },
      clearEnv: true,
      cwd,
    }).output();
    const decoder = new TextDecoder();
    if (code !== 0) throw new Error(`tmux ${args[0]}: ${decoder.decode(stderr)}`);
    return decoder.decode(stdout);
  };
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const line = `${quoted}; echo "exit code $?"; exec sleep 600`;
  await tmux("new-session", "-d", "-x", "160", "-y", "50", "sh", "-c", line);
  // Joined: a long line is wrapped.
  const read = () => tmux("capture-pane", "-p", "-J", "-S", "-1000");
  const press = async (...keys: string[]) => {
    await tmux("send-keys", ...keys);
  };
  const terminal: LauncherTerminal = {
    read,
    async waitFor(pattern) {
      const endAt = performance.now() + WAIT_MS;
      for (;;) {
        const text = await read();
        if (pattern.test(text)) return text;
        if (performance.now() > endAt) throw new Error(`no ${pattern} on the screen:\n${text}`);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
    press,
    async enter(line, pattern) {
      await terminal.waitFor(/^❯/m);
      const all = new RegExp(pattern, "g");
      const count = ((await read()).match(all) ?? []).length;
      await press("-l", line);
      // Together with the text, Claude Code takes it for a part of pasted text.
      await new Promise((resolve) => setTimeout(resolve, 500));
      await press("Enter");
      const endAt = performance.now() + WAIT_MS;
      for (;;) {
        const found = (await read()).match(all) ?? [];
        if (found.length > count) return found.at(-1) ?? "";
        if (performance.now() > endAt) {
          throw new Error(`no ${pattern} after ${line} on the screen:\n${await read()}`);
        }
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
    quit: () => terminal.enter("/exit", /[^]*exit code \d+/),
    async [Symbol.asyncDispose]() {
      // It is gone already if the case has failed because the terminal ended.
      await tmux("kill-server").catch(() => {});
    },
  };
  return terminal;
}
