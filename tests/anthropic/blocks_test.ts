// Content blocks of every type, with all their fields: where each is taken, and as what.

import { assertEquals } from "@std/assert";
import { parseMessagesRequest } from "../../lib/anthropic/parse_request.ts";
import {
  assistant,
  BLOCK,
  body,
  call,
  hello,
  type Keys,
  refuse,
  result,
  source,
  tag,
  user,
} from "../helpers/invalid_requests.ts";

const cache_control = { type: "ephemeral", ttl: "5m" };
const text = { type: "text", text: "x", cache_control };
const image = { type: "image", source, cache_control };
const found = { type: "search_result", source: "s", title: "t", content: [text], cache_control };
const pdf = { type: "base64", media_type: "application/pdf", data: "JVBE" };
const reference = { type: "tool_reference", tool_name: "Read" };

const document = (of: unknown) => ({
  type: "document",
  source: of,
  cache_control,
  title: "t",
  context: "c",
});

/** Blocks that are taken as they are. */
const INPUT: Keys[] = [
  text,
  image,
  ...["image/jpeg", "image/gif", "image/webp"].map((media_type) => ({
    ...image,
    source: { ...source, media_type },
  })),
  { ...image, source: { ...source, data: "data:image/png;base64,iVBO" } },
  ...[
    "https://a.example/b.png",
    "http://a.example",
    "HTTPS://a.example",
    "data:image/png;base64,iVBO",
  ]
    .map((url) => ({ ...image, source: { type: "url", url } })),
  document(pdf),
  document({ ...pdf, data: "data:application/pdf;base64,JVBE" }),
  document({ type: "url", url: "https://a.example/b.pdf" }),
  document({ type: "text", media_type: "text/plain", data: "" }),
  document({ type: "content", content: [text, image] }),
  found,
];
const THINKING = { type: "thinking", thinking: "Hm.", signature: "s" };
const REDACTED = { type: "redacted_thinking", data: "d" };
const CALL = { ...call, input: { a: 1 }, cache_control };

/** The blocks of the last message, as JSON. */
function parse(request: unknown): unknown {
  return JSON.parse(JSON.stringify(parseMessagesRequest(request).messages.at(-1)?.content));
}

const inResult = (...content: unknown[]) => user({ ...result, content });
const inSystem = (...content: unknown[]) =>
  body({ messages: [hello, { role: "system", content }] });
const parseResult = (content: unknown) => parse(user({ ...result, content }));

for (const block of INPUT) {
  const about = `${block["type"]} ${JSON.stringify(block["source"] ?? "")}`;
  Deno.test(`users and tool results may contain: ${about}`, () => {
    assertEquals(parse(user(block)), [block]);
    assertEquals(parseResult([block, reference]), [{ ...result, content: [block, reference] }]);
  });
}

Deno.test("assistants may contain text, thinking and calls", () => {
  const blocks = [text, THINKING, REDACTED, CALL];
  assertEquals(parse(assistant(...blocks)), blocks);
});

Deno.test("tool results keep all their fields", () => {
  const full = { ...result, content: "ok", is_error: true, cache_control };
  assertEquals(parse(user(full)), [full]);
  assertEquals(parse(user({ ...result, is_error: false })), [{ ...result, is_error: false }]);
  assertEquals(parseResult(""), [{ ...result, content: "" }]);
  assertEquals(parseResult([]), [{ ...result, content: [] }]);
});

Deno.test("text content is one block, and empty texts are left out", () => {
  const plain = { type: "text", text: "x" };
  assertEquals(parse(body({ messages: [{ role: "user", content: "x" }] })), [plain]);
  const empty = { type: "text", text: "" };
  assertEquals(parse(user(empty, plain, empty)), [plain]);
  assertEquals(parse(assistant(empty)), []);
  assertEquals(parseResult([empty]), [{ ...result, content: [] }]);
  assertEquals(parse(user({ ...found, content: "x" })), [{ ...found, content: [plain] }]);
  const { system } = parseMessagesRequest(body({ system: [empty, text] }));
  assertEquals<unknown>(system, [text]);
  assertEquals<unknown>(parseMessagesRequest(body({ system: "x" })).system, [{
    ...plain,
  }]);
});

Deno.test("a system turn may contain text and additions of tools", () => {
  const add = (tool: unknown) => ({ type: "tool_addition", tool });
  assertEquals(
    parse(inSystem(
      text,
      add({ type: "tool_reference", name: "Read" }),
      add({ type: "tool_definition", name: "Read" }),
      { type: "later" },
    )),
    [
      text,
      reference,
      { type: "unsupported", blockType: "tool_addition" },
      { type: "unsupported", blockType: "later" },
    ],
  );
});

Deno.test("an earlier web search is its query and its pages", () => {
  const use = (name: string, input: unknown) => ({ type: "server_tool_use", id: "s", name, input });
  const hit = { title: "t", url: "u" };
  const pages = (content: unknown) => ({
    type: "web_search_tool_result",
    tool_use_id: "s",
    content,
  });
  assertEquals(
    parse(assistant(
      use("web_search", { query: "q" }),
      use("web_search", { query: 1 }),
      use("code_execution", { query: "q" }),
      pages([{ ...hit, type: "web_search_result", encrypted_content: "e", page_age: "1 day" }]),
      pages({ type: "web_search_tool_result_error", error_code: "too_many_requests" }),
    )),
    [
      { type: "web_search", query: "q" },
      { type: "web_search", query: "" },
      { type: "unsupported", blockType: "server_tool_use" },
      { type: "web_search", hits: [hit] },
      { type: "web_search", hits: [] },
    ],
  );
});

