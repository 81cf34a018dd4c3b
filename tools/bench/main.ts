// `deno task bench [--only PART,…] [--rounds N] [--program claudeproxy.js] [--write]` measures the cost of the proxy
// beside references that do little, and exits with 1 when a ratio misses its limit. `--write` puts the
// report into tools/bench/RESULTS.md.

import {
  createFirstDeltaTrials,
  createRequestTrial,
  createStreamTrials,
  type Servers,
} from "./cpu.ts";
import { createExponentTrial } from "./linear.ts";
import { createManyStreamsTrial, createStalledTrial, createStartTrial } from "./memory.ts";
import { type Part, type Plan, readPlan } from "./plan.ts";
import { canPin, type Listening, pinSelf, startTarget, startUpstream } from "./processes.ts";
import { formatRatios, formatValues, replaceReport } from "./report.ts";
import { type MeasuredRow, runTrials, type Trial } from "./trial.ts";
import { describeNoise, listMisses } from "./verdict.ts";

const RESULTS = new URL("RESULTS.md", import.meta.url);

const encoder = new TextEncoder();
const print = (line: string) => Deno.stdout.writeSync(encoder.encode(`${line}\n`));

async function measureAll({ parts, rounds }: Plan): Promise<MeasuredRow[]> {
  await using upstream = await startUpstream();
  await using pass = await startTarget("pass", upstream.port);
  await using passjs = await startTarget("passjs", upstream.port);
  await using minimal = await startTarget("minimal", upstream.port);
  await using proxy = await startTarget("proxy", upstream.port);
  const trials = createTrials({ pass, passjs, minimal, proxy }, upstream);
  const measured: MeasuredRow[] = [];
  // Part after part: in a pause of half a minute V8 forgets what it has compiled.
  for (const part of parts) measured.push(...await runTrials(trials[part], rounds));
  return measured;
}

function createTrials(servers: Servers, upstream: Listening): Record<Part, Trial[]> {
  return {
    streams: createStreamTrials(servers),
    requests: [createRequestTrial(servers)],
    delta: createFirstDeltaTrials(servers, upstream),
    memory: [createManyStreamsTrial(upstream), createStalledTrial(upstream)],
    start: [createStartTrial()],
    linear: [createExponentTrial()],
  };
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

async function describeRun(rounds: number, seconds: number): Promise<string> {
  const { version } = JSON.parse(
    await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
  );
  const date = new Date().toISOString().slice(0, 10);
  return [
    `\`deno task bench\` on ${date}: claudeproxy ${version}, Deno ${Deno.version.deno}, ${rounds}`,
    `rounds, ${Math.round(seconds)} s. ${await describeMachine()}.`,
  ].join(" ");
}

const METHOD =
  `\`pass\` is \`new Response(upstream.body)\`, \`passjs\` the same through one identity
TransformStream; \`minimal\` translates deltas and does nothing else: no checks, blocks, usage, time
limits, figures or log. All measurements take turns, round after round. A ratio is the proxy's value
divided by the reference's of the same round; the tables have medians with their range over the
rounds. Only ratios have limits, and a run that misses one fails. Every response is compared with
what upstream sent.

CPU per chunk is that of 32 streams, with pauses after each read: without them several chunks wait in
the socket, and \`pass\` forwards them together. Short streams have 20 chunks, sent at once, and run 32
at a time; if a server uses less than its core, the load generator is the limit. *Added* is the median
time to the first delta minus the same client's at upstream itself. Start and idle memory are those
of a new process, the peak is that of streams that all are open at once.`;

async function main(): Promise<void> {
  const plan = readPlan(Deno.args);
  const load = Deno.loadavg()[0] ?? NaN;
  const startedAt = performance.now();
  await pinSelf();
  const rows = await measureAll(plan);
  const intro = await describeRun(plan.rounds, (performance.now() - startedAt) / 1000);
  const noise = describeNoise(rows, load);
  const misses = listMisses(rows);
  const blocks = [
    "# Cost of the proxy",
    intro,
    noise,
    formatRatios(rows),
    formatValues(rows),
    `## Method\n\n${METHOD}`,
  ];
  const report = `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
  print(report);
  if (plan.writes) {
    await writeResults(report);
  }
  for (const miss of misses) print(`Missed: ${miss}`);
  if (misses.length > 0) Deno.exitCode = 1;
}

async function writeResults(report: string): Promise<void> {
  await Deno.writeTextFile(RESULTS, replaceReport(await Deno.readTextFile(RESULTS), report));
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "-q", RESULTS.pathname] }).output();
}

await main();
