/**
 * What a recorded answer says, read a second time and without lib/: the plainest reader that gets it right.
 * The replay compares what a client gets from the proxy with this.
 * @module
 */

import { isJsonObject, type JsonObject, parseJson, toText } from "../../lib/json.ts";
import { parseSse } from "../helpers/sse.ts";

/** A tool call as upstream wrote it; "" for what it did not say. */
export interface ReadCall {
  id: string;
  name: string;
  arguments: string;
  /** Its place in a stream, where upstream numbers the calls. */
  index: unknown;
  /** Whether it began in the chunk that ended the answer: then no client has seen it before that. */
  isLate: boolean;
}

/** One answer. */
export interface Reading {
  /** The model that answered; "" where it was not told. */
  model: string;
  text: string;
  thinking: string;
  calls: ReadCall[];
  refusal: string;
  /** "" where there was none. */
  finish: string;
  nativeFinish: string;
  /** Whether the answer is one JSON body. */
  isWhole: boolean;
  /** Whether it is that, or ended in `[DONE]`. */
  isEnded: boolean;
  usage: JsonObject | null;
  /** `reasoning_details` in order, fragments of one entry joined. */
  details: JsonObject[];
  /** Reasoning by the plain field that carried it. */
  plain: { reasoning: string; reasoning_content: string };
  /** The words of an error; null where the answer is none. */
  error: string | null;
}

/** Reads the body of a successful answer: one JSON object, or a stream of events. */
export function readAnswer(body: string): Reading {
  const reading: Reading = {
    model: "",
    text: "",
    thinking: "",
    calls: [],
    refusal: "",
    finish: "",
    nativeFinish: "",
    isWhole: isWhole(body),
    isEnded: isWhole(body),
    usage: null,
    details: [],
    plain: { reasoning: "", reasoning_content: "" },
    error: null,
  };
  if (reading.isWhole) {
    readChunk(reading, parseJson(body));
    return reading;
  }
  // llama-box reports errors in an SSE field of its own.
  for (const { data } of parseSse(body.replace(/^error:/gm, "data:"))) {
    if (data.trim() === "[DONE]") reading.isEnded = true;
    else readChunk(reading, parseJson(data));
  }
  return reading;
}

/** Whether a body is one JSON object. */
export function isWhole(body: string): boolean {
  return body.trimStart().startsWith("{");
}

function readChunk(reading: Reading, chunk: unknown): void {
  if (!isJsonObject(chunk)) return;
  if (chunk["error"] ?? chunk["detail"]) reading.error ??= readErrorWords(chunk);
  reading.model ||= toText(chunk["model"]);
  const choices = listObjects(chunk["choices"]);
  const choice = choices.find(({ index }) => (index ?? 0) === 0);
  const usage = chunk["usage"] ?? choice?.["usage"];
  if (isJsonObject(usage)) reading.usage = usage;
  if (choice === undefined) return;
  reading.finish = toText(choice["finish_reason"]) || reading.finish;
  reading.nativeFinish = toText(choice["native_finish_reason"]) || reading.nativeFinish;
  // Perplexity sends both in both: the whole message beside each delta, and an empty delta beside the message.
  const message = reading.isWhole ? choice["message"] : choice["delta"] ?? choice["message"];
  const before = reading.calls.length;
  if (isJsonObject(message)) readMessage(reading, message);
  if (reading.finish === "") return;
  for (const call of reading.calls.slice(before)) call.isLate = true;
}

function readMessage(reading: Reading, message: JsonObject): void {
  const { content } = message;
  reading.text += toText(content);
  for (const part of listObjects(content)) {
    if (part["type"] === "thinking") reading.thinking += readThinkingPart(part["thinking"]);
    else reading.text += toText(part["text"]);
  }
  reading.refusal += toText(message["refusal"]);
  readReasoning(reading, message);
  for (const fragment of listObjects(message["tool_calls"])) {
    readCall(reading, fragment);
  }
}

function readThinkingPart(thinking: unknown): string {
  if (typeof thinking === "string") return thinking;
  return listObjects(thinking).map(({ text }) => toText(text)).join("");
}

/** The same thinking often comes twice: in the details, and in one or both of the plain fields. */
function readReasoning(reading: Reading, message: JsonObject): void {
  const details = listObjects(message["reasoning_details"]);
  const shown = details.map(({ text, summary }) => toText(text) + toText(summary)).join("");
  const content = toText(message["reasoning_content"]);
  const plain = toText(message["reasoning"]);
  reading.thinking += shown || content || plain;
  reading.plain.reasoning_content += content;
  reading.plain.reasoning += plain;
  for (const detail of details) addDetail(reading, detail);
}

/** Text goes on with the entry before it, a signature closes it; everything else is an entry of its own. */
function addDetail({ details, isWhole }: Reading, detail: JsonObject): void {
  const last = details.at(-1);
  const isText = detail["type"] === "reasoning.text" || detail["type"] === "reasoning.summary";
  const goesOn = !isWhole && isText && last?.["type"] === detail["type"] && !last?.["signature"];
  if (!goesOn || last === undefined) {
    details.push({ ...detail });
    return;
  }
  for (const [key, value] of Object.entries(detail)) {
    if (key === "text" || key === "summary") last[key] = toText(last[key]) + toText(value);
    // An empty signature stands for one that is still to come.
    else last[key] = last[key] || value;
  }
}

/** Fragments belong together by index; another id there, or a name after whole arguments, is another call. */
function readCall({ calls, isWhole }: Reading, fragment: JsonObject): void {
  const { index, function: called } = fragment;
  const id = toText(fragment["id"]);
  const fields = isJsonObject(called) ? called : {};
  const name = toText(fields["name"]);
  const text = toText(fields["arguments"]);
  const known = typeof index === "number"
    ? calls.findLast((call) => call.index === index)
    : calls.at(-1);
  const isOther = known !== undefined && (
    (id !== "" && known.id !== "" && id !== known.id) ||
    (id === "" && name !== "" && parseJson(known.arguments) !== undefined)
  );
  if (isWhole || known === undefined || isOther) {
    calls.push({ id, name, arguments: text, index, isLate: false });
    return;
  }
  known.id ||= id;
  known.name ||= name;
  known.arguments += text;
}

/** The innermost words of an error, wherever a vendor puts them. */
export function readErrorWords(body: JsonObject): string {
  const { error, detail, message } = body;
  const first = isJsonObject(error) ? error : {};
  const metadata = isJsonObject(first["metadata"]) ? first["metadata"] : {};
  const raw = parseJson(toText(metadata["raw"])) ?? metadata["raw"];
  if (isJsonObject(raw)) return readErrorWords(raw) || toText(first["message"]);
  const words = toText(raw) || toText(first["message"]) || toText(error) || toText(detail) ||
    toText(message);
  if (words !== "") return words;
  return listObjects(detail).map(({ msg }) => toText(msg)).find((text) => text !== "") ?? "";
}

function listObjects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
