/**
 * The launcher in a terminal of tmux, with a tmux server of its own.
 * @module
 */

import type { Harness, Launch } from "../helpers/launcher.ts";
import { withClient } from "./launcher.ts";

const WAIT_MS = 30_000;
const POLL_MS = 100;

/** Whether tmux is installed. */
export const HAS_TMUX = await new Deno.Command("tmux", {
  args: ["-V"],
  stdout: "null",
  stderr: "null",
}).output().then(({ success }) => success, () => false);

/** A terminal with the launcher, and a shell that stays open after it. Dispose it with `await using`. */
export interface LauncherTerminal extends AsyncDisposable {
  /** The text on the screen and above it. */
  read(): Promise<string>;
  /** Waits until the text matches. @throws {Error} with the text after 30 seconds */
  waitFor(pattern: RegExp): Promise<string>;
  /** Presses keys, in tmux's names, or types a text. */
  press(...keys: string[]): Promise<void>;
}

/** Starts the launcher in a terminal. At its end the terminal shows `exit code N`. */
export async function startInTerminal(
  harness: Harness,
  options: Launch = {},
): Promise<LauncherTerminal> {
  const { words, env, cwd } = harness.toCommand(await withClient(options));
  const socket = `${harness.folder}/tmux`;
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
  const read = () => tmux("capture-pane", "-p", "-J", "-S", "-200");
  return {
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
    async press(...keys) {
      await tmux("send-keys", ...keys);
    },
    async [Symbol.asyncDispose]() {
      await tmux("kill-server");
    },
  };
}
