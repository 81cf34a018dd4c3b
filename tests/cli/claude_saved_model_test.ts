/**
 * The line about a model that Claude Code has saved in the user's settings during a run.
 */

import { assertEquals } from "@std/assert";
import { describeSavedModel } from "../../lib/cli/claude/saved_model.ts";

const line = (saved: string, previous: string) =>
  `/model saved ${saved} as your default model. Claude Code without claudeproxy does not know ` +
  `it: before you use it, type /model ${previous} there`;

const CASES: [name: string, before: unknown, after: unknown, line: string | null][] = [
  ["nothing saved", undefined, undefined, null],
  ["an alias", undefined, "sonnet", null],
  ["Claude Code's own id", "opus", "claude-opus-5-5[1m]", null],
  ["an id that was saved before", "x-ai/grok-9", "x-ai/grok-9", null],
  ["a removed id", "x-ai/grok-9", undefined, null],
  ["no text", "opus", 7, null],
  ["an id", undefined, "x-ai/grok-9[1m]", line("x-ai/grok-9[1m]", "default")],
  ["an id in place of an alias", "opus", "x-ai/grok-9", line("x-ai/grok-9", "opus")],
  ["an id in place of another", "a/b", "~a/latest", line("~a/latest", "default")],
  ["control characters", undefined, "a/\x1b[31mb", line("a/ [31mb", "default")],
];

for (const [name, before, after, expected] of CASES) {
  Deno.test(`describeSavedModel for ${name}`, () => {
    assertEquals(describeSavedModel({ model: before }, { model: after }), expected);
  });
}
