// Start time, and memory: idle, with many streams, and with clients that do not read. Each round starts new processes.
// The bare passthrough shows what Deno itself needs on this machine.

import { checkResponse } from "./check_response.ts";
import { BenchClient, decodeResponse, renderRequest } from "./client.ts";
import { type Listening, readMemory, startTarget } from "./processes.ts";
import { createSample, createSmallRequest, type Kind } from "./samples.ts";
import type { RoundValues, Target, Trial } from "./trial.ts";

const STREAMS = 1000;
const STALLED = 4;
const STALL_MS = 3000;
/** Each round takes seconds. */
const MAX_ROUNDS = 3;
const MIB = 1024 * 1024;

/** Start and idle memory. Upstream is port 9, which refuses connections: the start must not wait for upstream. */
export function createStartTrial(): Trial {
  return {
    rows: [
      {
        what: "ms from start to first response",
        digits: 0,
        limit: { per: "pass", sign: "≤", must: 3.8, aim: 2.3 },
      },
      {
        what: "MiB of memory, idle",
        digits: 1,
        limit: { per: "pass", sign: "≤", must: 1.75, aim: 1.3 },
      },
    ],
    targets: ["pass", "proxy"],
    warmUps: 1,
    async measure(order) {
      const [start, idle]: [RoundValues, RoundValues] = [{}, {}];
      for (const target of order) {
        await using server = await startTarget(target, 9);
        await sleep(500);
        start[target] = server.startMs;
        idle[target] = readMemory(server.pid, "VmRSS");
      }
      return [start, idle];
    },
  };
}

/** Peak resident memory with 1,000 paced streams at once. */
export function createManyStreamsTrial(upstream: Listening): Trial {
  return {
    rows: [{
      what: "MiB at the peak, 1,000 concurrent streams",
      digits: 0,
      limit: { per: "pass", sign: "≤", must: 2.8, aim: 2 },
    }],
    targets: ["pass", "proxy"],
    warmUps: 0,
    maxRounds: MAX_ROUNDS,
    async measure(order) {
      const peaks: RoundValues = {};
      for (const target of order) {
        peaks[target] = await measurePeak(target, upstream);
      }
      return [peaks];
    },
  };
}

async function measurePeak(target: Target, upstream: Listening): Promise<number> {
  await using server = await startTarget(target, upstream.port);
  const request = renderRequest(server.port, createSmallRequest("slow"));
  const responses = await Promise.all(Array.from({ length: STREAMS }, async () => {
    const client = await BenchClient.connect(server.port);
    await client.send(request);
    const parts = await client.readResponse();
    client.close();
    return parts;
  }));
  const peak = readMemory(server.pid, "VmHWM");
  for (const parts of responses) check(parts, "slow", target);
  return peak;
}

/** Memory growth with four clients that stop reading, as a share of the 60 MB that upstream has for each. */
export function createStalledTrial(upstream: Listening): Trial {
  const kind = "big";
  const size = STALLED * createSample(kind).pieces.reduce((sum, { length }) => sum + length, 0);
  return {
    rows: [{
      what: "memory growth ÷ bytes to read, four stalled clients",
      digits: 3,
      limit: { per: null, sign: "≤", must: 0.1, aim: 0.04 },
    }],
    targets: ["proxy"],
    warmUps: 0,
    maxRounds: MAX_ROUNDS,
    async measure() {
      return [{ proxy: await measureStalled(upstream) * MIB / size }];
    },
  };
}

/** In MiB. One of the clients continues in the end and must receive everything. */
async function measureStalled(upstream: Listening): Promise<number> {
  await using proxy = await startTarget("proxy", upstream.port);
  await warmUp(proxy);
  const before = readMemory(proxy.pid, "VmRSS");
  const request = renderRequest(proxy.port, createSmallRequest("big"));
  const clients = await Promise.all(
    Array.from({ length: STALLED }, () => BenchClient.connect(proxy.port)),
  );
  const starts = await Promise.all(clients.map(async (client) => {
    await client.send(request);
    return (await client.read()).slice();
  }));
  await sleep(STALL_MS);
  const growth = readMemory(proxy.pid, "VmRSS") - before;
  const [reader, ...others] = clients;
  for (const client of others) client.close();
  check(await reader?.readResponse(starts.slice(0, 1)) ?? [], "big", "proxy");
  reader?.close();
  return growth;
}

async function warmUp(proxy: Listening): Promise<void> {
  const client = await BenchClient.connect(proxy.port);
  for (let i = 0; i < 50; i++) {
    await client.send(renderRequest(proxy.port, createSmallRequest("short")));
    check(await client.readResponse(), "short", "proxy");
  }
  client.close();
}

function check(parts: Uint8Array[], kind: Kind, target: Target): void {
  checkResponse(decodeResponse(parts), createSample(kind), target);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
