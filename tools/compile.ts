/**
 * `deno task compile`: a binary for this machine, or with `--target` for another, or for `all`.
 * Other arguments are passed on to `deno compile`. The exit code is 0 only where every binary was made.
 */

import { DEPLOY_VARIABLE, FOLDER_VARIABLES, VARIABLES } from "../lib/config.ts";

/** What is compiled for, and the name of the file. */
const OUTPUTS: ReadonlyMap<string, string> = new Map([
  ["x86_64-unknown-linux-gnu", "claudeproxy-linux-x64"],
  ["aarch64-unknown-linux-gnu", "claudeproxy-linux-arm64"],
  ["x86_64-apple-darwin", "claudeproxy-macos-x64"],
  ["aarch64-apple-darwin", "claudeproxy-macos-arm64"],
  ["x86_64-pc-windows-msvc", "claudeproxy-windows-x64.exe"],
]);
const HOST_OUTPUT = Deno.build.os === "windows" ? "claudeproxy.exe" : "claudeproxy";
const NAMES = VARIABLES.map((variable) => variable.name);
const ENV = [...NAMES, DEPLOY_VARIABLE, ...FOLDER_VARIABLES].join(",");

// Any address: HOST and OPENROUTER_BASE_URL are chosen where the binary runs. Reading likewise: a relative
// --allow-read=.env would be frozen into a path of the machine that compiles, and --env-file would put the key
// into the binary. It may start no program and write no file.
const FLAGS = ["--no-prompt", "--allow-net", `--allow-env=${ENV}`, "--allow-read"];

const encoder = new TextEncoder();
const say = (line: string) => Deno.stdout.writeSync(encoder.encode(`${line}\n`));

/** One thing to make. */
interface Job {
  output: string;
  /** Null for this machine. */
  target: string | null;
}

function listJobs(target: string | undefined): Job[] {
  if (target === undefined) return [{ output: HOST_OUTPUT, target: null }];
  const all = [...OUTPUTS].map(([target, output]) => ({ target, output }));
  return target === "all" ? all : all.filter((job) => job.target === target);
}

async function compile({ output, target }: Job, more: readonly string[]): Promise<boolean> {
  const place = target === null ? [] : ["--target", target];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["compile", ...FLAGS, ...more, ...place, "-o", output, "main.ts"],
    stderr: "piped",
  }).output();
  if (code === 0) {
    say(`Compiled ./${output}`);
    return true;
  }
  const errors = new TextDecoder().decode(stderr);
  const isBaseMissing = /Setting up base binary|Could not find denort/.test(errors);
  if (!isBaseMissing) say(errors);
  const reason = isBaseMissing
    ? `the base binary (denort) of Deno ${Deno.version.deno} cannot be had here. It is fetched from Deno's ` +
      "servers; DENORT_BIN can name a copy of it. Without a binary: deno task bundle"
    : "see above";
  say(`NOT COMPILED ./${output}: ${reason}`);
  return false;
}

const index = Deno.args.indexOf("--target");
const target = index < 0 ? undefined : Deno.args[index + 1] ?? "";
const more = index < 0 ? Deno.args : Deno.args.toSpliced(index, 2);
const jobs = listJobs(target);
if (jobs.length === 0) {
  say(`Unknown target ${target}: all, or one of ${[...OUTPUTS.keys()].join(", ")}`);
  Deno.exit(1);
}
let failures = 0;
for (const job of jobs) if (!await compile(job, more)) failures++;
Deno.exit(failures === 0 ? 0 : 1);
