/**
 * `deno task mutants`: breaks lib/ in small ways, one at a time, and tells which of them no test notices.
 *
 * ```sh
 * deno task mutants --files lib/translate/response/stream_translator.ts --sample 100 --seed 1
 * ```
 *
 * All mutants are written into one copy of the project, each behind a switch, so that the modules load once. Each
 * mutant runs the tests that were seen to reach it, in process, up to the first failure. A mutant that hangs is
 * killed with its process. Exit code 1 where too many survive.
 * @module
 */

import { listMutantsOf, listSources, listUserIds, readProject, writeCopy } from "./copy.ts";
import type { Mutant, Verdict } from "./mutation.ts";
import { readOptions } from "./options.ts";
import { type Coverage, isOnLoad, planTests, readCoverage } from "./plan.ts";
import { describeMutant, describeResults, rate, type Result } from "./report.ts";
import type { Measured, RunCommand } from "./protocol.ts";
import { Runner, RunnerGone } from "./runner.ts";
import { takeSample } from "./sample.ts";
import { listTestFiles } from "./test_files.ts";

const ROOT = `${import.meta.dirname}/../..`;
const encoder = new TextEncoder();
const say = (line: string) => Deno.stdout.writeSync(encoder.encode(`${line}\n`));

/** The flags that stand in for @std where JSR cannot be reached; see the task `modules`. */
async function readFlags(): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "-q", "modules"],
    cwd: ROOT,
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout).split(/\s+/).filter((flag) => flag !== "");
}

/** Each runner takes the next item as soon as it is free. The results keep the order of the items. */
async function share<T, R>(
  items: readonly T[],
  runners: readonly Runner[],
  work: (item: T, runner: Runner) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  await Promise.all(runners.map(async (runner) => {
    for (const [place, item] of queue) results[place] = await work(item, runner);
  }));
  return results;
}

async function measure(file: string, runner: Runner): Promise<Measured> {
  try {
    return await runner.measure(file);
  } catch (error) {
    return { file, problem: `${error}` };
  }
}

/** Tries a mutant; a process that an earlier one has damaged gets no say. */
async function tryMutant(command: RunCommand, runner: Runner): Promise<Verdict> {
  if (command.tests.length === 0) return { how: "not reached" };
  try {
    const trial = await runner.run(command);
    if (trial.doubt === null) return toVerdict(trial.killedBy);
    await runner.stop();
    if (trial.doubt === "late") return toVerdict(trial.killedBy);
    const again = await runner.run(command);
    // The damage is of its own making.
    if (again.doubt !== null) await runner.stop();
    return toVerdict(again.killedBy);
  } catch (error) {
    if (error instanceof RunnerGone) return { how: "killed", by: error.message };
    throw error;
  }
}

function toVerdict(killedBy: string | null): Verdict {
  return killedBy === null ? { how: "survived" } : { how: "killed", by: killedBy };
}

async function main(): Promise<number> {
  const startedAt = performance.now();
  const options = readOptions(Deno.args);
  const files = await readProject(ROOT);
  const sources = listSources(files, options.files);
  const all = listMutantsOf(files, sources);
  const mutants = takeSample(all, options.sample, options.seed)
    .toSorted((a, b) => sources.indexOf(a.file) - sources.indexOf(b.file) || a.start - b.start)
    .map((mutant, place) => ({ ...mutant, id: place + 1 }));
  say(`${mutants.length} of ${all.length} mutants in ${sources.length} files`);
  if (options.isList) return mutants.map((mutant) => say(describeMutant(mutant))) && 0;

  await using resources = new AsyncDisposableStack();
  const folder = await writeCopy(files, sources, mutants);
  resources.defer(() => Deno.remove(folder, { recursive: true }));
  const flags = await readFlags();
  const runners = Array.from(
    { length: options.workers },
    () => resources.use(new Runner(folder, flags)),
  );
  const coverage = readCoverage(await share(listTestFiles(files.keys()), runners, measure));
  for (const problem of coverage.problems) say(`Not used: ${problem}`);
  const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(0);
  say(`${coverage.tests.length} tests measured after ${seconds()} s`);

  const results = await share(mutants, runners, async (mutant, runner): Promise<Result> => {
    const command = planCommand(mutant, coverage, (file) => listUserIds(files, sources, file));
    return { mutant, verdict: await tryMutant(command, runner) };
  });
  for (const line of describeResults(results)) say(line);
  say(`took ${seconds()} s`);
  return rate(results) < options.threshold ? 1 : 0;
}

function planCommand(
  mutant: Mutant,
  coverage: Coverage,
  listUsers: (file: string) => number[],
): RunCommand {
  const remakes = isOnLoad(coverage, mutant);
  const ids = remakes ? [mutant.id, ...listUsers(mutant.file)] : [mutant.id];
  return { do: "run", mutant: mutant.id, remakes, tests: planTests(coverage, ids) };
}

// The exit code is set, not forced: the copy is removed first.
Deno.exitCode = await main();
