// Exponents of time over size, measured in this process: 1 is linear cost.

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
  sizes: readonly number[];
  prepare: (size: number) => () => unknown;
}

/** Quadratic cost would be 2. Linear cost has up to 1.2, because large inputs miss caches and are collected as garbage. */
const MOST = 1.3;
const TURNS = [10, 50, 500, 5000];
const KB = 1024;

const GROWTHS: readonly Growth[] = [
  {
    what: "translateRequest, 10 to 5,000 turns",
    sizes: TURNS,
    prepare: (turns) => {
      const request = parseMessagesRequest(createClaudeCodeRequest("one", turns));
      return () => translateRequest(request, { models: ["bench/one"] });
    },
  },
  {
    what: "count_tokens, 10 to 5,000 turns",
    sizes: TURNS,
    prepare: (turns) => {
      const body = createClaudeCodeRequest("one", turns);
      return () => estimateInputTokens(parseMessagesRequest(body));
    },
  },
  {
    what: "streams of 1 KB to 10 MB",
    sizes: [KB, 100 * KB, KB * KB, 10 * KB * KB],
    prepare: (size) => {
      const sample = createTextSample({ deltas: Math.ceil(size / 250), perPiece: 50 });
      return () => streamThrough(sample, Infinity);
    },
  },
  {
    what: "one line of 4 KB to 4 MB in reads of 1 KB",
    sizes: [4 * KB, 40 * KB, 400 * KB, 4 * KB * KB],
    prepare: (size) => {
      const sample = createTextSample({ deltas: 1, perPiece: 1, word: "x".repeat(size) });
      return () => streamThrough(sample, KB);
    },
  },
];

/** Exponents over the last step of the sizes, where quadratic cost would show most. */
export function createExponentTrial(): Trial {
  return {
    rows: GROWTHS.map(({ what }) => ({
      what: `exponent: ${what}`,
      digits: 2,
      limit: { per: null, sign: "≤", must: MOST },
    })),
    hasWarmUp: false,
    async measure() {
      const values: RoundValues[] = [];
      for (const growth of GROWTHS) values.push({ proxy: await measureExponent(growth) });
      return values;
    },
  };
}

async function measureExponent({ sizes, prepare }: Growth): Promise<number> {
  const points: { size: number; ms: number }[] = [];
  for (const size of sizes) points.push({ size, ms: await timeBest(prepare(size)) });
  return fitLastStep(points);
}

/** The best of several runs: other load only makes a run longer. */
async function timeBest(run: () => unknown): Promise<number> {
  let best = Infinity;
  const deadline = performance.now() + 150;
  for (let i = 0; i < 3 || performance.now() < deadline; i++) {
    const startedAt = performance.now();
    await run();
    best = Math.min(best, performance.now() - startedAt);
  }
  return best;
}

function fitLastStep(points: { size: number; ms: number }[]): number {
  const [before, last] = points.slice(-2);
  if (before === undefined || last === undefined) return NaN;
  return Math.log(last.ms / before.ms) / Math.log(last.size / before.size);
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
