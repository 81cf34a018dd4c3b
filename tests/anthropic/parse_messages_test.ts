// Invalid content blocks and tools, with the API's own wording and path in the error.

import {
  assistant,
  type Bad,
  BLOCK,
  body,
  BOOLEAN,
  call,
  image,
  INTEGER,
  LIST,
  MEDIA_TYPES,
  NOT_EMPTY,
  OBJECT,
  REQUIRED,
  result,
  schema,
  source,
  STRING,
  tag,
  testRefusals,
  tool,
  user,
  without,
} from "../helpers/invalid_requests.ts";

const INPUT_TYPES = ["text", "image", "document", "search_result"];

const BLOCKS: Bad[] = [
  ["a null block", user(null), `${BLOCK}: ${OBJECT}`],
  ["a string as block", user("Hello"), `${BLOCK}: ${OBJECT}`],
  ["a block without type", user({ text: "x" }), `${BLOCK}.type: ${REQUIRED}`],
  [
    "a tool_use block in a user turn",
    user(call),
    `${BLOCK}: ${tag("tool_use", ...INPUT_TYPES, "tool_result")}`,
  ],
  [
    "a tool_result block in an assistant turn",
    assistant(result),
    `${BLOCK}: ${tag("tool_result", "text", "tool_use", "thinking", "redacted_thinking")}`,
  ],
  [
    "a second block, with its path",
    user({ type: "text", text: "x" }, { type: "thinking" }),
    `messages.0.content.1: ${tag("thinking", ...INPUT_TYPES, "tool_result")}`,
  ],
  ["a text block without text", user({ type: "text" }), `${BLOCK}.text.text: ${REQUIRED}`],
  [
    "a text block with a number",
    assistant({ type: "text", text: 1 }),
    `${BLOCK}.text.text: ${STRING}`,
  ],
  [
    "an image whose source is text",
    user({ type: "image", source: "x" }),
    `${BLOCK}.image.source: ${OBJECT}`,
  ],
  [
    "a document whose source is text",
    user({ type: "document", source: "x" }),
    `${BLOCK}.document.source: ${OBJECT}`,
  ],
  [
    "a part of a search result that is text",
    user({ type: "search_result", source: "s", title: "t", content: ["x"] }),
    `${BLOCK}.search_result.content.0: ${OBJECT}`,
  ],
  [
    "an image url that ends in a line break",
    image({ type: "url", url: "https://example.com/a.png\n" }),
    `${BLOCK}.image.source.url.url: Input should be a valid URL`,
  ],
  [
    "an image whose data ends like a data URL",
    image({ data: "data:image/png,data:" }),
    `${BLOCK}.image.source.base64.data: Input should be valid base64`,
  ],
  ["an image without source", user({ type: "image" }), `${BLOCK}.image.source: ${REQUIRED}`],
  [
    "an unknown image source",
    image({ type: "path" }),
    `${BLOCK}.image.source: ${tag("path", "base64", "url")}`,
  ],
  [
    "an unknown media type",
    image({ media_type: "image/bmp" }),
    `${BLOCK}.image.source.base64.media_type: ${MEDIA_TYPES}`,
  ],
  [
    "an image without data",
    image({ data: undefined }),
    `${BLOCK}.image.source.base64.data: ${REQUIRED}`,
  ],
  [
    "an object with its own toString as type",
    user({ type: { toString: -1 } }),
    `${BLOCK}: ${tag('{"toString":-1}', ...INPUT_TYPES, "tool_result")}`,
  ],
  [
    "an image whose data is a data URL of a page",
    image({ data: "data:text/html;base64,PGI+" }),
    `${BLOCK}.image.source.base64.data: Input should be valid base64`,
  ],
  [
    "a PDF whose data is a broken data URL",
    user({
      type: "document",
      source: { type: "base64", media_type: "application/pdf", data: "data:application/p" },
    }),
    `${BLOCK}.document.source.base64.data: Input should be valid base64`,
  ],
  [
    "an image whose data is a data URL without a type",
    image({ data: "data:;data:image/png;base64,iVBO" }),
    `${BLOCK}.image.source.base64.data: Input should be valid base64`,
  ],
  [
    "an image whose data is a data URL with a long type",
    image({ data: `data:${"x".repeat(51)}data:image/png;base64,iVBO` }),
    `${BLOCK}.image.source.base64.data: Input should be valid base64`,
  ],
  [
    "an image with empty data",
    image({ data: "" }),
    `${BLOCK}.image.source.base64.data: ${NOT_EMPTY}`,
  ],
  [
    "an empty image url",
    image({ type: "url", url: "" }),
    `${BLOCK}.image.source.url.url: ${NOT_EMPTY}`,
  ],
  [
    "an image url whose scheme only ends in https",
    image({ type: "url", url: "xhttps://example.com/a.png" }),
    `${BLOCK}.image.source.url.url: Input should be a valid URL`,
  ],
  [
    "a document url that cannot be fetched",
    user({ type: "document", source: { type: "url", url: "ftp://example.com/a.pdf" } }),
    `${BLOCK}.document.source.url.url: Input should be a valid URL`,
  ],
  [
    "a plain text document of another media type",
    user({ type: "document", source: { type: "text", media_type: "text/html", data: "x" } }),
    `${BLOCK}.document.source.text.media_type: Input should be 'text/plain'`,
  ],
  [
    "a plain text document without data",
    user({ type: "document", source: { type: "text", media_type: "text/plain" } }),
    `${BLOCK}.document.source.text.data: ${REQUIRED}`,
  ],
  [
    "a document context that is not a string",
    user({
      type: "document",
      source: { type: "text", media_type: "text/plain", data: "x" },
      context: 7,
    }),
    `${BLOCK}.document.context: ${STRING}`,
  ],
  [
    "a file without an id as image source",
    image({ type: "file" }),
    `${BLOCK}.image.source: file sources are not supported; send base64 or a url`,
  ],
  [
    "an unknown type of breakpoint",
    user({ type: "text", text: "x", cache_control: { type: "forever" } }),
    `${BLOCK}.text.cache_control.type: Input should be 'ephemeral'`,
  ],
  [
    "an unknown ttl of a breakpoint",
    user({ type: "text", text: "x", cache_control: { type: "ephemeral", ttl: "2h" } }),
    `${BLOCK}.text.cache_control.ttl: Input should be '5m' or '1h'`,
  ],
  [
    "a breakpoint that is not an object",
    user({ type: "text", text: "x", cache_control: "ephemeral" }),
    `${BLOCK}.text.cache_control: ${OBJECT}`,
  ],
  [
    "a search result without title",
    user({ type: "search_result", source: "s", content: [] }),
    `${BLOCK}.search_result.title: ${REQUIRED}`,
  ],
  [
    "an image source without url",
    image({ type: "url" }),
    `${BLOCK}.image.source.url.url: ${REQUIRED}`,
  ],
  [
    "an image url that cannot be fetched",
    image({ type: "url", url: "file:///etc/passwd" }),
    `${BLOCK}.image.source.url.url: Input should be a valid URL`,
  ],
  [
    "an image url without its slashes",
    image({ type: "url", url: "https:b//example.com/a.png" }),
    `${BLOCK}.image.source.url.url: Input should be a valid URL`,
  ],
  [
    "a file as image source",
    image({ type: "file", file_id: "f" }),
    `${BLOCK}.image.source: file sources (f) are not supported; send base64 or a url`,
  ],
  [
    "a document of another media type",
    user({ type: "document", source }),
    `${BLOCK}.document.source.base64.media_type: Input should be 'application/pdf'`,
  ],
  [
    "a document without source",
    user({ type: "document" }),
    `${BLOCK}.document.source: ${REQUIRED}`,
  ],
  [
    "a file as document source",
    user({ type: "document", source: { type: "file", file_id: "file_1" } }),
    `${BLOCK}.document.source: file sources (file_1) are not supported; send base64 or a url`,
  ],
  [
    "an unknown document source",
    user({ type: "document", source: { type: "path" } }),
    `${BLOCK}.document.source: ${tag("path", "base64", "url", "text", "content")}`,
  ],
  [
    "a tool call in a document",
    user({ type: "document", source: { type: "content", content: [call] } }),
    `${BLOCK}.document.source.content.content.0: ${tag("tool_use", "text", "image")}`,
  ],
  [
    "a search result without source",
    user({ type: "search_result" }),
    `${BLOCK}.search_result.source: ${REQUIRED}`,
  ],
  [
    "an image in a search result",
    user({ type: "search_result", source: "s", title: "t", content: [{ type: "image", source }] }),
    `${BLOCK}.search_result.content.0: ${tag("image", "text")}`,
  ],
  [
    "an image url with a space",
    image({ type: "url", url: "https://example.com/a b.png" }),
    `${BLOCK}.image.source.url.url: Input should be a valid URL`,
  ],
  [
    "an image url without a host",
    image({ type: "url", url: "https://" }),
    `${BLOCK}.image.source.url.url: Input should be a valid URL`,
  ],
  [
    "a document title that is not a string",
    user({
      type: "document",
      source: { type: "text", media_type: "text/plain", data: "x" },
      title: 7,
    }),
    `${BLOCK}.document.title: ${STRING}`,
  ],
  ["a tool call without id", assistant(without(call, "id")), `${BLOCK}.tool_use.id: ${REQUIRED}`],
  [
    "a tool call without name",
    assistant(without(call, "name")),
    `${BLOCK}.tool_use.name: ${REQUIRED}`,
  ],
  [
    "a tool result without tool_use_id",
    user(without(result, "tool_use_id")),
    `${BLOCK}.tool_result.tool_use_id: ${REQUIRED}`,
  ],
  [
    "a word as is_error",
    user({ ...result, is_error: "no" }),
    `${BLOCK}.tool_result.is_error: ${BOOLEAN}`,
  ],
  [
    "a number as the content of a tool result",
    user({ ...result, content: 1 }),
    `${BLOCK}.tool_result.content: ${LIST}`,
  ],
  [
    "a tool result in a tool result",
    user({ ...result, content: [result] }),
    `${BLOCK}.tool_result.content.0: ${tag("tool_result", ...INPUT_TYPES, "tool_reference")}`,
  ],
  [
    "a document without source in a tool result",
    user({ ...result, content: [{ type: "document" }] }),
    `${BLOCK}.tool_result.content.0.document.source: ${REQUIRED}`,
  ],
  [
    "thinking without text",
    assistant({ type: "thinking", signature: "s" }),
    `${BLOCK}.thinking.thinking: ${REQUIRED}`,
  ],
  [
    "redacted thinking without data",
    assistant({ type: "redacted_thinking" }),
    `${BLOCK}.redacted_thinking.data: ${REQUIRED}`,
  ],
];

