/**
 * Reads tests/fixtures, one folder per feature. The ending of a file says what it holds:
 *
 * - `.request.json`: a client's request and the upstream body
 * - `.stream.json`: chunks, and the events for the client. If framing or invalid bytes are the subject, the chunks
 *   are bytes in a `.stream.sse` beside it
 * - `.response.json`: a completion and the message for the client
 * - `.round_trip.json`: a response with reasoning, and the reasoning in the next request
 * - `.tools.json`: tool definitions of real servers
 *
 * A plural (`.requests.json`) is a table of such cases under `cases`, each with a `name`. The name of a case is its
 * path without `.json`, in a table followed by `#` and its own name.
 * @module
 */

import type { Message, StreamEvent } from "../../lib/anthropic/types.ts";
import type { ErrorType } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject } from "../../lib/json.ts";
import type * as openrouter from "../../lib/openrouter/types.ts";
import type { RequestOptions } from "../../lib/translate/request/request.ts";
import { MESSAGE_START, type TranslatorOptions } from "./translator.ts";

/** A request and the result of translateRequest. */
export interface RequestCase {
  name: string;
  /** Completes the sentence "translateRequest …". */
  about: string;
  request: JsonObject;
  options: Partial<RequestOptions>;
  body: JsonObject;
  dropped: string[];
  /** How many tokens the client may see; absent if that is its own max_tokens. */
  visibleTokens?: number;
}

/** An error before the first event. Without `message` the message is not checked. */
export interface ExpectedError {
  type: ErrorType;
  status: number;
  message?: string;
}

/** A stream, with either its collapsed events or an error before the first one. */
export interface StreamCase {
  name: string;
  about: string;
  sse: string;
  options?: TranslatorOptions;
  events?: StreamEvent[];
  error?: ExpectedError;
}

/** A completion, with either a message or an error. */
export interface ResponseCase {
  name: string;
  about: string;
  options?: TranslatorOptions;
  completion: unknown;
  message?: Message;
  error?: ExpectedError;
}

/** A response as stream and completion, with the reasoning fields of the next request. */
export interface RoundTripCase {
  name: string;
  about: string;
  model: string;
  sse: string;
  completion: openrouter.Chunk;
  replay: JsonObject;
}

/** A tool like one of a real server, reworded, with valid arguments. */
export interface McpTool {
  server: string;
  name: string;
  schema: JsonObject;
  valid: unknown[];
}

/** A stream as in its file. */
interface StreamFile extends StreamCase {
  /** Absent if the stream is in a `.sse` file. A string is sent unchanged, e.g. a comment. */
  chunks?: unknown[];
  /** Fields at the start of every chunk instead of {@linkcode ENVELOPE}; null for no fields. */
  envelope?: JsonObject | null;
  /** Whether `[DONE]` ends the stream, by default true. */
  done?: boolean;
}

/** The fields of every case. */
interface CaseFile {
  name: string;
  about: string;
}

interface Table {
  about: string;
  cases: JsonObject[];
}

const FIXTURES = new URL("../fixtures/", import.meta.url);

const MCP_TOOLS = "tool_schemas/mcp_servers.tools.json";

/** The keys of a case. A key with a typo would be an expectation that is never checked. */
const STREAM_KEYS = ["about", "chunks", "envelope", "done"];
const KEYS = {
  request: ["about", "request", "options", "body", "dropped", "visibleTokens"],
  stream: [...STREAM_KEYS, "options", "events", "error"],
  response: ["about", "options", "completion", "message", "error"],
  round_trip: [...STREAM_KEYS, "model", "completion", "replay"],
};
/** Values shared by the cases of a table of requests; a case can add or replace keys. */
const SHARED_KEYS = ["request", "options", "body"];

const ENVELOPE = {
  id: "gen-1790001122-Fx4kTq81LmZcVw02Rb7s",
  object: "chat.completion.chunk",
  created: 1790001122,
  model: "anthropic/claude-sonnet-4",
  provider: "Amazon Bedrock",
};

/** All request cases, by name. @throws {Error} as {@linkcode listFixtures} */
export function loadRequestCases(root = FIXTURES): RequestCase[] {
  return readCases<RequestCase>("request", root).map((one) => ({
    ...one,
    options: one.options ?? {},
  }));
}

/** All stream cases, by name. @throws {Error} as {@linkcode listFixtures} */
export function loadStreamCases(root = FIXTURES): StreamCase[] {
  const paths = listFixtures(root);
  return readCases<StreamFile>("stream", root).map((file) => {
    const { name, about, options, events, error } = file;
    const path = paths.find((one) => one === `${name}.sse`);
    return {
      name,
      about,
      sse: path === undefined ? toSse(file) : readSse(file, new URL(path, root)),
      ...(options === undefined ? {} : { options }),
      ...(events === undefined ? {} : { events: [MESSAGE_START, ...events] }),
      ...(error === undefined ? {} : { error }),
    };
  });
}

