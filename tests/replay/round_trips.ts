/**
 * Recorded answers that go back as history, as every agent sends them: calls under the ids that upstream gave
 * them, reasoning as it was. Not named `*_test.ts`: `deno task replay` runs these.
 * @module
 */

import { assertEquals } from "@std/assert";
import { isJsonObject, type JsonObject, parseJson, toText } from "../../lib/json.ts";
import { post } from "../helpers/proxy.ts";
import { toParams, toSetup } from "./answers.ts";
import { whole } from "./pieces.ts";
import { ANSWER, createReplayProxy, type Dialect, type Params, type Seen, send } from "./proxy.ts";
import { type Exchange, loadExchanges, testRecorded } from "./recorded.ts";
import { isWhole, readAnswer, type Reading } from "./reference.ts";
import { type Check, compileCheck } from "./schema.ts";
import { findDifference, Verdict } from "./verdict.ts";

/** A recorded answer and how its message went back upstream. */
interface Trip {
  exchange: Exchange;
  reading: Reading;
  /** The request that followed, as upstream got it. */
  sent: JsonObject;
  /** The assistant's message in it. */
  message: JsonObject;
}

const trips = await sendBack();

testRecorded(
  "recorded calls go back with the ids and arguments that upstream gave them",
  () => {
    const verdict = new Verdict("history");
    for (const trip of trips.filter(({ reading }) => reading.calls.length > 0)) {
      verdict.note(trip.exchange.name, findDifference(() => checkCalls(trip)));
    }
    verdict.check(880);
  },
);

testRecorded("recorded ids that clients refuse come back as they were", () => {
  const verdict = new Verdict("history");
  const isOdd = ({ id }: { id: string }) => !/^[a-zA-Z0-9_-]*$/.test(id);
  for (const trip of trips.filter(({ reading }) => reading.calls.some(isOdd))) {
    verdict.note(trip.exchange.name, findDifference(() => checkCalls(trip)));
  }
  verdict.check(16);
});

testRecorded("recorded reasoning_details come back as they were", () => {
  const verdict = new Verdict("history");
  const hasDetails = ({ exchange, reading }: Trip) =>
    reading.details.length > 0 && toSetup(exchange).dialect === "openrouter";
  for (const trip of trips.filter(hasDetails)) {
    verdict.note(trip.exchange.name, findDifference(() => checkDetails(trip)));
  }
  verdict.check(102);
});

testRecorded("recorded plain reasoning comes back in the same field", () => {
  const verdict = new Verdict("history");
  for (const trip of trips.filter(hasPlainReasoning)) {
    verdict.note(trip.exchange.name, findDifference(() => checkPlain(trip)));
  }
  verdict.check(360);
});

testRecorded("requests with recorded answers in them are valid", () => {
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

async function sendBack(): Promise<Trip[]> {
  const trips: Trip[] = [];
  for (const exchange of await loadExchanges("chat")) {
    if (exchange.status !== 200) continue;
    const reading = readAnswer(exchange.body);
    if (reading.calls.length === 0 && reading.thinking === "" && reading.details.length === 0) {
      continue;
    }
    const params = toParams(exchange, reading);
    const { contentType, body } = exchange;
    const seen = await send(
      { ...params, stream: !isWhole(body) },
      { status: 200, contentType, pieces: whole(body) },
      toSetup(exchange),
    );
    const sent = await continueWith(seen, params, exchange);
    const messages = Array.isArray(sent?.["messages"]) ? sent["messages"].filter(isJsonObject) : [];
    const message = messages.find(({ role }) => role === "assistant");
    if (sent !== null && message !== undefined) trips.push({ exchange, reading, sent, message });
  }
  return trips;
}

/** The next request of an agent: the answer as it is, and a result for each of its calls. */
async function continueWith(
  { message }: Seen,
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
  const proxy = createReplayProxy(ANSWER, toSetup(exchange));
  await proxy.call(post({ ...params, messages }));
  return proxy.sent();
}

function checkCalls({ reading, sent, message }: Trip): void {
  const calls = Array.isArray(message["tool_calls"])
    ? message["tool_calls"].filter(isJsonObject)
    : [];
  const messages = Array.isArray(sent["messages"]) ? sent["messages"].filter(isJsonObject) : [];
  const results = messages.filter(({ role }) => role === "tool");
  assertEquals(results.map((result) => result["tool_call_id"]), calls.map(({ id }) => id));
  const ids = reading.calls.map(({ id }) => id);
  for (const [position, wanted] of reading.calls.entries()) {
    const call = calls[position];
    // A call that was cut is not always there.
    if (call === undefined) continue;
    const fields = isJsonObject(call["function"]) ? call["function"] : {};
    assertEquals(fields["name"], wanted.name);
    const input = parseJson(wanted.arguments);
    if (isJsonObject(input)) assertEquals(parseJson(toText(fields["arguments"])), input);
    const isUnique = ids.indexOf(wanted.id) === ids.lastIndexOf(wanted.id);
    if (wanted.id !== "" && isUnique) assertEquals(call["id"], wanted.id);
  }
}

/** Claude and Gemini refuse text that they did not sign, and every vendor what another one made. */
function checkDetails({ exchange, reading, message }: Trip): void {
  const isForeign = findVendor(reading.model) !== findVendor(toSetup(exchange).target);
  const isRefused = ({ type, format, signature }: JsonObject) =>
    isForeign || (type === "reasoning.text" && !signature && /claude|gemini/.test(toText(format)));
  const wanted = reading.details.filter((detail) => !isRefused(detail)).map(stripNulls);
  const details = message["reasoning_details"];
  const sent = Array.isArray(details) ? details.filter(isJsonObject).map(stripNulls) : [];
  assertEquals(sent, wanted);
}

function checkPlain({ reading, message }: Trip): void {
  const { reasoning, reasoning_content } = reading.plain;
  const field = reasoning_content !== "" ? "reasoning_content" : "reasoning";
  assertEquals(message[field], reasoning_content || reasoning);
}

function hasPlainReasoning({ exchange, reading }: Trip): boolean {
  if (reading.details.length > 0) return false;
  const isSigning = /^(anthropic|google)\//.test(toSetup(exchange).target);
  return !isSigning && reading.plain.reasoning + reading.plain.reasoning_content !== "";
}

/** "" for a name that does not tell. */
function findVendor(model: string): string {
  return /^([^/]+)\//.exec(model)?.[1] ?? "";
}

function stripNulls(detail: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(detail).filter(([, value]) => value !== null));
}
