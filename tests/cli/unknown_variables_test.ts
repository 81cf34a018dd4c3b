/** Names of variables that are mistyped settings of this program. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { describeUnknown } from "../../lib/cli/unknown_variables.ts";
import { FOLDER_VARIABLES, VARIABLES } from "../../lib/config.ts";
import { run } from "../helpers/program.ts";

for (
  const [name, closest] of [
    ["INSPEC", "INSPECT"],
    ["PROXY_API_KEY", "PROXY_API_KEYS"],
    ["TARGET_MODEL_SONET", "TARGET_MODEL_SONNET"],
    ["target_model_opus", "TARGET_MODEL_OPUS"],
    ["OPENROUTER_KEY", "OPENROUTER_API_KEY"],
    ["OPENROUTER_BASEURL", "OPENROUTER_BASE_URL"],
    ["TIMEOUT", "TIMEOUT_S"],
    ["MAX_COST", "MAX_COST_USD"],
    ["LOGLEVEL", "LOG_LEVEL"],
    ["port", "PORT"],
  ] as const
) {
  Deno.test(`describeUnknown suggests ${closest} for ${name}`, () => {
    assertEquals(
      describeUnknown([name], ".env"),
      `Unknown in .env, without effect: ${name} (did you mean ${closest}?)`,
    );
  });
}

Deno.test("describeUnknown accepts all settings, their other names, and variables of other programs", () => {
  const others = [
    ...["PATH", "HOME", "USER", "SHELL", "TERM", "LANG", "LC_ALL", "PWD", "HOSTNAME", "HOSTTYPE"],
    ...["ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "CLAUDE_BIN", "DENO_CERT"],
    ...["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY", "NO_COLOR", "OTEL_DENO", "INIT_CWD"],
    ...["SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "LOGNAME", "EDITOR", "TMPDIR", "DISPLAY", "LS_COLORS"],
    ...["REPORT", "GHOST", "SUPPORT", "IMPORT", "TIME", "MODEL", "SINGLE_HOST"],
    ...["TARGET_MODEL_SONNET", "TARGET_MODEL_HAIKU", "DENO_DEPLOY", ...FOLDER_VARIABLES],
  ];
  const names = [...VARIABLES.map(({ name }) => name), ...others];
  assertEquals(describeUnknown(names, "the environment"), null);
});

Deno.test("describeUnknown is bounded, and contains no control characters", () => {
  const names = Array.from({ length: 1000 }, (_, i) => `TARGET_MODEL_\x1b${i}${"x".repeat(500)}`);
  const line = describeUnknown(names, ".env") ?? "";
  assertStringIncludes(line, ", 995 more");
  // deno-lint-ignore no-control-regex
  assert(line.length < 1000 && !/\x1b/.test(line), line);
});

Deno.test("check names unknown variables of .env, and of an environment that it may list", async () => {
  const start = { args: ["check"], dotenv: "INSPEC=1\n", env: { TARGET_MODEL_OPOS: "a-value" } };
  const restricted = await run(start);
  assertStringIncludes(restricted.stdout, "Unknown in .env, without effect: INSPEC (did you mean");
  assert(!restricted.stdout.includes("TARGET_MODEL_OPOS"));
  const all = await run({ ...start, flags: ["-A"] });
  assertStringIncludes(
    all.stdout,
    "Unknown in the environment, without effect: TARGET_MODEL_OPOS (did you mean",
  );
  assert(!all.stdout.includes("a-value"));
});
