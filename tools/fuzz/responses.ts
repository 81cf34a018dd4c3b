/**
 * Mutates valid upstream responses. The client must receive a message, a valid stream or an error, and never a success
 * that upstream did not finish.
 * @module
 */

import { AssertionError } from "@std/assert";
import { isJsonObject, parseJson } from "../../lib/json.ts";
import { requestBody } from "../../tests/helpers/proxy.ts";
import { parseSse } from "../../tests/helpers/sse.ts";
import { completion } from "../../tests/helpers/chunks.ts";
import { planCalls } from "./calls.ts";
import { classify } from "./classify.ts";
import { mutateBytes, mutateJson } from "./mutate.ts";
import { run } from "./proxy.ts";
import { Random } from "./random.ts";
import { generateStream } from "./streams.ts";

const encoder = new TextEncoder();

/** Checks one mutated response. @throws {AssertionError} if the result is invalid, or a false success */
export async function checkResponse(seed: number): Promise<void> {
  const random = new Random(seed);
  const stream = random.chance(0.7);
  const isCompletion = stream ? random.chance(0.1) : random.chance(0.9);
  const bytes = isCompletion ? mutateCompletion(random) : mutateStream(random);
  const contentType = random.chance(0.95)
    ? (isCompletion ? "application/json" : "text/event-stream")
    : random.pick(["", "text/html", "text/plain", "application/json", "text/event-stream"]);
  const status = random.chance(0.95)
    ? 200
    : random.pick([200, 201, 204, 301, 400, 404, 429, 500, 503, 599]);
  const response = { status, contentType, reads: random.reads(bytes), breaks: random.chance(0.2) };
  const result = await run(random, { body: JSON.stringify(requestBody({ stream })) }, response);
  const { kind } = classify(result);
  const isSuccess = kind === "stream" || kind === "message";
  if (isSuccess && (status !== 200 || !hasFinish(new TextDecoder().decode(bytes)))) {
    throw new AssertionError(`A false success (${status}): ${new TextDecoder().decode(bytes)}`);
  }
}

/** A mutated completion. */
function mutateCompletion(random: Random): Uint8Array<ArrayBuffer> {
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
  const body = { ...completion(""), choices };
  if (random.chance(0.3)) return mutateBytes(random, encoder.encode(JSON.stringify(body)));
  return encoder.encode(JSON.stringify(mutateJson(random, body)) ?? "");
}

/** A stream with mutated bytes, events, or JSON. */
function mutateStream(random: Random): Uint8Array<ArrayBuffer> {
  const { sse } = generateStream(random);
  const kind = random.int(0, 3);
  if (kind === 0) return mutateBytes(random, encoder.encode(sse));
  if (kind === 1) {
    const bytes = encoder.encode(sse);
    return bytes.slice(0, random.int(0, bytes.length));
  }
  const payloads = parseSse(sse).map(({ data }) => data);
  for (let n = random.int(1, 3); n > 0 && payloads.length > 0; n--) {
    mutatePayloads(random, payloads, kind === 2);
  }
  return encoder.encode(payloads.map((payload) => `data: ${payload}\n\n`).join(""));
}

/** @param inJson whether to mutate the JSON of a payload, or else the list */
function mutatePayloads(random: Random, payloads: string[], inJson: boolean): void {
  const at = random.int(0, payloads.length - 1);
  const payload = payloads[at] ?? "";
  if (inJson) {
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

/** Whether upstream finished the response: with a finish reason, `[DONE]`, or a complete body. */
function hasFinish(text: string): boolean {
  const body = parseJson(text);
  if (isJsonObject(body) && Array.isArray(body["choices"])) return true;
  const payloads = parseSse(text).map(({ data }) => data);
  return payloads.some((payload) => {
    if (payload.trim() === "[DONE]") return true;
    const chunk = parseJson(payload);
    const choices = isJsonObject(chunk) ? chunk["choices"] : null;
    // Only the choice with index 0 counts, at any position.
    return Array.isArray(choices) &&
      choices.some((choice: unknown) =>
        isJsonObject(choice) && (choice["index"] ?? 0) === 0 && Boolean(choice["finish_reason"])
      );
  });
}