/** All response cases, by name. @throws {Error} as {@linkcode listFixtures} */
export function loadResponseCases(root = FIXTURES): ResponseCase[] {
  return readCases<ResponseCase>("response", root);
}

/** All round trips, by name. @throws {Error} as {@linkcode listFixtures} */
export function loadRoundTripCases(root = FIXTURES): RoundTripCase[] {
  return readCases<RoundTripCase & StreamFile>("round_trip", root)
    .map((file) => ({ ...file, sse: toSse(file) }));
}

/** The tools of real servers. */
export function loadMcpTools(): McpTool[] {
  return readJson(MCP_TOOLS, FIXTURES);
}

/**
 * The paths of all fixtures, sorted.
 * @throws {Error} for a file that no test reads
 */
export function listFixtures(root = FIXTURES): string[] {
  const paths = [...walk("", root)].sort();
  for (const path of paths) {
    const isRead = path.endsWith(".stream.sse")
      ? paths.includes(path.replace(/sse$/, "json"))
      : /\.(requests?|streams?|responses?|round_trip)\.json$/.test(path) || path === MCP_TOOLS;
    if (!isRead) throw new Error(`No test reads ${path}: see helpers/fixtures.ts for the endings`);
  }
  return paths;
}

function* walk(folder: string, root: URL): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(new URL(folder || ".", root))) {
    if (isDirectory) yield* walk(`${folder}${name}/`, root);
    else yield `${folder}${name}`;
  }
}

/** The cases of a kind, including those in tables. */
function readCases<T extends CaseFile>(kind: keyof typeof KEYS, root: URL): T[] {
  return listFixtures(root).flatMap((path) => {
    const name = path.replace(/\.json$/, "");
    if (path.endsWith(`.${kind}.json`)) {
      return [toCase<T>(readJson(path, root), { kind, name })];
    }
    return path.endsWith(`.${kind}s.json`) ? readTable<T>(path, kind, root) : [];
  });
}

function readTable<T extends CaseFile>(path: string, kind: keyof typeof KEYS, root: URL): T[] {
  const { about, cases, ...shared }: Table & JsonObject = readJson(path, root);
  checkKeys({ about, ...shared }, ["about", ...kind === "request" ? SHARED_KEYS : []], path);
  const names = new Set(cases.map((one) => one["name"]));
  if (names.size < cases.length) throw new Error(`Two cases in ${path} have the same name`);
  return cases.map(({ name: own, ...one }) => {
    const merged = Object.entries(shared).map(([key, value]) => [
      key,
      { ...asObject(value), ...asObject(one[key]) },
    ]);
    const name = `${path.replace(/\.json$/, "")}#${own}`;
    return toCase<T>({ ...one, ...Object.fromEntries(merged) }, { kind, name });
  });
}

/** A case with its name. The types of its values are not checked. */
function toCase<T extends CaseFile>(
  content: JsonObject,
  { kind, name }: { kind: keyof typeof KEYS; name: string },
): T {
  checkKeys(content, KEYS[kind], name);
  return { name, ...content } as T;
}

/** @throws {Error} for a key that no test reads, and if `about` is missing */
function checkKeys(content: JsonObject, keys: readonly string[], name: string): void {
  const unread = Object.keys(content).find((key) => !keys.includes(key));
  if (unread !== undefined) throw new Error(`No test reads the key ${unread} of ${name}`);
  if (!content["about"]) throw new Error(`The fixture ${name} needs an about`);
}

/** The text of a stream in a `.sse` file, with its byte order mark. */
function readSse({ name, chunks }: StreamFile, url: URL): string {
  if (chunks !== undefined) throw new Error(`The fixture ${name} has chunks and a .sse file`);
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Deno.readFileSync(url));
}

/** The text of a stream of chunks. */
function toSse({ name, chunks, envelope = ENVELOPE, done = true }: StreamFile): string {
  if (chunks === undefined) throw new Error(`The fixture ${name} needs chunks or a .sse file`);
  const events = chunks.map((chunk) => {
    if (typeof chunk === "string") return chunk;
    return `data: ${JSON.stringify(isJsonObject(chunk) ? { ...envelope, ...chunk } : chunk)}`;
  });
  return [...events, ...(done ? ["data: [DONE]"] : [])].map((event) => `${event}\n\n`).join("");
}

function readJson<T>(path: string, root: URL): T {
  const value: T = JSON.parse(Deno.readTextFileSync(new URL(path, root)));
  return value;
}

function asObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}
