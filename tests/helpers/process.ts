/**
 * Child processes of tests: one that is awaited, and one that runs until it is disposed. Both are killed after a
 * timeout.
 */

const HANG_MS = 60_000;

/** Exit code and output. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** A running process. */
export interface Running extends AsyncDisposable {
  child: Deno.ChildProcess;
  /** Waits for output that matches, and returns the first group. */
  waitFor(pattern: RegExp): Promise<string>;
}

/** Waits until a process exits. */
export async function finish(child: Deno.ChildProcess): Promise<Ended> {
  const timer = setTimeout(() => child.kill("SIGKILL"), HANG_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Reads the output of a process, which is terminated when it is disposed. */
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
    // It has already exited.
  }
}
