/**
 * The flags of deno.json's tasks, so that tests start programs as users do.
 * @module
 */

import config from "../../deno.json" with { type: "json" };

/**
 * The flags of a task, without those from another task.
 * @param env the values that the shell substitutes for `$NAME`
 */
export function readTaskFlags(task: "start" | "demo", env: Record<string, string> = {}): string[] {
  // The task that users call only runs another one.
  const { command } = config.tasks[task === "start" ? "start:run" : task];
  const flags = command.matchAll(/\$\([^)]*\)|'([^']*)'|"([^"]*)"|(\S+)/g);
  return [...flags].map(([, literal, quoted, plain]) => literal ?? quoted ?? plain ?? "")
    .filter((word) => word.startsWith("--"))
    .map((word) => word.replaceAll(/\$(\w+)/g, (_, name: string) => env[name] ?? ""));
}
