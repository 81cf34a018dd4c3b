/** The status line that the launcher sets. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { buildStatusLine } from "../../lib/cli/claude/status_line.ts";

const PROGRAM = {
  deno: "/usr/bin/deno",
  main: "file:///home/me/it's%20here/main.ts",
  url: "http://127.0.0.1:17891",
};

function buildCommand(program = PROGRAM): string {
  const { command } = buildStatusLine([{}], program)["statusLine"] as { command: string };
  return command;
}

Deno.test("buildStatusLine runs this program with access to the proxy only", () => {
  const command = buildCommand();
  assertStringIncludes(command, "'/usr/bin/deno' run ");
  assertStringIncludes(command, " --no-config ");
  assertStringIncludes(command, " --cached-only ");
  assertStringIncludes(command, " --allow-net=127.0.0.1:17891 ");
  assertEquals(command.endsWith(" 'file:///home/me/it'\\''s%20here/main.ts' statusline"), true);
  assertEquals(/--allow-(?!net=|env=)|-A/.test(command), false, command);
});

Deno.test("buildStatusLine turns a path of Windows into one that a shell accepts", () => {
  const command = buildCommand({ ...PROGRAM, deno: "C:\\Program Files\\deno.exe" });
  assertStringIncludes(command, "'C:/Program Files/deno.exe' run ");
});

for (const statusLine of [{ type: "command", command: "mine" }, null]) {
  Deno.test(`buildStatusLine leaves a status line ${JSON.stringify(statusLine)} alone`, () => {
    assertEquals(buildStatusLine([{}, { statusLine }], PROGRAM), {});
  });
}
