/**
 * Processes of a test: one that is run to its end, and one that goes on until the test leaves it. Both are killed
 * when they hang.
 */

const HANG_MS = 60_000;

/** What a process left behind. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** A process that goes on. */
export interface Running extends AsyncDisposable {
  child: Deno.ChildProcess;
  /** The first group of the first text of its output that matches. */
  waitFor(pattern: RegExp): Promise<string>;
}

/** Waits for the end, with all that was printed. */
export async function finish(child: Deno.ChildProcess): Promise<Ended> {
  const timer = setTimeout(() => child.kill("SIGKILL"), HANG_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Watches what a process prints; leaving it ends it. */
export function watch(child: Deno.ChildProcess): Running {
  const timer = setTimeout(() => kill(child, "SIGKILL"), HANG_MS);
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return {
    child,
    async waitFor(pattern) {
      for (;;) {
        const found = pattern.exec(text);
        if (found !== null) return found[1] ?? "";
        const { value, done } = await reader.read();
        if (done) throw new Error(`no ${pattern} in ${JSON.stringify(text)}`);
        text += value;
      }
    },
    async [Symbol.asyncDispose]() {
      kill(child, "SIGTERM");
      await reader.cancel();
      await child.stderr.cancel();
      await child.status;
      clearTimeout(timer);
    },
  };
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended already.
  }
}
