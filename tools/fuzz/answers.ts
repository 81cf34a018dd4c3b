/**
 * Mutated answers of upstream: valid ones with damage. Whatever it is, the client gets a message, a stream in the
 * grammar or an error, and never a success that upstream did not finish.
 * @module
 */

import { AssertionError } from "@std/assert";
import { isJsonObject, parseJson } from "../../lib/json.ts";
import { ask } from "../../tests/helpers/proxy.ts";
import { parseSse } from "../../tests/helpers/sse.ts";
import { completion } from "../../tests/helpers/chunks.ts";
import { planCalls } from "./calls.ts";
import { mutateBytes, mutateJson } from "./mutate.ts";
import { run } from "./proxy.ts";
import { Random } from "./random.ts";
import { makeStream } from "./streams.ts";
import { judge } from "./verdict.ts";

const encoder = new TextEncoder();

/** Mutates, asks and judges. @throws {AssertionError} where the answer is not valid, or a made-up success */
export async function checkAnswer(seed: number): Promise<void> {
  const random = new Random(seed);
  const stream = random.chance(0.7);
  const isWhole = stream ? random.chance(0.1) : random.chance(0.9);
  const bytes = isWhole ? makeWhole(random) : makeEvents(random);
  const contentType = random.chance(0.95)
    ? (isWhole ? "application/json" : "text/event-stream")
    : random.pick(["", "text/html", "text/plain", "application/json", "text/event-stream"]);
  const status = random.chance(0.95)
    ? 200
    : random.pick([200, 201, 204, 301, 400, 404, 429, 500, 503, 599]);
  const answer = { status, contentType, reads: random.reads(bytes), breaks: random.chance(0.2) };
  const result = await run(random, { body: JSON.stringify(ask({ stream })) }, answer);
  const { kind } = judge(result);
  const isSuccess = kind === "stream" || kind === "message";
  if (isSuccess && (status !== 200 || !hasFinish(new TextDecoder().decode(bytes)))) {
    throw new AssertionError(`A made-up success (${status}): ${new TextDecoder().decode(bytes)}`);
  }
}

/** A plain completion with damage. */
function makeWhole(random: Random): Uint8Array<ArrayBuffer> {
  const { calls } = planCalls(random);
  const message: Record<string, unknown> = { role: "assistant", content: random.text() };
  if (random.chance(0.5)) message["reasoning"] = random.text();
  if (random.chance(0.5)) {
    message["tool_calls"] = calls.map(({ id, name, arguments: text }) => ({
      id,
      type: "function",
      function: { name, arguments: text },
    }));
  }
  const choices = [{
    index: 0,
    message,
    finish_reason: random.pick(["stop", "length", "tool_calls"]),
  }];
  const whole = { ...completion(""), choices };
  if (random.chance(0.3)) return mutateBytes(random, encoder.encode(JSON.stringify(whole)));
  return encoder.encode(JSON.stringify(mutateJson(random, whole)) ?? "");
}

/** A stream with damage: to its bytes, to its events, or to the JSON of one. */
function makeEvents(random: Random): Uint8Array<ArrayBuffer> {
  const { sse } = makeStream(random);
  const kind = random.int(0, 3);
  if (kind === 0) return mutateBytes(random, encoder.encode(sse));
  if (kind === 1) {
    const bytes = encoder.encode(sse);
    return bytes.slice(0, random.int(0, bytes.length));
  }
  const payloads = parseSse(sse).map(({ data }) => data);
  for (let n = random.int(1, 3); n > 0 && payloads.length > 0; n--) {
    damage(random, payloads, kind === 2);
  }
  return encoder.encode(payloads.map((payload) => `data: ${payload}\n\n`).join(""));
}

function damage(random: Random, payloads: string[], ofJson: boolean): void {
  const at = random.int(0, payloads.length - 1);
  const payload = payloads[at] ?? "";
  if (ofJson) {
    const chunk = parseJson(payload);
    if (chunk !== undefined) payloads[at] = JSON.stringify(mutateJson(random, chunk));
    return;
  }
  switch (random.int(0, 3)) {
    case 0:
      payloads.splice(at, 1);
      break;
    case 1:
      payloads.splice(at, 0, payload);
      break;
    case 2:
      payloads.splice(at, 1);
      payloads.splice(random.int(0, payloads.length), 0, payload);
      break;
    default:
      payloads.splice(
        at,
        0,
        random.pick(["[DONE]", "{}", "", "null", '{"error":{"message":"x"}}', payload]),
      );
  }
}

/** Whether upstream said anywhere that the answer is finished: by a reason, `[DONE]`, or a whole body. */
function hasFinish(text: string): boolean {
  const whole = parseJson(text);
  if (isJsonObject(whole) && Array.isArray(whole["choices"])) return true;
  const payloads = parseSse(text).map(({ data }) => data);
  return payloads.some((payload) => {
    if (payload.trim() === "[DONE]") return true;
    const chunk = parseJson(payload);
    const choices = isJsonObject(chunk) ? chunk["choices"] : null;
    // Others than index 0 are other answers, wherever they stand in the list.
    return Array.isArray(choices) &&
      choices.some((choice: unknown) =>
        isJsonObject(choice) && (choice["index"] ?? 0) === 0 && Boolean(choice["finish_reason"])
      );
  });
}
