/**
 * Puts a captured response together: events of a stream become the message that they make up, on both sides. Lenient,
 * because the text may be cut off, or not be a response at all. Pure.
 * @module
 */

import { isJsonObject, type JsonObject, parseJson } from "../json.ts";

/** The JSON of every event of a stream; `[DONE]` and what cannot be parsed is left out. */
export function parseEvents(text: string): JsonObject[] {
  return text.split(/\r?\n\r?\n/).map((event) =>
    event.split(/\r?\n/).filter((line) => line.startsWith("data:"))
      .map((line) => line.slice(5).replace(/^ /, "")).join("\n")
  ).map(parseJson).filter(isJsonObject);
}

/** Reads a response to the client, or one of upstream, as one JSON object. Null if it has no JSON. */
export function assembleResponse(text: string): JsonObject | null {
  const whole = parseJson(text);
  if (isJsonObject(whole)) return whole;
  const events = parseEvents(text);
  if (events.length === 0) return null;
  const isAnthropic = events.some(({ type }) => type === "message_start" || type === "error");
  return isAnthropic ? assembleMessage(events) : assembleCompletion(events);
}

/** Anthropic's events → a message; `error` is that of an error event. */
function assembleMessage(events: readonly JsonObject[]): JsonObject {
  let message: JsonObject = {};
  const blocks: JsonObject[] = [];
  const inputs = new Map<number, string>();
  for (const event of events) {
    const index = Number(event["index"]);
    switch (event["type"]) {
      case "message_start":
        message = { ...toObject(event["message"]) };
        break;
      case "content_block_start":
        blocks[index] = { ...toObject(event["content_block"]) };
        break;
      case "content_block_delta":
        addDelta(blocks[index] ?? (blocks[index] = {}), toObject(event["delta"]), {
          onInput: (part) => inputs.set(index, (inputs.get(index) ?? "") + part),
        });
        break;
      case "message_delta":
        message = {
          ...message,
          ...toObject(event["delta"]),
          usage: { ...toObject(message["usage"]), ...toObject(event["usage"]) },
        };
        break;
      case "error":
        message["error"] = event["error"];
    }
  }
  for (const [index, input] of inputs) {
    const block = blocks[index];
    if (block !== undefined) block["input"] = parseJson(input) ?? input;
  }
  // An index that was skipped would be a hole.
  return { ...message, content: blocks.filter((block) => block !== undefined) };
}

function addDelta(
  block: JsonObject,
  delta: JsonObject,
  { onInput }: { onInput: (part: string) => void },
): void {
  const append = (key: string) => block[key] = `${block[key] ?? ""}${delta[key] ?? ""}`;
  switch (delta["type"]) {
    case "text_delta":
      return void append("text");
    case "thinking_delta":
      return void append("thinking");
    case "signature_delta":
      return void append("signature");
    case "input_json_delta":
      return onInput(String(delta["partial_json"] ?? ""));
    case "citations_delta":
      block["citations"] = [...toList(block["citations"]), delta["citation"]];
  }
}

/** OpenAI's chunks → a completion with one message; fields of its own are kept. */
function assembleCompletion(chunks: readonly JsonObject[]): JsonObject {
  let completion: JsonObject = {};
  let choice: JsonObject = {};
  const message: JsonObject = {};
  for (const { choices, ...rest } of chunks) {
    completion = { ...completion, ...rest };
    const { delta, ...more } = toObject(toList(choices)[0]);
    for (const [key, value] of Object.entries(more)) {
      if (value !== null && value !== undefined) choice = { ...choice, [key]: value };
    }
    addChunk(message, toObject(delta));
  }
  return { ...completion, choices: [{ ...choice, message }] };
}

function addChunk(message: JsonObject, delta: JsonObject): void {
  for (const [key, value] of Object.entries(delta)) {
    if (value === null || value === undefined) continue;
    if (key === "tool_calls") addCalls(message, toList(value));
    else if (key === "reasoning_details") addDetails(message, toList(value));
    else if (typeof value === "string" && key !== "role") {
      message[key] = `${message[key] ?? ""}${value}`;
    } else if (Array.isArray(value)) message[key] = [...toList(message[key]), ...value];
    else message[key] = value;
  }
}

/** Pieces of one text become one entry. */
function addDetails(message: JsonObject, pieces: readonly unknown[]): void {
  const details = toList(message["reasoning_details"]).map(toObject);
  for (const piece of pieces.map(toObject)) {
    const last = details.at(-1);
    const isSame = last !== undefined && last["type"] === piece["type"] &&
      last["index"] === piece["index"];
    if (isSame && typeof last["text"] === "string" && typeof piece["text"] === "string") {
      Object.assign(last, piece, { text: last["text"] + piece["text"] });
    } else details.push({ ...piece });
  }
  message["reasoning_details"] = details;
}

function addCalls(message: JsonObject, deltas: readonly unknown[]): void {
  const calls = toList(message["tool_calls"]).map(toObject);
  for (const delta of deltas.map(toObject)) {
    const index = typeof delta["index"] === "number" ? delta["index"] : calls.length;
    const call = calls.find((one) => one["index"] === index);
    if (call === undefined) {
      calls.push({ ...delta, index });
      continue;
    }
    const [old, more] = [toObject(call["function"]), toObject(delta["function"])];
    const joined = `${old["arguments"] ?? ""}${more["arguments"] ?? ""}`;
    call["function"] = { ...old, ...more, name: old["name"] ?? more["name"], arguments: joined };
  }
  message["tool_calls"] = calls;
}

function toObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

function toList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
