/**
 * `deno task mutants [words]`: breaks a copy of lib/ in the ways of mutations.ts, one at a time, and tells
 * whether the unit tests notice. With words, only the files whose path contains one of them.
 * Exit code 1 where a mutant survives, does not apply or does not run.
 */

import type { Area, Mutation, TestSet } from "./mutation.ts";
import { AREAS } from "./mutations.ts";
import { type Outcome, runTests } from "./trial.ts";
import { createWorkspace, mutate, readProject, type Workspace } from "./workspace.ts";

const ROOT = `${import.meta.dirname}/../..`;
const WORKERS = 2;
const encoder = new TextEncoder();
const say = (line: string) => Deno.stdout.writeSync(encoder.encode(`${line}\n`));

interface Mutant {
  area: Area;
  mutation: Mutation;
}

/** Killed, or one of three ways to fail. */
type Verdict = "killed" | "SURVIVED" | "does not apply" | "does not run";

/** The flags that stand in for @std where JSR cannot be reached; see the task `modules`. */
async function readFlags(): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "-q", "modules"],
    cwd: ROOT,
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout).split(/\s+/).filter((flag) => flag !== "");
}

/** Each worker takes the next item as soon as it is free, in a copy of its own. */
async function share<T>(
  items: readonly T[],
  workspaces: readonly Workspace[],
  work: (item: T, workspace: Workspace) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  await Promise.all(workspaces.map(async (workspace) => {
    for (const item of queue) await work(item, workspace);
  }));
}

/** Whether every set of tests passes while nothing is broken. */
async function checkBaseline(
  areas: readonly Area[],
  workspaces: readonly Workspace[],
  flags: readonly string[],
): Promise<boolean> {
  const sets = new Map<string, TestSet>(
    areas.map(({ tests }) => [`${tests.files.join(" ")} ${tests.filter ?? ""}`, tests]),
  );
  let isGood = true;
  await share([...sets], workspaces, async ([name, tests], { folder }) => {
    const outcome = await runTests(folder, tests, flags);
    if (outcome.how === "passed") return;
    isGood = false;
    say(`Without any mutation: ${name}: ${describe(outcome)}`);
  });
  return isGood;
}

async function tryMutant(
  { area, mutation }: Mutant,
  { folder }: Workspace,
  flags: readonly string[],
): Promise<Verdict> {
  const path = `${folder}/${area.file}`;
  const original = await Deno.readTextFile(path);
  const mutated = mutate(original, mutation);
  const where = `${area.file}: ${mutation.breaks}`;
  if (mutated === null) {
    say(`does not apply  ${where}: not exactly once: ${JSON.stringify(mutation.find)}`);
    return "does not apply";
  }
  const startedAt = performance.now();
  await Deno.writeTextFile(path, mutated);
  const outcome = await runTests(folder, area.tests, flags);
  await Deno.writeTextFile(path, original);
  const verdict = judge(outcome);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  say(`${verdict} ${seconds} s  ${where} ← ${describe(outcome)}`);
  return verdict;
}

function judge({ how }: Outcome): Verdict {
  switch (how) {
    case "passed":
      return "SURVIVED";
    case "failed":
    case "timed out":
      return "killed";
    case "did not run":
      return "does not run";
    default:
      return how satisfies never;
  }
}

function describe(outcome: Outcome): string {
  if (outcome.how === "failed") return `“${outcome.by}”`;
  return outcome.how === "did not run" ? `did not run:\n${outcome.output.trim()}` : outcome.how;
}

async function main(words: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  const areas = AREAS.filter(({ file }) =>
    words.length === 0 || words.some((word) => file.includes(word))
  );
  const mutants: Mutant[] = areas.flatMap((area) =>
    area.mutations.map((mutation) => ({ area, mutation }))
  );
  const [flags, files] = await Promise.all([readFlags(), readProject(ROOT)]);
  await using copies = new AsyncDisposableStack();
  const workspaces: Workspace[] = [];
  while (workspaces.length < WORKERS) workspaces.push(copies.use(await createWorkspace(files)));
  if (mutants.length === 0 || !await checkBaseline(areas, workspaces, flags)) {
    say("Nothing was mutated: the tests must pass first");
    return 1;
  }
  const counts = { killed: 0, SURVIVED: 0, "does not apply": 0, "does not run": 0 };
  await share(mutants, workspaces, async (mutant, workspace) => {
    counts[await tryMutant(mutant, workspace, flags)]++;
  });
  const misfits = counts["does not apply"] + counts["does not run"];
  if (misfits > 0) say(`${misfits} of the table do not apply or do not run: correct their text`);
  say(`took ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  say(`${mutants.length} mutants, ${counts.killed} killed, ${counts.SURVIVED} survived`);
  return counts.killed === mutants.length ? 0 : 1;
}

// The exit code is set, not forced: the copies are removed first.
Deno.exitCode = await main(Deno.args);