Deno.test("blocks without a counterpart upstream become text where they have one", () => {
  const summary = (content: unknown) => ({ type: "compaction", content, cache_control });
  assertEquals(parse(assistant(summary("So far"), summary(""), summary(null), summary(["x"]))), [
    { type: "text", text: "Summary of the conversation so far:\nSo far\n", cache_control },
    ...[1, 2, 3].map(() => ({ type: "unsupported", blockType: "compaction" })),
  ]);
  assertEquals(parse(user({ type: "container_upload", file_id: "f" })), [{
    type: "text",
    text: "(a file in the container of Anthropic's code execution)",
  }]);
  const state = { type: "browser_state", url: "u", cache_control };
  assertEquals(parse(user(state)), [
    { type: "text", text: 'Browser state: {"url":"u"}', cache_control },
  ]);
});

const INPUT_TYPES = ["text", "image", "document", "search_result"];
const ASSISTANT_TYPES = ["text", "tool_use", "thinking", "redacted_thinking"];
const KNOWN = [...INPUT_TYPES, ...ASSISTANT_TYPES.slice(1), "tool_result", "tool_reference"];

/** Where blocks are, and the known types that are allowed there. */
const PLACES: [
  about: string,
  build: (...blocks: unknown[]) => unknown,
  path: string,
  types: string[],
][] = [
  ["a user turn", user, BLOCK, [...INPUT_TYPES, "tool_result"]],
  ["an assistant turn", assistant, BLOCK, ASSISTANT_TYPES],
  ["a tool result", inResult, `${BLOCK}.tool_result.content.0`, [...INPUT_TYPES, "tool_reference"]],
  ["a system turn", inSystem, "messages.1.content.0", ["text", "tool_addition"]],
];

for (const [about, build, path, types] of PLACES) {
  Deno.test(`a known type is an error in ${about}, unless it is allowed there`, () => {
    for (const type of KNOWN) {
      if (types.includes(type)) continue;
      assertEquals(refuse(build({ type })).message, `${path}: ${tag(type, ...types)}`);
    }
    assertEquals(refuse(build({ type: 7 })).message, `${path}: ${tag("7", ...types)}`);
    assertEquals(refuse(build({})).message, `${path}.type: Field required`);
  });
}

/** Blocks without a required field, with the path of the field: it includes the tag of each union. */
const INCOMPLETE: [request: unknown, path: string][] = [
  [inSystem({ type: "text" }), "messages.1.content.0.text.text"],
  [
    inSystem({ type: "tool_addition", tool: { type: "tool_reference" } }),
    "messages.1.content.0.tool.name",
  ],
  [body({ system: [{ type: "text" }] }), "system.0.text.text"],
  [user({ ...found, content: [{ type: "text" }] }), `${BLOCK}.search_result.content.0.text.text`],
  [
    user(document({ type: "content", content: [{ type: "text" }] })),
    `${BLOCK}.document.source.content.content.0.text.text`,
  ],
  [
    user(document({ type: "content", content: [{ type: "image" }] })),
    `${BLOCK}.document.source.content.content.0.image.source`,
  ],
  [user(document({ type: "url" })), `${BLOCK}.document.source.url.url`],
  [user(document({ type: "base64" })), `${BLOCK}.document.source.base64.media_type`],
  [user(document({ type: "content" })), `${BLOCK}.document.source.content.content`],
  [inResult({ type: "text" }), `${BLOCK}.tool_result.content.0.text.text`],
  [inResult({ type: "image" }), `${BLOCK}.tool_result.content.0.image.source`],
  [
    inResult({ type: "tool_reference" }),
    `${BLOCK}.tool_result.content.0.tool_reference.tool_name`,
  ],
  [
    assistant({ type: "web_search_tool_result", content: [{ url: "u" }] }),
    `${BLOCK}.web_search_tool_result.content.0.title`,
  ],
  [
    assistant({ type: "web_search_tool_result", content: [{ title: "t" }] }),
    `${BLOCK}.web_search_tool_result.content.0.url`,
  ],
];
for (const [request, path] of INCOMPLETE) {
  Deno.test(`a block without a required field is refused: ${path}`, () => {
    assertEquals(refuse(request).message, `${path}: Field required`);
  });
}

Deno.test("an input of a call is an object, or kept as text", () => {
  const inputs = [undefined, null, { a: 1 }, "", "abc", 0, false, [1]].map((input) =>
    parse(assistant({ ...call, input }))
  );
  assertEquals(
    inputs,
    [
      {},
      {},
      { a: 1 },
      ...["", "abc", "0", "false", "[1]"].map((INVALID_JSON) => ({ INVALID_JSON })),
    ]
      .map((input) => [{ ...call, input }]),
  );
});
