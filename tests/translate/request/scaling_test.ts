// Translation takes linear time in every field that can be long, text or list. Otherwise a request of 32 MB could block
// all others for minutes.

import { parseCountRequest, parseMessagesRequest } from "../../../lib/anthropic/parse_request.ts";
import { toOpenAiRequest } from "../../../lib/translate/request/openai_request.ts";
import { listCallIds, translateRequest } from "../../../lib/translate/request/request.ts";
import { StreamTranslator } from "../../../lib/translate/response/stream_translator.ts";
import { estimateInputTokens } from "../../../lib/translate/tokens.ts";
import { type Growth, testGrowths } from "../../helpers/scaling.ts";

type Json = Record<string, unknown>;

const CACHED = { cache_control: { type: "ephemeral" } };
const TEXT_CHARS = 3_000_000;
const ITEMS = 99_000;
const TURNS = 60_000;

/** Everything that is done with a body: token counts, and translations for Claude, other models and other servers. */
function handle(body: Json): void {
  const request = parseMessagesRequest(body);
  estimateInputTokens(parseCountRequest(body));
  for (const model of ["anthropic/claude-4", "openai/gpt-5"]) {
    const { body: sent } = translateRequest(request, { models: [model], sessionId: undefined });
    JSON.stringify(sent);
    toOpenAiRequest(sent, new Set());
  }
  translateRequest(request, {
    models: ["mistralai/m"],
    plainSchemas: true,
    unsupported: ["image", "file"],
  });
  new StreamTranslator({
    messageId: "msg_1",
    model: "m",
    inputTokens: 1,
    newCallId: () => "toolu_1",
    takenCallIds: listCallIds(request),
  });
}

function grow(about: string, most: number, build: (size: number) => Json): Growth {
  const buildBody = (size: number) => ({
    model: "claude-sonnet-4-5",
    max_tokens: 9,
    messages: [{ role: "user", content: "Hello" }],
    ...build(size),
  });
  return {
    about,
    most,
    prepare(size) {
      // Through JSON, as received: a body built in memory shares its strings.
      const body: Json = JSON.parse(JSON.stringify(buildBody(size)));
      return () => handle(body);
    },
  };
}

function list<T>(size: number, item: (n: number) => T): T[] {
  return Array.from({ length: size }, (_, n) => item(n));
}

const user = (content: unknown): Json => ({ messages: [{ role: "user", content }] });
const assistant = (content: unknown): Json => ({
  messages: [{ role: "user", content: "Hello" }, { role: "assistant", content }],
});
const image = (data: string) => ({
  type: "image",
  source: { type: "base64", media_type: "image/png", data },
});
const document = (source: Json, more: Json = {}) => user([{ type: "document", source, ...more }]);
const text = (words: string) => ({ type: "text", text: words });
const call = (id: string, input: Json = {}) => ({ type: "tool_use", id, name: "Bash", input });
const result = (id: string, content: unknown) => ({
  type: "tool_result",
  tool_use_id: id,
  content,
});
const inResult = (content: unknown): Json => ({
  messages: [
    { role: "user", content: "Hello" },
    { role: "assistant", content: [call("a")] },
    { role: "user", content: [result("a", content)] },
  ],
});
const schema = (fields: Json): Json => ({
  tools: [{ name: "Bash", input_schema: { type: "object", ...fields } }],
});

/** Texts that have made regular expressions slow: a match may start at each position and never complete. */
const FILLERS = ["x", " ", "\n", "=", "_session_", "[", '"', "\\", ":nitro", "世"];

