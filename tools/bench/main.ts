// `deno task bench [--only PART,…] [--rounds N] [--program claudeproxy.js]` measures the cost of the proxy beside two
// references that translate nothing. Parts: streams, requests, delta, memory, start, linear. A run of all parts
// with main.ts is written to tools/bench/RESULTS.md.

import { compareRequests, compareStreams, measureFirstDelta, type Targets } from "./cpu.ts";
import { measureExponents } from "./linear.ts";
import { measureManyStreams, measureStalled, measureStart } from "./memory.ts";
import {
  canPin,
  type Listening,
  pinSelf,
  startProxy,
  startReference,
  startUpstream,
} from "./processes.ts";
import { type Comparison, type Figure, formatComparisons, formatFigures } from "./report.ts";

const RESULTS = new URL("RESULTS.md", import.meta.url);
/** The notes from this line on are written by hand, and kept. */
const NOTES = "\n## Notes\n";
/** Each round starts its own proxy and takes seconds. */
const MEMORY_ROUNDS = 3;

const PARTS = ["streams", "requests", "delta", "memory", "start", "linear"] as const;
type Part = typeof PARTS[number];

interface Plan {
  parts: readonly Part[];
  rounds: number;
}

const encoder = new TextEncoder();
const print = (line: string) => Deno.stdout.writeSync(encoder.encode(`${line}\n`));

function readPlan(args: readonly string[]): Plan {
  const valueOf = (flag: string) => args[args.indexOf(flag) + 1] ?? "";
  const names = args.includes("--only") ? valueOf("--only").split(",") : [...PARTS];
  const parts = PARTS.filter((part) => names.includes(part));
  const rounds = args.includes("--rounds") ? Number(valueOf("--rounds")) : 5;
  if (parts.length < names.length || !(rounds >= 1)) {
    throw new Error(`Use --only with any of ${PARTS.join(",")}, and --rounds with a number`);
  }
  return { parts, rounds };
}

async function compareAll({ parts, rounds }: Plan, upstream: Listening) {
  const targets: Targets = {
    pass: await startReference("pass", upstream),
    passjs: await startReference("passjs", upstream),
    proxy: await startProxy(upstream.port),
  };
  const comparisons: Comparison[] = [];
  const figures: Figure[] = [];
  if (parts.includes("streams")) comparisons.push(...await compareStreams(targets, rounds));
  if (parts.includes("requests")) comparisons.push(...await compareRequests(targets, rounds));
  if (parts.includes("delta")) {
    figures.push(...await measureFirstDelta(targets, upstream, rounds));
  }
  for (const { stop } of Object.values(targets)) await stop();
  return { comparisons, figures };
}

async function measureAlone({ parts, rounds }: Plan, upstream: Listening): Promise<Figure[]> {
  const figures: Figure[] = [];
  if (parts.includes("memory")) {
    const memoryRounds = Math.min(rounds, MEMORY_ROUNDS);
    figures.push(...await measureManyStreams(upstream, memoryRounds));
    figures.push(...await measureStalled(upstream, memoryRounds));
  }
  if (parts.includes("start")) figures.push(...await measureStart(rounds));
  if (parts.includes("linear")) figures.push(...await measureExponents(rounds));
  return figures;
}

async function describeMachine(): Promise<string> {
  const cores = navigator.hardwareConcurrency;
  let kind = Deno.build.arch as string;
  try {
    const info = await Deno.readTextFile("/proc/cpuinfo");
    kind = /model name\s*: (.*)/.exec(info)?.[1] ?? kind;
  } catch {
    // Not Linux: only the architecture is known.
  }
  const pinned = canPin
    ? "the measured process has one core to itself"
    : "processes not pinned to cores";
  return `${kind}, ${cores} cores, ${Deno.build.os}; ${pinned}`;
}

async function describeRun(plan: Plan): Promise<string> {
  const { version } = JSON.parse(
    await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
  );
  const load = Deno.loadavg()[0]?.toFixed(1);
  return [
    "# Cost of the proxy",
    "",
    `\`deno task bench\` on ${new Date().toISOString().slice(0, 10)}: claudeproxy ${version},`,
    `Deno ${Deno.version.deno}, V8 ${Deno.version.v8}, ${plan.rounds} rounds.`,
    `${await describeMachine()}; load average before the run ${load}.`,
    "",
    "`pass` is `new Response(upstream.body)`, `passjs` the same through one identity TransformStream.",
    "Values are medians with their range over the rounds; ratios are taken within a round. Every",
    "response was compared with what upstream sent.",
  ].join("\n");
}

async function main(): Promise<void> {
  const plan = readPlan(Deno.args);
  const startedAt = performance.now();
  const intro = await describeRun(plan);
  await pinSelf();
  const upstream = await startUpstream();
  const { comparisons, figures } = await compareAll(plan, upstream);
  figures.push(...await measureAlone(plan, upstream));
  await upstream.stop();
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const blocks = [intro];
  if (comparisons.length > 0) blocks.push(formatComparisons(comparisons));
  if (figures.length > 0) blocks.push(formatFigures(figures));
  blocks.push(`The run took ${seconds} s.`);
  const report = `${blocks.join("\n\n")}\n`;
  print(report);
  const isFullRun = plan.parts.length === PARTS.length && !Deno.args.includes("--program");
  if (isFullRun) await writeResults(report);
}

async function writeResults(report: string): Promise<void> {
  const before = await Deno.readTextFile(RESULTS).catch(() => "");
  const notes = before.indexOf(NOTES);
  await Deno.writeTextFile(RESULTS, notes === -1 ? report : report + before.slice(notes));
}

await main();
