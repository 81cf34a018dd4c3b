/**
 * `deno task compile`: a binary for this machine, or, where the base binary cannot be fetched, everything of
 * the compilation but that, said aloud.
 * Arguments are passed on to `deno compile`.
 */

import { DEPLOY_VARIABLE, VARIABLES } from "../lib/variables.ts";

const OUTPUT = Deno.build.os === "windows" ? "claudeproxy.exe" : "claudeproxy";
const ENV = [...VARIABLES.map((variable) => variable.name), DEPLOY_VARIABLE].join(",");

// A relative --allow-read would be frozen into a path of the machine that compiles, and --env-file would put
// the key into the binary: the binary may read files, and reads only ./.env.
const FLAGS = ["--no-prompt", "--allow-net", `--allow-env=${ENV}`, "--allow-read"];

const encoder = new TextEncoder();
const say = (line: string) => Deno.stdout.writeSync(encoder.encode(`${line}\n`));

async function compile(output: string, env: Record<string, string> = {}) {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["compile", ...FLAGS, ...Deno.args, "-o", output, "main.ts"],
    env,
    stderr: "piped",
  }).output();
  return { isDone: code === 0, errors: new TextDecoder().decode(stderr) };
}

/** Where no base binary can be had, any file can stand in for it: the rest of the work is the same. */
async function checkWithoutBase(): Promise<boolean> {
  const folder = await Deno.makeTempDir();
  try {
    const output = `${folder}/claudeproxy`;
    const { isDone, errors } = await compile(output, { DENORT_BIN: Deno.execPath() });
    if (!isDone) {
      say(errors);
      return false;
    }
    const text = new TextDecoder("latin1").decode(await Deno.readFile(output));
    return text.includes("OPENROUTER_API_KEY") && text.includes('"permissions"');
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const { isDone, errors } = await compile(OUTPUT);
if (isDone) {
  say(`Compiled ./${OUTPUT}`);
} else if (/denort|download|lookup|dns|connect/i.test(errors)) {
  say("NOT COMPILED: the base binary (denort) of this Deno version cannot be fetched here.");
  const isSound = await checkWithoutBase();
  say(
    isSound
      ? "Checked without it: the program resolves, type-checks and embeds, with its permissions."
      : "And the check without it failed.",
  );
  Deno.exit(isSound ? 0 : 1);
} else {
  say(errors);
  Deno.exit(1);
}