/** Fields with text. */
const TEXTS: readonly [about: string, build: (words: string) => Json][] = [
  ["text", (words) => user(words)],
  ["system text", (words) => ({ system: [text(words)] })],
  ["a billing header", (words) => ({ system: [text(`x-anthropic-billing-header:${words}!`)] })],
  ["text of a system turn", (words) => ({
    messages: [{ role: "user", content: "a" }, { role: "system", content: words }],
  })],
  ["text of an assistant", (words) => assistant([text(words)])],
  ["a result", (words) => inResult(words)],
  ["a failed result", (words) => user([{ ...result("a", words), is_error: true }])],
  [
    "thinking",
    (words) => assistant([{ type: "thinking", thinking: words, signature: "EqQBCgIYAhIM" }]),
  ],
  ["a signature", (words) => assistant([{ type: "thinking", thinking: "a", signature: words }])],
  ["redacted thinking", (words) => assistant([{ type: "redacted_thinking", data: words }])],
  ["the input of a call", (words) => assistant([call("a", { command: words })])],
  ["an invalid input", (words) => assistant([{ ...call("a"), input: words }])],
  ["a description of a tool", (words) => ({
    tools: [{ name: "a", description: words, input_schema: { type: "object" } }],
  })],
  ["a pattern", (words) => schema({ properties: { a: { type: "string", pattern: words } } })],
  ["a name of a property", (words) => schema({ properties: { [words]: { type: "string" } } })],
  ["a $ref", (words) => schema({ properties: { a: { $ref: `#/$defs/${words}` } } })],
  ["the output format", (words) => ({
    output_config: { format: { type: "json_schema", schema: { description: words } } },
  })],
  ["the base64 of an image", (words) => user([image(words)])],
  [
    "the URL of an image",
    (words) =>
      user([{
        type: "image",
        source: { type: "url", url: `data:${words.replaceAll(/\s/g, "x")}` },
      }]),
  ],
  [
    "the base64 of a PDF",
    (words) => document({ type: "base64", media_type: "application/pdf", data: words }),
  ],
  [
    "the text of a document",
    (words) => document({ type: "text", media_type: "text/plain", data: words }),
  ],
  [
    "the title of a document",
    (words) => document({ type: "url", url: "https://a" }, { title: `${words}!`, context: words }),
  ],
  [
    "a search result",
    (words) =>
      user([{ type: "search_result", source: words, title: words, content: [text(words)] }]),
  ],
  ["a summary", (words) => assistant([{ type: "compaction", content: words }])],
  ["the state of a browser", (words) => inResult([{ type: "browser_state", state: words }])],
  ["a block of an unknown type", (words) => user([text("a"), { type: words }])],
  [
    "the query of a web search",
    (words) =>
      assistant([{ type: "server_tool_use", name: "web_search", input: { query: words } }]),
  ],
];

const pairs = (size: number, id: (n: number) => string) =>
  list(size, (n) => [
    { role: "assistant", content: [call(id(n))] },
    { role: "user", content: [result(id(n), "ok")] },
  ]).flat();

const together = (size: number, id: (n: number) => string): Json => ({
  messages: [
    { role: "user", content: "Hello" },
    { role: "assistant", content: list(size, (n) => call(id(n))) },
    { role: "user", content: list(size, (n) => result(id(n), "ok")) },
  ],
});

