/**
 * `deno task mutants`: breaks lib/ in small ways, one at a time, and lists the changes that no test detects.
 *
 * ```sh
 * deno task mutants --files lib/translate/response/stream_translator.ts --sample 100 --seed 1
 * ```
 *
 * All mutants are written into one copy of the project, each behind a switch, so that modules are loaded once. For
 * each mutant the tests that reach it are run in one process until the first failure. The process of a mutant that
 * hangs is killed. Exits with 1 if too many survive.
 * @module
 */

import { listDependentIds, listMutantsOf, listSources, readProject, writeCopy } from "./copy.ts";
import type { Mutant, Verdict } from "./mutation.ts";
import { readOptions } from "./options.ts";
import { type Coverage, isOnLoad, planTests, readCoverage } from "./plan.ts";
import { describeMutant, describeResults, rate, type Result } from "./report.ts";
import type { Measured, RunCommand } from "./protocol.ts";
import { Runner, RunnerFailed } from "./runner.ts";
import { takeSample } from "./sample.ts";
import { listTestFiles } from "./test_files.ts";

const ROOT = `${import.meta.dirname}/../..`;
const encoder = new TextEncoder();
const print = (line: string) => Deno.stdout.writeSync(encoder.encode(`${line}\n`));

/** The flags for the local copies of @std if JSR cannot be reached; see the task `modules`. */
async function readFlags(): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "-q", "modules"],
    cwd: ROOT,
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout).split(/\s+/).filter((flag) => flag !== "");
}

/** Distributes items among runners as they become free. The results keep the order of the items. */
async function distribute<T, R>(
  items: readonly T[],
  runners: readonly Runner[],
  work: (item: T, runner: Runner) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  await Promise.all(runners.map(async (runner) => {
    for (const [index, item] of queue) results[index] = await work(item, runner);
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

/** Runs a mutant, and again in a new process if an earlier mutant had corrupted the first one. */
async function tryMutant(command: RunCommand, runner: Runner): Promise<Verdict> {
  if (command.tests.length === 0) return { status: "not reached" };
  try {
    const result = await runner.run(command);
    if (result.taint === null) return toVerdict(result.killedBy);
    await runner.stop();
    if (result.taint === "timeout") return toVerdict(result.killedBy);
    const again = await runner.run(command);
    // The mutant itself corrupts the process.
    if (again.taint !== null) await runner.stop();
    return toVerdict(again.killedBy);
  } catch (error) {
    if (error instanceof RunnerFailed) return { status: "killed", killedBy: error.message };
    throw error;
  }
}

function toVerdict(killedBy: string | null): Verdict {
  return killedBy === null ? { status: "survived" } : { status: "killed", killedBy };
}

async function main(): Promise<number> {
  const startedAt = performance.now();
  const options = readOptions(Deno.args);
  const files = await readProject(ROOT);
  const sources = listSources(files, options.files);
  const all = listMutantsOf(files, sources);
  const mutants = takeSample(all, options.sample, options.seed)
    .toSorted((a, b) => sources.indexOf(a.file) - sources.indexOf(b.file) || a.start - b.start)
    .map((mutant, index) => ({ ...mutant, id: index + 1 }));
  print(`${mutants.length} of ${all.length} mutants in ${sources.length} files`);
  if (options.isList) return mutants.map((mutant) => print(describeMutant(mutant))) && 0;

  await using resources = new AsyncDisposableStack();
  const folder = await writeCopy(files, sources, mutants);
  resources.defer(() => Deno.remove(folder, { recursive: true }));
  const flags = await readFlags();
  const runners = Array.from(
    { length: options.workers },
    () => resources.use(new Runner(folder, flags)),
  );
  const coverage = readCoverage(await distribute(listTestFiles(files.keys()), runners, measure));
  for (const problem of coverage.problems) print(`Not used: ${problem}`);
  const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(0);
  print(`${coverage.tests.length} tests measured after ${seconds()} s`);

  const results = await distribute(mutants, runners, async (mutant, runner): Promise<Result> => {
    const command = planCommand(mutant, coverage, (file) => listDependentIds(files, sources, file));
    return { mutant, verdict: await tryMutant(command, runner) };
  });
  for (const line of describeResults(results)) print(line);
  print(`took ${seconds()} s`);
  return rate(results) < options.threshold ? 1 : 0;
}

function planCommand(
  mutant: Mutant,
  coverage: Coverage,
  listDependents: (file: string) => number[],
): RunCommand {
  const recomputes = isOnLoad(coverage, mutant);
  const ids = recomputes ? [mutant.id, ...listDependents(mutant.file)] : [mutant.id];
  return { do: "run", mutant: mutant.id, recomputes, tests: planTests(coverage, ids) };
}

// Deno.exit would not remove the copy.
Deno.exitCode = await main();
