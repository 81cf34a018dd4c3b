/**
 * Parses recorded responses independently of lib/, as simply as possible. The replay compares the client's result
 * with this.
 * @module
 */

import { isJsonObject, type JsonObject, parseJson, toText } from "../../lib/json.ts";
import { parseSse } from "../helpers/sse.ts";

/** A tool call as sent by upstream; "" for missing fields. */
export interface ParsedCall {
  id: string;
  name: string;
  arguments: string;
  /** Its index in a stream, if upstream sends one. */
  index: unknown;
  /** Whether it began in the last chunk, so that the client has not received its start before. */
  isLate: boolean;
}

/** A recorded response. */
export interface ParsedResponse {
  /** The responding model; "" if unknown. */
  model: string;
  text: string;
  thinking: string;
  calls: ParsedCall[];
  refusal: string;
  /** "" if missing. */
  finish: string;
  nativeFinish: string;
  /** Whether the response is one JSON body. */
  isCompletion: boolean;
  /** Whether it is one JSON body, or ended with `[DONE]`. */
  isEnded: boolean;
  usage: JsonObject | null;
  /** `reasoning_details` in order, with the deltas of each entry merged. */
  details: JsonObject[];
  /** Reasoning by plain field. */
  plain: { reasoning: string; reasoning_content: string };
  /** The error message; null if the response is not an error. */
  error: string | null;
}

/** Parses the body of a successful response: one JSON object, or a stream of events. */
export function parseResponse(body: string): ParsedResponse {
  const response: ParsedResponse = {
    model: "",
    text: "",
    thinking: "",
    calls: [],
    refusal: "",
    finish: "",
    nativeFinish: "",
    isCompletion: isCompletion(body),
    isEnded: isCompletion(body),
    usage: null,
    details: [],
    plain: { reasoning: "", reasoning_content: "" },
    error: null,
  };
  if (response.isCompletion) {
    readChunk(response, parseJson(body));
    return response;
  }
  // llama-box reports errors in an SSE field named `error`.
  for (const { data } of parseSse(body.replace(/^error:/gm, "data:"))) {
    if (data.trim() === "[DONE]") response.isEnded = true;
    else readChunk(response, parseJson(data));
  }
  return response;
}

/** Whether a body is one JSON object. */
export function isCompletion(body: string): boolean {
  return body.trimStart().startsWith("{");
}

function readChunk(response: ParsedResponse, chunk: unknown): void {
  if (!isJsonObject(chunk)) return;
  if (chunk["error"] ?? chunk["detail"]) response.error ??= readErrorMessage(chunk);
  response.model ||= toText(chunk["model"]);
  const choices = listObjects(chunk["choices"]);
  const choice = choices.find(({ index }) => (index ?? 0) === 0);
  const usage = chunk["usage"] ?? choice?.["usage"];
  if (isJsonObject(usage)) response.usage = usage;
  if (choice === undefined) return;
  response.finish = toText(choice["finish_reason"]) || response.finish;
  response.nativeFinish = toText(choice["native_finish_reason"]) || response.nativeFinish;
  // Perplexity sends both in both: the message so far beside each delta, an empty delta beside the message.
  const message = response.isCompletion ? choice["message"] : choice["delta"] ?? choice["message"];
  const before = response.calls.length;
  if (isJsonObject(message)) readMessage(response, message);
  if (response.finish === "") return;
  for (const call of response.calls.slice(before)) call.isLate = true;
}

function readMessage(response: ParsedResponse, message: JsonObject): void {
  const { content } = message;
  response.text += toText(content);
  for (const part of listObjects(content)) {
    if (part["type"] === "thinking") response.thinking += readThinkingPart(part["thinking"]);
    else response.text += toText(part["text"]);
  }
  response.refusal += toText(message["refusal"]);
  readReasoning(response, message);
  for (const delta of listObjects(message["tool_calls"])) {
    readCall(response, delta);
  }
}

function readThinkingPart(thinking: unknown): string {
  if (typeof thinking === "string") return thinking;
  return listObjects(thinking).map(({ text }) => toText(text)).join("");
}

/** The same thinking is often sent twice: in the details, and in one or both of the plain fields. */
function readReasoning(response: ParsedResponse, message: JsonObject): void {
  const details = listObjects(message["reasoning_details"]);
  const visible = details.map(({ text, summary }) => toText(text) + toText(summary)).join("");
  const content = toText(message["reasoning_content"]);
  const plain = toText(message["reasoning"]);
  response.thinking += visible || content || plain;
  response.plain.reasoning_content += content;
  response.plain.reasoning += plain;
  for (const detail of details) addDetail(response, detail);
}

/** Text continues the previous entry until a signature closes it; anything else is a separate entry. */
function addDetail({ details, isCompletion }: ParsedResponse, detail: JsonObject): void {
  const last = details.at(-1);
  const isText = detail["type"] === "reasoning.text" || detail["type"] === "reasoning.summary";
  const continues = !isCompletion && isText && last?.["type"] === detail["type"] &&
    !last?.["signature"];
  if (!continues || last === undefined) {
    details.push({ ...detail });
    return;
  }
  for (const [key, value] of Object.entries(detail)) {
    if (key === "text" || key === "summary") last[key] = toText(last[key]) + toText(value);
    // An empty signature is replaced by a later one.
    else last[key] = last[key] || value;
  }
}

/** Deltas are joined by index; another id, or a name after complete arguments, begins another call. */
function readCall({ calls, isCompletion }: ParsedResponse, delta: JsonObject): void {
  const { index, function: named } = delta;
  const id = toText(delta["id"]);
  const fields = isJsonObject(named) ? named : {};
  const name = toText(fields["name"]);
  const text = toText(fields["arguments"]);
  const known = typeof index === "number"
    ? calls.findLast((call) => call.index === index)
    : calls.at(-1);
  const isOther = known !== undefined && (
    (id !== "" && known.id !== "" && id !== known.id) ||
    (id === "" && name !== "" && parseJson(known.arguments) !== undefined)
  );
  if (isCompletion || known === undefined || isOther) {
    calls.push({ id, name, arguments: text, index, isLate: false });
    return;
  }
  known.id ||= id;
  known.name ||= name;
  known.arguments += text;
}

/** The innermost message of an error, in any vendor's format. */
export function readErrorMessage(body: JsonObject): string {
  const { error, detail, message } = body;
  const first = isJsonObject(error) ? error : {};
  const metadata = isJsonObject(first["metadata"]) ? first["metadata"] : {};
  const raw = parseJson(toText(metadata["raw"])) ?? metadata["raw"];
  if (isJsonObject(raw)) return readErrorMessage(raw) || toText(first["message"]);
  const text = toText(raw) || toText(first["message"]) || toText(error) || toText(detail) ||
    toText(message);
  if (text !== "") return text;
  return listObjects(detail).map(({ msg }) => toText(msg)).find((one) => one !== "") ?? "";
}

function listObjects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
