/**
 * The flags of deno.json's tasks: what a test starts, it starts with the words that users start it with.
 * @module
 */

import config from "../../deno.json" with { type: "json" };

/**
 * The flags of a task, but those that it asks another task for.
 * @param env what the task's shell puts in for `$NAME`
 */
export function readTaskFlags(task: "start" | "demo", env: Record<string, string> = {}): string[] {
  const words = config.tasks[task].command.matchAll(/\$\([^)]*\)|'([^']*)'|"([^"]*)"|(\S+)/g);
  return [...words].map(([, literal, quoted, plain]) => literal ?? quoted ?? plain ?? "")
    .filter((word) => word.startsWith("--"))
    .map((word) => word.replaceAll(/\$(\w+)/g, (_, name: string) => env[name] ?? ""));
}
