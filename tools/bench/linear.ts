// Exponents of CPU time over size, measured in this process: 1 is linear cost.

import { cpuUsage } from "node:process";
import { parseMessagesRequest } from "../../lib/anthropic/parse_request.ts";
import { createEventStream } from "../../lib/stream/event_stream.ts";
import { estimateInputTokens } from "../../lib/translate/tokens.ts";
import { translateRequest } from "../../lib/translate/request/request.ts";
import { StreamTranslator } from "../../lib/translate/response/stream_translator.ts";
import { createClaudeCodeRequest, createTextSample, type Sample } from "./samples.ts";
import type { RoundValues, Trial } from "./trial.ts";

const encoder = new TextEncoder();

/** `prepare` builds the input of a size, and returns the function to measure. */
interface Growth {
  what: string;
  sizes: readonly [small: number, large: number];
  prepare: (size: number) => () => unknown;
}

/** Quadratic cost is 2. Linear cost was 1.0 to 1.4: large inputs miss the caches, the more so beside other programs. */
const MOST = 1.5;
const TURNS = [500, 5000] as const;
const KB = 1024;

const GROWTHS: readonly Growth[] = [
  {
    what: "translateRequest, 500 to 5,000 turns",
    sizes: TURNS,
    prepare: (turns) => {
      const request = parseMessagesRequest(createClaudeCodeRequest("one", turns));
      return () => translateRequest(request, { models: ["bench/one"] });
    },
  },
  {
    what: "count_tokens, 500 to 5,000 turns",
    sizes: TURNS,
    prepare: (turns) => {
      const body = createClaudeCodeRequest("one", turns);
      return () => estimateInputTokens(parseMessagesRequest(body));
    },
  },
  {
    what: "streams of 1 to 10 MB",
    sizes: [KB * KB, 10 * KB * KB],
    prepare: (size) => {
      const sample = createTextSample({ deltas: Math.ceil(size / 250), perPiece: 50 });
      return () => streamThrough(sample, Infinity);
    },
  },
  {
    what: "one line of 400 KB to 4 MB in reads of 1 KB",
    sizes: [400 * KB, 4000 * KB],
    prepare: (size) => {
      const sample = createTextSample({ deltas: 1, perPiece: 1, word: "x".repeat(size) });
      return () => streamThrough(sample, KB);
    },
  },
];

/** Whether cost grows with size, or faster. */
export function createExponentTrial(): Trial {
  return {
    rows: GROWTHS.map(({ what }) => ({
      what: `exponent: ${what}`,
      digits: 2,
      limit: { per: null, sign: "≤", must: MOST },
    })),
    targets: ["proxy"],
    warmUps: 1,
    async measure() {
      const values: RoundValues[] = [];
      for (const growth of GROWTHS) values.push({ proxy: await measureExponent(growth) });
      return values;
    },
  };
}

async function measureExponent({ sizes: [small, large], prepare }: Growth): Promise<number> {
  const before = await measureMean(prepare(small));
  const after = await measureMean(prepare(large));
  return Math.log(after / before) / Math.log(large / small);
}

/**
 * The mean user CPU time of a run in microseconds. The system's own time is left out: it is that of new memory, which some
 * machines hand out ten times as slowly as others.
 */
async function measureMean(run: () => unknown): Promise<number> {
  await run();
  const deadline = performance.now() + 600;
  const before = cpuUsage();
  let runs = 0;
  // Linux counts user time in hundredths of a second.
  for (; runs < 3 || performance.now() < deadline; runs++) await run();
  return cpuUsage(before).user / runs;
}

/** A response from bytes to bytes, in reads of at most `readSize`. */
async function streamThrough(sample: Sample, readSize: number): Promise<void> {
  const pieces = sample.pieces.flatMap((piece) => cut(encoder.encode(piece), readSize)).values();
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    type: "bytes",
    pull(controller) {
      const { value, done } = pieces.next();
      if (done) {
        controller.close();
        if ("byobRequest" in controller) controller.byobRequest?.respond(0);
      } else controller.enqueue(value.slice());
    },
  });
  const translator = new StreamTranslator({
    messageId: "msg_bench",
    model: "bench/one",
    inputTokens: 1,
    newCallId: () => "toolu_bench",
  });
  const options = { timeoutMs: 60_000, pingMs: 60_000, now: () => performance.now(), onEnd() {} };
  const stream = await createEventStream(body, translator, options);
  let size = 0;
  for await (const part of stream) size += part.length;
  if (size < sample.content.length) throw new Error(`Only ${size} bytes arrived`);
}

function cut(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer>[] {
  if (bytes.length <= size) return [bytes];
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}
