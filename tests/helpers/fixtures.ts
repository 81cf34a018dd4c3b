/**
 * Golden pairs from tests/fixtures: what upstream says, and what the client must read.
 * @module
 */

import type {
  ContextManagement,
  ErrorType,
  Message,
  StreamEvent,
} from "../../lib/anthropic/types.ts";
import { ToolNames } from "../../lib/translate/tool_names.ts";
import { StreamTranslator } from "../../lib/translate/response/stream_translator.ts";

/** What a fixture says of its request; the rest is the same for all. */
export interface FixtureOptions {
  /** The tool names of the request. */
  names?: string[];
  takenCallIds?: string[];
  stopSequences?: string[];
  /** The client's own limit, where upstream was given more. */
  visibleTokens?: number;
  /** The request had `safeguards`. */
  reportsSafeguards?: boolean;
  /** The client asked for web search. */
  searchesWeb?: boolean;
  /** What was done to the context, where the client manages it. */
  contextManagement?: ContextManagement;
  /** The client asked not to see thinking. */
  hidesThinking?: boolean;
  cacheTtl?: "5m" | "1h";
  /** A text that errors must not show. */
  secret?: string;
}

/** An error before anything was sent. Without `message`, the words do not matter. */
export interface ExpectedError {
  type: ErrorType;
  status: number;
  message?: string;
}

/** Expected is either all collapsed events, or an error before the first of them. */
export interface StreamFixture {
  about: string;
  options?: FixtureOptions;
  events?: StreamEvent[];
  error?: ExpectedError;
}

/** Expected is either a message or an error. */
export interface ResponseFixture {
  about: string;
  options?: FixtureOptions;
  completion: unknown;
  message?: Message;
  error?: ExpectedError;
}

/** A case with the text of its `.sse` file. */
export interface StreamCase {
  name: string;
  sse: string;
  fixture: StreamFixture;
}

const FIXTURES = new URL("../fixtures/", import.meta.url);

/** All stream cases, by name. */
export function loadStreamCases(): StreamCase[] {
  return listNames("streams/").map((name) => {
    const fixture: StreamFixture = loadJson(`streams/${name}.json`);
    const bytes = Deno.readFileSync(new URL(`streams/${name}.sse`, FIXTURES));
    return { name, sse: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes), fixture };
  });
}

/** All response cases, by name. */
export function loadResponseCases(): { name: string; fixture: ResponseFixture }[] {
  return listNames("responses/").map((name) => {
    const fixture: ResponseFixture = loadJson(`responses/${name}.json`);
    return { name, fixture };
  });
}

/** A translator as a fixture wants it: made-up call ids count from `toolu_made_1`. */
export function createTranslator(options: FixtureOptions = {}): StreamTranslator {
  const { names, secret, ...rest } = options;
  let made = 0;
  return new StreamTranslator({
    messageId: "msg_1",
    model: "claude-test",
    inputTokens: 10,
    newCallId: () => `toolu_made_${++made}`,
    ...(names === undefined ? {} : { names: new ToolNames(names) }),
    ...(secret === undefined ? {} : { redact: (text: string) => text.replaceAll(secret, "***") }),
    ...rest,
  });
}

function loadJson<T>(path: string): T {
  return JSON.parse(Deno.readTextFileSync(new URL(path, FIXTURES)));
}

function listNames(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, FIXTURES))]
    .filter((entry) => entry.name.endsWith(".json"))
    .map((entry) => entry.name.replace(/\.json$/, ""))
    .sort();
}