/** Fields with lists. */
const LISTS: readonly Growth[] = [
  grow("turns", ITEMS, (size) => ({
    messages: list(size, (n) => ({ role: n % 2 ? "assistant" : "user", content: "a" })),
  })),
  grow("system turns", ITEMS, (size) => ({
    messages: list(size, () => ({
      role: "system",
      content: "a",
      output_config: { effort: "low" },
    })).concat([{ role: "user", content: "a", output_config: { effort: "low" } }]),
  })),
  grow("text blocks", ITEMS, (size) => user(list(size, () => text("a")))),
  grow(
    "text blocks with breakpoints",
    ITEMS,
    (size) => user(list(size, () => ({ ...text("a"), ...CACHED }))),
  ),
  grow("system blocks", ITEMS, (size) => ({ system: list(size, () => text("a")) })),
  grow("texts of an assistant", ITEMS, (size) => assistant(list(size, () => text("a")))),
  grow("images", ITEMS, (size) => user(list(size, () => image("iVBORw0KGgo=")))),
  grow("images of a result", ITEMS, (size) => inResult(list(size, () => image("iVBORw0K")))),
  grow("texts of a result", ITEMS, (size) => inResult(list(size, () => text("a")))),
  grow(
    "references of a result",
    ITEMS,
    (size) => inResult(list(size, (n) => ({ type: "tool_reference", tool_name: `tool.${n}` }))),
  ),
  grow(
    "documents",
    ITEMS,
    (size) =>
      user(list(size, () => ({ type: "document", source: { type: "url", url: "https://a" } }))),
  ),
  grow(
    "parts of a document",
    ITEMS,
    (size) => document({ type: "content", content: list(size, () => text("a")) }),
  ),
  grow("search results", TURNS, (size) =>
    user(list(size, () => ({
      type: "search_result",
      source: "a",
      title: "b",
      content: [text("c")],
    })))),
  grow(
    "thinking blocks",
    ITEMS,
    (size) =>
      assistant(list(size, () => ({ type: "thinking", thinking: "a", signature: "EqQBCgIYAhIM" }))),
  ),
  grow(
    "redacted thinking blocks",
    ITEMS,
    (size) => assistant(list(size, () => ({ type: "redacted_thinking", data: "EqQBCgIYAhIM" }))),
  ),
  grow("calls and results", TURNS, (size) => ({
    messages: [{ role: "user", content: "a" }, ...pairs(size / 2, (n) => `toolu_${n}`)],
  })),
  grow("calls of one id", TURNS, (size) => ({
    messages: [{ role: "user", content: "a" }, ...pairs(size / 2, () => "call_0")],
  })),
  grow("parallel calls", TURNS, (size) => together(size, (n) => `toolu_${n}`)),
  grow("parallel calls of one id", TURNS, (size) => together(size, () => "call_0")),
  grow(
    "results without a call",
    ITEMS,
    (size) => user(list(size, (n) => result(`toolu_${n}`, "ok"))),
  ),
  grow(
    "names of tools in calls",
    ITEMS,
    (size) => assistant(list(size, (n) => ({ ...call(`toolu_${n}`), name: `mcp.${n}` }))),
  ),
  // V8 stores objects of some thousand keys differently, so all sizes are above that.
  grow(
    "keys of an input",
    90_000,
    (size) => assistant([call("a", Object.fromEntries(list(size + 3000, (n) => [`k${n}`, n])))]),
  ),
  grow("results of a web search", ITEMS, (size) =>
    assistant([{
      type: "web_search_tool_result",
      content: list(size, (n) => ({ title: "a", url: `https://a/${n}` })),
    }])),
  grow(
    "unknown blocks",
    ITEMS,
    (size) => user([text("a"), ...list(size, (n) => ({ type: `type_${n}` }))]),
  ),
  grow("tools", 9900, (size) => ({
    tools: list(size, (n) => ({
      name: `tool.${n}`,
      input_schema: { type: "object" },
      ...CACHED,
    })),
  })),
  grow("dropped tools", 9900, (size) => ({
    tools: list(size, (n) => ({ type: `computer_${n}`, name: `tool_${n}` })),
  })),
  grow("domains", ITEMS, (size) => ({
    tools: [{
      type: "web_search_20250305",
      name: "web_search",
      allowed_domains: list(size, (n) => `a${n}.com`),
    }],
  })),
  grow("properties of a schema", 100_000, (size) =>
    schema({
      properties: Object.fromEntries(list(size, (n) => [`p${n}`, { type: "string" }])),
      required: list(size, (n) => `p${n}`),
    })),
  grow("alternatives of a schema", 100_000, (size) =>
    schema({
      anyOf: list(size, (n) => ({ type: "object", properties: { [`p${n}`]: true } })),
    })),
  grow("parts of a schema", 100_000, (size) =>
    schema({
      allOf: list(size, (n) => ({ properties: { [`p${n}`]: {} }, required: [`p${n}`] })),
    })),
  grow("definitions of a schema", 50_000, (size) =>
    schema({
      $defs: Object.fromEntries(list(size, (n) => [`d${n}`, { type: "string" }])),
      properties: Object.fromEntries(list(size, (n) => [`p${n}`, { $ref: `#/$defs/d${n}` }])),
    })),
  grow("uses of one definition", 50_000, (size) =>
    schema({
      definitions: { one: { type: "object", properties: { a: { type: "string" } } } },
      properties: Object.fromEntries(
        list(size, (n) => [`p${n}`, { $ref: "#/definitions/one" }]),
      ),
    })),
  grow("definitions that refer to each other", 50_000, (size) =>
    schema({
      $defs: Object.fromEntries(list(size, (n) => [`d${n}`, { $ref: `#/$defs/d${n + 1}` }])),
      properties: { a: { $ref: "#/$defs/d0" } },
    })),
  grow("patterns", 50_000, (size) =>
    schema({
      properties: Object.fromEntries(
        list(size, (n) => [`p${n}`, { type: "string", pattern: "^(?=a)b$" }]),
      ),
    })),
  grow(
    "values of an enum",
    100_000,
    (size) => schema({ properties: { a: { enum: list(size, (n) => `w${n}`) } } }),
  ),
];

/** A run of each filler, each with an end that does not match. */
function fill(size: number): string {
  const length = size / FILLERS.length;
  return FILLERS.map((filler) => `${filler.repeat(Math.ceil(length / filler.length))}!`).join("");
}

/** Only the header of an image is read, so the filler is there. */
const PADDING = grow(
  "padding of an image",
  65_000,
  (size) => user([image(`${"=".repeat(size)}A`)]),
);

/** For programs that call translateRequest without the parser's length limit. */
const USER_ID: Growth = {
  about: "user id",
  most: 1_000_000,
  prepare(size) {
    const body = { model: "m", max_tokens: 9, messages: [{ role: "user", content: "a" }] };
    const request = { ...parseMessagesRequest(body), user_id: `${"_session_".repeat(size / 9)}!` };
    return () => translateRequest(request, { models: ["openai/gpt-5"] });
  },
};

testGrowths("translating a request", [
  PADDING,
  USER_ID,
  ...TEXTS.map(([about, build]) => grow(about, TEXT_CHARS, (size) => build(fill(size)))),
  ...LISTS,
]);
