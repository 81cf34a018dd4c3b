/**
 * Sends recorded responses back as history, as agents do: calls must keep upstream's ids, and reasoning its form.
 * Not named `*_test.ts`: `deno task replay` runs this file.
 * @module
 */

import { assertEquals } from "@std/assert";
import { isJsonObject, type JsonObject, parseJson, toText } from "../../lib/json.ts";
import { post } from "../helpers/proxy.ts";
import { whole } from "./pieces.ts";
import {
  createReplayProxy,
  type Dialect,
  type Params,
  type ReplayResult,
  RESPONSE,
  send,
} from "./proxy.ts";
import { type Exchange, loadExchanges, testRecorded } from "./recorded.ts";
import { isCompletion, type ParsedResponse, parseResponse } from "./reference.ts";
import { toParams, toSetup } from "./replay.ts";
import { type Check, compileCheck } from "./schema.ts";
import { findDifference, Verdict } from "./verdict.ts";

/** A recorded response, and its message in the next request. */
interface RoundTrip {
  exchange: Exchange;
  recorded: ParsedResponse;
  /** The next request, as sent upstream. */
  sent: JsonObject;
  /** The assistant message in it. */
  message: JsonObject;
}

const trips = await sendBack();

testRecorded(
  "recorded calls are sent back with upstream's ids and arguments",
  () => {
    const verdict = new Verdict("history");
    for (const trip of trips.filter(({ recorded }) => recorded.calls.length > 0)) {
      verdict.note(trip.exchange.name, findDifference(() => checkCalls(trip)));
    }
    verdict.check(880);
  },
);

testRecorded("recorded ids that clients reject are sent back unchanged", () => {
  const verdict = new Verdict("history");
  const isOdd = ({ id }: { id: string }) => !/^[a-zA-Z0-9_-]*$/.test(id);
  for (const trip of trips.filter(({ recorded }) => recorded.calls.some(isOdd))) {
    verdict.note(trip.exchange.name, findDifference(() => checkCalls(trip)));
  }
  verdict.check(16);
});

testRecorded("recorded reasoning_details are sent back unchanged", () => {
  const verdict = new Verdict("history");
  const hasDetails = ({ exchange, recorded }: RoundTrip) =>
    recorded.details.length > 0 && toSetup(exchange).dialect === "openrouter";
  for (const trip of trips.filter(hasDetails)) {
    verdict.note(trip.exchange.name, findDifference(() => checkDetails(trip)));
  }
  verdict.check(102);
});

testRecorded("recorded plain reasoning is sent back in the same field", () => {
  const verdict = new Verdict("history");
  for (const trip of trips.filter(hasPlainReasoning)) {
    verdict.note(trip.exchange.name, findDifference(() => checkPlain(trip)));
  }
  verdict.check(360);
});

testRecorded("requests with recorded responses are valid", () => {
  const checks: Record<Dialect, Check> = {
    openrouter: compileCheck("openrouter"),
    openai: compileCheck("openai"),
  };
  const verdict = new Verdict("history");
  for (const { exchange, sent } of trips) {
    verdict.note(exchange.name, checks[toSetup(exchange).dialect](sent));
  }
  verdict.check(1000);
});

async function sendBack(): Promise<RoundTrip[]> {
  const trips: RoundTrip[] = [];
  for (const exchange of await loadExchanges("chat")) {
    if (exchange.status !== 200) continue;
    const recorded = parseResponse(exchange.body);
    if (recorded.calls.length === 0 && recorded.thinking === "" && recorded.details.length === 0) {
      continue;
    }
    const params = toParams(exchange, recorded);
    const { contentType, body } = exchange;
    const result = await send(
      { ...params, stream: !isCompletion(body) },
      { status: 200, contentType, pieces: whole(body) },
      toSetup(exchange),
    );
    const sent = await continueWith(result, params, exchange);
    const messages = Array.isArray(sent?.["messages"]) ? sent["messages"].filter(isJsonObject) : [];
    const message = messages.find(({ role }) => role === "assistant");
    if (sent !== null && message !== undefined) trips.push({ exchange, recorded, sent, message });
  }
  return trips;
}

/** The next request of an agent: the response, and a result for each of its calls. */
async function continueWith(
  { message }: ReplayResult,
  params: Params,
  exchange: Exchange,
): Promise<JsonObject | null> {
  if (message === null) return null;
  const results = message.content.filter((block) => block.type === "tool_use")
    .map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: "ok" }));
  const next = results.length > 0 ? results : [{ type: "text", text: "Go on" }];
  const messages = [
    { role: "user", content: "Hello" },
    { role: "assistant", content: message.content },
    { role: "user", content: next },
  ];
  const proxy = createReplayProxy(RESPONSE, toSetup(exchange));
  await proxy.call(post({ ...params, messages }));
  return proxy.sent();
}

function checkCalls({ recorded, sent, message }: RoundTrip): void {
  const calls = Array.isArray(message["tool_calls"])
    ? message["tool_calls"].filter(isJsonObject)
    : [];
  const messages = Array.isArray(sent["messages"]) ? sent["messages"].filter(isJsonObject) : [];
  const results = messages.filter(({ role }) => role === "tool");
  assertEquals(results.map((result) => result["tool_call_id"]), calls.map(({ id }) => id));
  const ids = recorded.calls.map(({ id }) => id);
  for (const [position, expected] of recorded.calls.entries()) {
    const call = calls[position];
    // Cut calls may be omitted.
    if (call === undefined) continue;
    const fields = isJsonObject(call["function"]) ? call["function"] : {};
    assertEquals(fields["name"], expected.name);
    const input = parseJson(expected.arguments);
    if (isJsonObject(input)) assertEquals(parseJson(toText(fields["arguments"])), input);
    const isUnique = ids.indexOf(expected.id) === ids.lastIndexOf(expected.id);
    if (expected.id !== "" && isUnique) assertEquals(call["id"], expected.id);
  }
}

/** Claude and Gemini reject unsigned text, and every vendor rejects reasoning of another. */
function checkDetails({ exchange, recorded, message }: RoundTrip): void {
  const isOtherVendor = findVendor(recorded.model) !== findVendor(toSetup(exchange).target);
  const isRejected = ({ type, format, signature }: JsonObject) =>
    isOtherVendor ||
    (type === "reasoning.text" && !signature && /claude|gemini/.test(toText(format)));
  const expected = recorded.details.filter((detail) => !isRejected(detail)).map(stripNulls);
  const details = message["reasoning_details"];
  const sent = Array.isArray(details) ? details.filter(isJsonObject).map(stripNulls) : [];
  assertEquals(sent, expected);
}

function checkPlain({ recorded, message }: RoundTrip): void {
  const { reasoning, reasoning_content } = recorded.plain;
  const field = reasoning_content !== "" ? "reasoning_content" : "reasoning";
  assertEquals(message[field], reasoning_content || reasoning);
}

function hasPlainReasoning({ exchange, recorded }: RoundTrip): boolean {
  if (recorded.details.length > 0) return false;
  const isSigning = /^(anthropic|google)\//.test(toSetup(exchange).target);
  return !isSigning && recorded.plain.reasoning + recorded.plain.reasoning_content !== "";
}

/** "" for a name without a vendor. */
function findVendor(model: string): string {
  return /^([^/]+)\//.exec(model)?.[1] ?? "";
}

function stripNulls(detail: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(detail).filter(([, value]) => value !== null));
}
