// Start time, and memory: idle, with many streams, and with clients that do not read. Each round starts a new proxy.

import { checkResponse } from "./check_response.ts";
import { BenchClient, decodeResponse, renderRequest } from "./client.ts";
import { type Listening, readMemory, startProxy } from "./processes.ts";
import type { Figure } from "./report.ts";
import { createSample, createSmallRequest, type Kind } from "./samples.ts";

const STREAMS = 1000;
const STALLED = 4;
const STALL_MS = 3000;

/** Upstream is port 9, which refuses connections: the start must not wait for upstream. */
export async function measureStart(rounds: number): Promise<Figure[]> {
  const starts: number[] = [];
  const idle: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const proxy = await startProxy(9);
    await sleep(500);
    if (round > 0) starts.push(proxy.startMs);
    if (round > 0) idle.push(readMemory(proxy.pid, "VmRSS"));
    await proxy.stop();
  }
  return [
    {
      what: "start to first /health response, ms",
      values: starts,
      digits: 0,
      must: "< 100",
      aim: "< 60",
    },
    { what: "idle memory, MiB", values: idle, digits: 1, must: "< 60", aim: "< 45" },
  ];
}

/** Peak resident memory with 1,000 paced streams at once. */
export async function measureManyStreams(upstream: Listening, rounds: number): Promise<Figure[]> {
  const values: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const proxy = await startProxy(upstream.port);
    const request = renderRequest(proxy.port, createSmallRequest("slow"));
    const responses = await Promise.all(Array.from({ length: STREAMS }, async () => {
      const client = await BenchClient.connect(proxy.port);
      await client.send(request);
      const parts = await client.readResponse();
      client.close();
      return parts;
    }));
    values.push(readMemory(proxy.pid, "VmHWM"));
    await proxy.stop();
    for (const parts of responses) check(parts, "slow");
  }
  const what = "1,000 concurrent paced streams, peak MiB";
  return [{ what, values, digits: 0, must: "< 300", aim: "< 200" }];
}

/** Memory growth with four clients that stop reading; one of them continues in the end and must receive everything. */
export async function measureStalled(upstream: Listening, rounds: number): Promise<Figure[]> {
  const values: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const proxy = await startProxy(upstream.port);
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
    values.push(readMemory(proxy.pid, "VmRSS") - before);
    const [reader, ...others] = clients;
    for (const client of others) client.close();
    check(await reader?.readResponse(starts.slice(0, 1)) ?? [], "big");
    reader?.close();
    await proxy.stop();
  }
  const what = "growth with four stalled readers of 60 MB, MiB";
  return [{ what, values, digits: 1, must: "< 32", aim: "< 12" }];
}

async function warmUp(proxy: Listening): Promise<void> {
  const client = await BenchClient.connect(proxy.port);
  for (let i = 0; i < 50; i++) {
    await client.send(renderRequest(proxy.port, createSmallRequest("short")));
    check(await client.readResponse(), "short");
  }
  client.close();
}

function check(parts: Uint8Array[], kind: Kind): void {
  checkResponse(decodeResponse(parts), createSample(kind), "anthropic");
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
