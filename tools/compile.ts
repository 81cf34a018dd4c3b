/**
 * `deno task compile`: compiles a binary for this machine, for `--target TARGET`, or for `--target all`.
 * Other arguments are passed to `deno compile`. The exit code is 0 only if every binary was compiled.
 */

import { STATUS_LINE_VARIABLES } from "../lib/cli/statusline/statusline.ts";
import { DEPLOY_VARIABLE, FOLDER_VARIABLES, VARIABLES } from "../lib/config.ts";

/** Target → file name. */
const OUTPUTS: ReadonlyMap<string, string> = new Map([
  ["x86_64-unknown-linux-gnu", "claudeproxy-linux-x64"],
  ["aarch64-unknown-linux-gnu", "claudeproxy-linux-arm64"],
  ["x86_64-apple-darwin", "claudeproxy-macos-x64"],
  ["aarch64-apple-darwin", "claudeproxy-macos-arm64"],
  ["x86_64-pc-windows-msvc", "claudeproxy-windows-x64.exe"],
]);
const HOST_OUTPUT = Deno.build.os === "windows" ? "claudeproxy.exe" : "claudeproxy";
const NAMES = VARIABLES.map((variable) => variable.name);
const ENV = [...NAMES, DEPLOY_VARIABLE, ...FOLDER_VARIABLES, ...STATUS_LINE_VARIABLES].join(",");

// Net access is not restricted because HOST and OPENROUTER_BASE_URL are set where the binary runs. Nor is read access:
// --allow-read=.env would be compiled in as an absolute path of this machine, and --env-file would embed the key.
// The binary may not start programs or write files. The unstable flag lets the threads of WORKERS share a port.
const FLAGS = [
  ...["--no-prompt", "--unstable-net"],
  ...["--allow-net", `--allow-env=${ENV}`, "--allow-read"],
];

const encoder = new TextEncoder();
const print = (line: string) => Deno.stdout.writeSync(encoder.encode(`${line}\n`));

/** A binary to compile. */
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

async function compile({ output, target }: Job, extraArgs: readonly string[]): Promise<boolean> {
  const targetArgs = target === null ? [] : ["--target", target];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["compile", ...FLAGS, ...extraArgs, ...targetArgs, "-o", output, "main.ts"],
    stderr: "piped",
  }).output();
  if (code === 0) {
    print(`Compiled ./${output}`);
    return true;
  }
  const errors = new TextDecoder().decode(stderr);
  const isBaseMissing = /Setting up base binary|Could not find denort/.test(errors);
  if (!isBaseMissing) print(errors);
  const reason = isBaseMissing
    ? `the base binary (denort) of Deno ${Deno.version.deno} cannot be downloaded from Deno's servers. ` +
      "Set DENORT_BIN to a copy of it, or use deno task bundle"
    : "see above";
  print(`NOT COMPILED ./${output}: ${reason}`);
  return false;
}

const index = Deno.args.indexOf("--target");
const target = index < 0 ? undefined : Deno.args[index + 1] ?? "";
const extraArgs = index < 0 ? Deno.args : Deno.args.toSpliced(index, 2);
const jobs = listJobs(target);
if (jobs.length === 0) {
  print(`Unknown target ${target}: use all or one of ${[...OUTPUTS.keys()].join(", ")}`);
  Deno.exit(1);
}
let failures = 0;
for (const job of jobs) if (!await compile(job, extraArgs)) failures++;
Deno.exit(failures === 0 ? 0 : 1);
