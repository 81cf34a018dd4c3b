/**
 * Runs an interactive Claude Code in a terminal without a window, made by tmux, and reads its screen.
 * @module
 */

import type { LauncherCommand } from "../helpers/launcher.ts";

const TIMEOUT_MS = 40_000;
const EXIT_MS = 10_000;
const POLL_MS = 100;

/** Claude Code in a terminal. Dispose it with `await using`: it exits, and is killed if it does not. */
export interface Terminal extends AsyncDisposable {
  /** Types a line and presses Enter. */
  enter(line: string): Promise<void>;
  /** The screen, without colors. */
  read(): Promise<string>;
  /** The screen, with the escape sequences of colors. */
  readColored(): Promise<string>;
  /** Waits for a text on the screen, and returns the screen. @throws {Error} with the screen after 40 s */
  waitFor(pattern: RegExp): Promise<string>;
}

/** Starts a command in a terminal. The server of tmux is its own, with a socket in the folder. */
export async function openTerminal(
  command: LauncherCommand,
  folder: string,
  { columns, rows }: { columns: number; rows: number } = { columns: 160, rows: 50 },
): Promise<Terminal> {
  const { words: program, env, cwd } = command;
  const tmux = async (...words: string[]): Promise<string> => {
    const { success, stdout, stderr } = await new Deno.Command("tmux", {
      args: ["-S", `${folder}/tmux`, "-f", "/dev/null", ...words],
      // The first call starts the server, whose environment the client gets.
      env: { LANG: "C.UTF-8", TERM: "xterm-256color", ...env },
      clearEnv: true,
      cwd,
    }).output();
    if (!success) throw new Error(`tmux ${words[0]}: ${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout);
  };
  await tmux("new-session", "-d", "-x", `${columns}`, "-y", `${rows}`, ...program);
  const read = () => tmux("capture-pane", "-p");
  const type = (...keys: string[]) => tmux("send-keys", ...keys);
  const enter = async (line: string) => {
    await type("-l", line);
    // Together with the text, the client takes it for pasted text.
    await delay(300);
    await type("Enter");
  };
  /** Without its window the server exits too. */
  const hasExited = () => tmux("has-session").then(() => false, () => true);
  return {
    enter,
    read,
    readColored: () => tmux("capture-pane", "-p", "-e"),
    async waitFor(pattern) {
      const deadline = performance.now() + TIMEOUT_MS;
      for (;;) {
        const screen = await read();
        if (pattern.test(screen)) return screen;
        if (performance.now() > deadline) {
          throw new Error(`No ${pattern} on the screen:\n${screen}`);
        }
        await delay(POLL_MS);
      }
    },
    async [Symbol.asyncDispose]() {
      // A client that is killed may still write to folders that the test removes next.
      await enter("/exit").catch(() => {});
      const deadline = performance.now() + EXIT_MS;
      while (!await hasExited()) {
        if (performance.now() > deadline) return void await tmux("kill-server");
        await delay(POLL_MS);
      }
    },
  };
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Answers the questions of Claude Code's first start: the theme, and whether the folder is trusted. */
export function skipOnboarding({ home, work }: { home: string; work: string }): void {
  const trusted = { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true };
  const state = {
    hasCompletedOnboarding: true,
    theme: "dark",
    projects: { [Deno.realPathSync(work)]: trusted },
  };
  Deno.writeTextFileSync(`${home}/.claude.json`, JSON.stringify(state));
}
