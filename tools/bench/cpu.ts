// CPU per chunk, requests per second and time to the first delta: the proxy beside its references.

import { checkResponse } from "./check_response.ts";
import { BenchClient, decodeResponse, renderRequest } from "./client.ts";
import { type Listening, readCpu } from "./processes.ts";
import { createClaudeCodeRequest, createSample, createSmallRequest, type Kind } from "./samples.ts";
import { type Limit, type RoundValues, type Target, TARGETS, type Trial } from "./trial.ts";
import { median } from "./verdict.ts";

/** The compared servers. */
export type Servers = Record<Target, Listening>;

const CONNECTIONS = 32;
const SHORT_REQUESTS = 1500;
/**
 * A server that works all day is warm: the first two thousand requests cost twice as much as later ones, because V8 still
 * compiles.
 */
const SHORT_WARM_UPS = 5;
const LATENCY_REQUESTS = 200;
const decoder = new TextDecoder();

/** The cost of a batch of requests. */
interface Batch {
  cpuMicroseconds: number;
  seconds: number;
}

/** `requests` requests of a kind, 32 at a time; every response is checked. */
async function runBatch(
  servers: Servers,
  target: Target,
  { kind, requests }: { kind: Kind; requests: number },
): Promise<Batch> {
  const { pid, port } = servers[target];
  const request = renderRequest(port, createSmallRequest(kind));
  const clients = await connectAll(port, CONNECTIONS);
  const responses: Uint8Array[][] = [];
  let left = requests;
  const startedAt = performance.now();
  const cpuBefore = readCpu(pid);
  await Promise.all(clients.map(async (client) => {
    while (left-- > 0) {
      await client.send(request);
      responses.push(await client.readResponse());
    }
  }));
  const cpuMicroseconds = readCpu(pid) - cpuBefore;
  const seconds = (performance.now() - startedAt) / 1000;
  for (const client of clients) client.close();
  checkAll(responses, { kind, target, requests });
  return { cpuMicroseconds, seconds };
}

function connectAll(port: number, count: number): Promise<BenchClient[]> {
  return Promise.all(Array.from({ length: count }, () => BenchClient.connect(port)));
}

function checkAll(
  responses: Uint8Array[][],
  { kind, target, requests }: { kind: Kind; target: Target; requests: number },
): void {
  if (responses.length !== requests) {
    throw new Error(`${target}: ${responses.length} of ${requests} responses`);
  }
  const sample = createSample(kind);
  for (const parts of responses) checkResponse(decodeResponse(parts), sample, target);
}

const STREAMS: { what: string; kind: Kind; limit: Limit }[] = [
  {
    what: "CPU µs per chunk, one chunk per read",
    kind: "one",
    limit: { per: "pass", sign: "≤", must: 2.3, aim: 2 },
  },
  {
    what: "CPU µs per chunk, 50 chunks per read",
    kind: "fifty",
    limit: { per: "pass", sign: "≤", must: 8, aim: 6 },
  },
  {
    what: "CPU µs per chunk, tool arguments, one chunk per read",
    kind: "tools",
    limit: { per: "pass", sign: "≤", must: 2.3, aim: 2 },
  },
];

/** Long responses. */
export function createStreamTrials(servers: Servers): Trial[] {
  return STREAMS.map(({ kind, ...row }) => ({
    rows: [{ ...row, digits: 2 }],
    targets: TARGETS,
    warmUps: 1,
    async measure(order) {
      const chunks = createSample(kind).deltas * CONNECTIONS;
      const values: RoundValues = {};
      for (const target of order) {
        const batch = await runBatch(servers, target, { kind, requests: CONNECTIONS });
        values[target] = batch.cpuMicroseconds / chunks;
      }
      return [values];
    },
  }));
}

/** Many short responses. The share of a core shows whether the load generator was the limit. */
export function createRequestTrial(servers: Servers): Trial {
  return {
    rows: [
      {
        what: "short streams per second",
        digits: 0,
        limit: { per: "pass", sign: "≥", must: 0.4, aim: 0.55 },
      },
      {
        what: "CPU µs per short stream",
        digits: 0,
        limit: { per: "pass", sign: "≤", must: 2.8, aim: 2 },
      },
      { what: "share of a core in use, short streams", digits: 2 },
    ],
    targets: TARGETS,
    warmUps: SHORT_WARM_UPS,
    async measure(order) {
      const [rate, cpu, share]: [RoundValues, RoundValues, RoundValues] = [{}, {}, {}];
      for (const target of order) {
        const options = { kind: "short", requests: SHORT_REQUESTS } as const;
        const { cpuMicroseconds, seconds } = await runBatch(servers, target, options);
        rate[target] = SHORT_REQUESTS / seconds;
        cpu[target] = cpuMicroseconds / SHORT_REQUESTS;
        share[target] = cpuMicroseconds / seconds / 1e6;
      }
      return [rate, cpu, share];
    },
  };
}

const FIRST_DELTAS: { what: string; body: unknown; limit: Limit }[] = [
  {
    what: "added ms to first delta, small request",
    body: createSmallRequest("short"),
    limit: { per: "passjs", sign: "≤", must: 2, aim: 1.5 },
  },
  {
    what: "added ms to first delta, Claude Code request of 76 KB",
    body: createClaudeCodeRequest("short"),
    limit: { per: "passjs", sign: "≤", must: 3, aim: 2.2 },
  },
];

/** Time to the first delta through a server, minus that of the same client at upstream itself. */
export function createFirstDeltaTrials(servers: Servers, upstream: Listening): Trial[] {
  return FIRST_DELTAS.map(({ what, body, limit }) => ({
    rows: [{ what, digits: 2, limit }],
    targets: ["pass", "passjs", "proxy"],
    warmUps: 1,
    async measure(order) {
      const inTurns = [upstream, ...order.map((target) => servers[target])];
      const [direct = NaN, ...times] = await timeInTurns(inTurns, body);
      const added = order.map((target, i) => [target, (times[i] ?? NaN) - direct]);
      return [Object.fromEntries(added)];
    },
  }));
}

/** The median time to the first delta of each server, requested in turns. */
async function timeInTurns(servers: readonly Listening[], body: unknown): Promise<number[]> {
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
