// CPU per chunk, requests per second and time to the first delta: the proxy beside its two references, in rounds
// A B C A B C, so that other load on the machine affects all three.

import { checkResponse } from "./check_response.ts";
import { BenchClient, decodeResponse, renderRequest } from "./client.ts";
import { type Listening, readCpu } from "./processes.ts";
import type { Comparison, Figure, Target } from "./report.ts";
import { median } from "./report.ts";
import { createClaudeCodeRequest, createSample, createSmallRequest, type Kind } from "./samples.ts";

/** The compared servers, in the order of measurement. */
export type Targets = Record<Target, Listening>;

const NAMES: readonly Target[] = ["pass", "passjs", "proxy"];
const CONNECTIONS = 32;
const SHORT_REQUESTS = 2000;
const LATENCY_REQUESTS = 200;
const decoder = new TextDecoder();

/** The cost of a batch of requests. */
interface Batch {
  cpuMicroseconds: number;
  seconds: number;
}

/** `requests` requests of a kind, 32 at a time; every response is checked. */
async function runBatch(
  target: Listening,
  name: Target,
  { kind, requests }: { kind: Kind; requests: number },
): Promise<Batch> {
  const request = renderRequest(target.port, createSmallRequest(kind));
  const clients = await connectAll(target.port, CONNECTIONS);
  const responses: Uint8Array[][] = [];
  let left = requests;
  const startedAt = performance.now();
  const cpuBefore = readCpu(target.pid);
  await Promise.all(clients.map(async (client) => {
    while (left-- > 0) {
      await client.send(request);
      responses.push(await client.readResponse());
    }
  }));
  const cpuMicroseconds = readCpu(target.pid) - cpuBefore;
  const seconds = (performance.now() - startedAt) / 1000;
  for (const client of clients) client.close();
  checkAll(responses, { kind, name, requests });
  return { cpuMicroseconds, seconds };
}

function connectAll(port: number, count: number): Promise<BenchClient[]> {
  return Promise.all(Array.from({ length: count }, () => BenchClient.connect(port)));
}

function checkAll(
  responses: Uint8Array[][],
  { kind, name, requests }: { kind: Kind; name: Target; requests: number },
): void {
  if (responses.length !== requests) {
    throw new Error(`${name}: ${responses.length} of ${requests} responses`);
  }
  const sample = createSample(kind);
  const dialect = name === "proxy" ? "anthropic" : "openrouter";
  for (const parts of responses) checkResponse(decodeResponse(parts), sample, dialect);
}

function createValues(): Record<Target, number[]> {
  return { pass: [], passjs: [], proxy: [] };
}

/** Runs `measure` for each target in each round, after a warm-up round. */
async function compare(
  rounds: number,
  measure: (name: Target) => Promise<(name: Target) => void>,
): Promise<void> {
  for (let round = 0; round <= rounds; round++) {
    for (const name of NAMES) {
      const keep = await measure(name);
      if (round > 0) keep(name);
    }
  }
}

/** CPU per million chunks, in seconds, which is microseconds a chunk. */
export async function compareStreams(targets: Targets, rounds: number): Promise<Comparison[]> {
  const rows: Comparison[] = [];
  for (const { kind, ...row } of STREAMS) {
    const values = createValues();
    const chunks = createSample(kind).deltas * CONNECTIONS;
    await compare(rounds, async (name) => {
      const options = { kind, requests: CONNECTIONS };
      const { cpuMicroseconds } = await runBatch(targets[name], name, options);
      return () => values[name].push(cpuMicroseconds / chunks);
    });
    rows.push({ ...row, values });
  }
  return rows;
}

const STREAMS = [
  {
    what: `CPU s per million chunks, one chunk per read, ${CONNECTIONS} streams`,
    kind: "one",
    must: "≤ 3.0 × pass, ≤ 0.9 × passjs",
    aim: "≤ 2.0 ×, ≤ 0.65 ×",
  },
  {
    what: "… 50 chunks per read",
    kind: "fifty",
    must: "≤ 11 × pass",
    aim: "≤ 8 ×",
  },
  {
    what: "… tool arguments",
    kind: "tools",
    must: "≤ 2.8 × pass",
    aim: "≤ 2.0 ×",
  },
  {
    what: "… one chunk per read, as fast as upstream can write",
    kind: "flood",
    must: "",
    aim: "",
  },
] as const;

/** Many short responses. */
export async function compareRequests(targets: Targets, rounds: number): Promise<Comparison[]> {
  const perSecond = createValues();
  const cpu = createValues();
  await compare(rounds, async (name) => {
    const options = { kind: "short", requests: SHORT_REQUESTS } as const;
    const { cpuMicroseconds, seconds } = await runBatch(targets[name], name, options);
    return () => {
      perSecond[name].push(SHORT_REQUESTS / seconds);
      cpu[name].push(cpuMicroseconds / SHORT_REQUESTS);
    };
  });
  const what = `short streams (20 chunks), ${CONNECTIONS} at once`;
  return [
    { what: `requests/s, ${what}`, values: perSecond, must: "≥ 0.33 × pass", aim: "≥ 0.45 ×" },
    { what: "CPU µs per request, the same", values: cpu, must: "", aim: "" },
  ];
}

/** Time to the first delta, minus that of the same client at upstream itself. */
export async function measureFirstDelta(
  targets: Targets,
  upstream: Listening,
  rounds: number,
): Promise<Figure[]> {
  const requests = [
    { what: "small request", body: createSmallRequest("short"), must: "< 0.5", aim: "< 0.25" },
    {
      what: "76 KB Claude Code request",
      body: createClaudeCodeRequest("short"),
      must: "< 1.0",
      aim: "< 0.45",
    },
  ];
  const rows: Figure[] = [];
  for (const { what, body, must, aim } of requests) {
    const added: Record<"pass" | "proxy", number[]> = { pass: [], proxy: [] };
    for (let round = 0; round <= rounds; round++) {
      const [direct, pass, proxy] = await timeInTurns(
        [upstream, targets.pass, targets.proxy],
        body,
      );
      if (round === 0) continue;
      added.pass.push((pass ?? NaN) - (direct ?? NaN));
      added.proxy.push((proxy ?? NaN) - (direct ?? NaN));
    }
    const title = `added ms to first delta, p50, ${what}`;
    rows.push({ what: title, values: added.proxy, digits: 2, must, aim });
    rows.push({ what: "… by pass", values: added.pass, digits: 2, must: "", aim: "" });
  }
  return rows;
}

/** The median time to the first delta of each server, requested in turns. */
async function timeInTurns(servers: Listening[], body: unknown): Promise<number[]> {
  const lanes = await Promise.all(servers.map(async ({ port }) => ({
    client: await BenchClient.connect(port),
    request: renderRequest(port, body),
    times: new Array<number>(),
  })));
  for (let i = 0; i < LATENCY_REQUESTS; i++) {
    for (const { client, request, times } of lanes) {
      times.push(await timeFirstDelta(client, request));
    }
  }
  for (const { client } of lanes) client.close();
  return lanes.map(({ times }) => median(times));
}

async function timeFirstDelta(client: BenchClient, request: Uint8Array): Promise<number> {
  const startedAt = performance.now();
  await client.send(request);
  const parts: Uint8Array[] = [];
  for (let text = ""; !/content_block_delta|"delta":/.test(text);) {
    const part = await client.read();
    text += decoder.decode(part);
    parts.push(part.slice());
  }
  const elapsed = performance.now() - startedAt;
  await client.readResponse(parts);
  return elapsed;
}
