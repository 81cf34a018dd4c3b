/**
 * The flags of deno.json's tasks: what a test starts, it starts with the words that users start it with.
 * @module
 */

import config from "../../deno.json" with { type: "json" };

/** The flags of a task, but those that it asks another task for. */
export function readTaskFlags(task: "start" | "demo"): string[] {
  const words = config.tasks[task].command.matchAll(/\$\([^)]*\)|'([^']*)'|(\S+)/g);
  return [...words].map(([, quoted, plain]) => quoted ?? plain ?? "").filter((word) =>
    word.startsWith("--")
  );
}