const SEARCH = { type: "web_search_20250305", name: "web_search" };
const CODE = { type: "code_execution_20250825", name: "code_execution" };
const CHOICES = ["auto", "any", "tool", "none"];

const TOOLS: Bad[] = [
  ["tools as an object", body({ tools: {} }), `tools: ${LIST}`],
  ["a null tool", body({ tools: [null] }), `tools.0: ${OBJECT}`],
  ["a tool of type function", tool({ type: "function" }), `tools.0: ${tag("function", "custom")}`],
  [
    "two lists of domains for a web search",
    body({
      tools: [{ ...SEARCH, allowed_domains: ["a.example"], blocked_domains: ["b.example"] }],
    }),
    "tools.0.web_search_20250305: only one of allowed_domains and blocked_domains can be given",
  ],
  [
    "a word as max_uses",
    body({ tools: [{ ...SEARCH, max_uses: "5" }] }),
    `tools.0.web_search_20250305.max_uses: ${INTEGER}`,
  ],
  [
    "web search twice",
    body({ tools: [SEARCH, { ...SEARCH, type: "web_search_20260209" }] }),
    "tools: Tool names must be unique.",
  ],
  [
    "a tool and a web search with the same name",
    body({ tools: [SEARCH, { name: "web_search", input_schema: schema }] }),
    "tools: Tool names must be unique.",
  ],
  [
    "a web search with max_uses 0",
    body({ tools: [{ ...SEARCH, max_uses: 0 }] }),
    "tools.0.web_search_20250305.max_uses: Input should be greater than or equal to 1",
  ],
  ["a tool without name", tool({ name: undefined }), `tools.0.custom.name: ${REQUIRED}`],
  ["a tool with an empty name", tool({ name: "" }), `tools.0.custom.name: ${NOT_EMPTY}`],
  ["a number as description", tool({ description: 1 }), `tools.0.custom.description: ${STRING}`],
  [
    "a tool without input_schema",
    tool({ input_schema: undefined }),
    `tools.0.custom.input_schema: ${REQUIRED}`,
  ],
  [
    "a null input_schema",
    tool({ input_schema: null }),
    `tools.0.custom.input_schema: ${REQUIRED}`,
  ],
  ["a number as type of a tool", tool({ type: 1 }), `tools.0.type: ${STRING}`],
  [
    "an empty domain",
    body({ tools: [{ ...SEARCH, blocked_domains: [""] }] }),
    `tools.0.web_search_20250305.blocked_domains.0: ${NOT_EMPTY}`,
  ],
  [
    "an unknown type of location",
    body({ tools: [{ ...SEARCH, user_location: { type: "exact" } }] }),
    `tools.0.web_search_20250305.user_location: ${tag("exact", "approximate")}`,
  ],
  [
    "a number as city of a location",
    body({ tools: [{ ...SEARCH, user_location: { type: "approximate", city: 1 } }] }),
    `tools.0.web_search_20250305.user_location.city: ${STRING}`,
  ],
  [
    "an advisor with max_tokens 0",
    body({ tools: [{ type: "advisor_20260301", name: "advisor", max_tokens: 0 }] }),
    "tools.0.advisor_20260301.max_tokens: Input should be greater than or equal to 1",
  ],
  ["a word as strict", tool({ strict: "yes" }), `tools.0.strict: ${BOOLEAN}`],
  ["a word as defer_loading", tool({ defer_loading: "yes" }), `tools.0.defer_loading: ${BOOLEAN}`],
  [
    "a tool_choice for a dropped tool without a name, by its type",
    body({ tools: [{ type: "mcp_toolset" }], tool_choice: { type: "tool", name: "mcp_toolset" } }),
    "tool_choice: 'mcp_toolset' is not supported by this proxy",
  ],
  [
    "a tool_choice for a dropped tool whose name is its type",
    body({
      tools: [{ type: "computer_20250124", name: "computer_20250124" }],
      tool_choice: { type: "any" },
    }),
    "tool_choice: 'computer_20250124' is not supported by this proxy",
  ],
  [
    "a tool_choice for a web search that is not offered",
    { ...tool({}), tool_choice: { type: "tool", name: "web_search" } },
    "tool_choice: Tool 'web_search' not found in provided tools",
  ],
  ["text as input_schema", tool({ input_schema: "{}" }), `tools.0.custom.input_schema: ${OBJECT}`],
  [
    "an input_schema of type string",
    tool({ input_schema: { type: "string" } }),
    "tools.0.custom.input_schema.type: Input should be 'object'",
  ],
  [
    "two tools with the same name",
    body({ tools: [{ name: "A", input_schema: schema }, { name: "A", input_schema: schema }] }),
    "tools: Tool names must be unique.",
  ],
  ["tool_choice as a word", body({ tool_choice: "auto" }), `tool_choice: ${OBJECT}`],
  [
    "OpenAI's tool_choice",
    body({ tool_choice: { type: "function" } }),
    `tool_choice: ${tag("function", ...CHOICES)}`,
  ],
  [
    "a tool_choice without name",
    body({ tool_choice: { type: "tool" } }),
    `tool_choice.tool.name: ${REQUIRED}`,
  ],
  [
    "a tool_choice for a tool that does not exist",
    { ...tool({}), tool_choice: { type: "tool", name: "Read" } },
    "tool_choice: Tool 'Read' not found in provided tools",
  ],
  [
    "a tool_choice for a tool without a counterpart upstream",
    body({
      tools: [CODE, { name: "A", input_schema: schema }],
      tool_choice: { type: "tool", name: CODE.name },
    }),
    `tool_choice: '${CODE.type}' ('${CODE.name}') is not supported by this proxy`,
  ],
  [
    "a tool_choice for any tool if all are dropped",
    body({ tools: [CODE, { type: "mcp_toolset" }], tool_choice: { type: "any" } }),
    `tool_choice: '${CODE.type}' ('${CODE.name}'), 'mcp_toolset' are not supported by this proxy`,
  ],
  [
    "a tool_choice for any tool if only MCP servers are given",
    body({ mcp_servers: [{ type: "url", name: "s" }], tool_choice: { type: "any" } }),
    "tool_choice: 'mcp_servers' is not supported by this proxy",
  ],
  ["MCP servers that are not a list", body({ mcp_servers: {} }), `mcp_servers: ${LIST}`],
  [
    "two lists of domains for a web fetch",
    body({
      tools: [{
        type: "web_fetch_20250910",
        name: "web_fetch",
        allowed_domains: ["a.example"],
        blocked_domains: ["b.example"],
      }],
    }),
    "tools.0.web_fetch_20250910: only one of allowed_domains and blocked_domains can be given",
  ],
  [
    "a number as the advisor's model",
    body({ tools: [{ type: "advisor_20260301", name: "advisor", model: 1 }] }),
    `tools.0.advisor_20260301.model: ${STRING}`,
  ],
  [
    "a web fetch with max_content_tokens 0",
    body({ tools: [{ type: "web_fetch_20250910", max_content_tokens: 0 }] }),
    "tools.0.web_fetch_20250910.max_content_tokens: Input should be greater than or equal to 1",
  ],
  ["a word as disable_parallel_tool_use", {
    ...tool({}),
    tool_choice: { type: "any", disable_parallel_tool_use: "no" },
  }, `tool_choice.any.disable_parallel_tool_use: ${BOOLEAN}`],
];

testRefusals([...BLOCKS, ...TOOLS]);
