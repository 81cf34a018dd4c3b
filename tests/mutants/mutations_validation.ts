/**
 * Mutations of the checks of a body: what is read, what is refused, what is named as left out.
 * @module
 */

import type { Area, TestSet } from "./mutation.ts";

export const VALIDATION_TESTS: TestSet = {
  files: [
    "validate_test.ts",
    "validate_blocks_test.ts",
    "request_test.ts",
    "mutants_gap_features_test.ts",
  ],
};

export const VALIDATION_AREAS: readonly Area[] = [
  {
    file: "lib/anthropic/unread.ts",
    tests: VALIDATION_TESTS,
    mutations: [
      {
        breaks: "fallbacks that Anthropic is to choose are left out without a word",
        find: 'if (root.at("fallbacks").value === "default") names.add("fallbacks");',
        replace: "",
      },
      {
        breaks: "keys further in are left out without a word",
        find: "note(holder, field, { keys, names });",
        replace: "void [holder, keys];",
      },
      {
        breaks: "keys of system blocks are left out without a word",
        find: 'noteBlocks(root.at("system").value, names);',
        replace: "",
      },
      {
        breaks: "keys inside results and search results are left out without a word",
        find:
          'if (type === "tool_result" || type === "search_result") noteBlocks(block["content"], names);',
        replace: "",
      },
      {
        breaks: "keys inside documents are left out without a word",
        find:
          'if (type === "document" && isJsonObject(source)) noteBlocks(source["content"], names);',
        replace: "",
      },
      {
        breaks: "an empty list is named",
        find: "if (Array.isArray(value) && value.length === 0) return false;",
        replace: "",
      },
      {
        breaks: "citations that are turned off are named",
        find: 'if (isJsonObject(value) && value["enabled"] === false) return false;',
        replace: "",
      },
      {
        breaks: "what is meant anyway is named",
        find: "!DEFAULTS.has(key) || JSON.stringify(value) !== DEFAULTS.get(key)",
        replace: "true",
      },
      {
        breaks: "whatever may be meant anyway is left out without a word",
        find: "!DEFAULTS.has(key) || JSON.stringify(value) !== DEFAULTS.get(key)",
        replace: "!DEFAULTS.has(key)",
      },
    ],
  },
  {
    file: "lib/anthropic/blocks.ts",
    tests: VALIDATION_TESTS,
    mutations: [
      {
        breaks: "a conversation that was compacted elsewhere loses its summary",
        find: 'return typeof summary === "string" && summary !== ""',
        replace: "return false",
      },
      {
        breaks: "what a browser tool found is lost",
        find: "return `Browser state: ${JSON.stringify(state)}`;",
        replace: "return null;",
      },
      {
        breaks: "blocks of times to come fail",
        find: 'if (typeof type !== "string" || PLACED.has(type)) throw',
        replace: "if (true) throw",
      },
      {
        breaks: "blocks in the wrong place are left out",
        find: 'if (typeof type !== "string" || PLACED.has(type)) throw',
        replace: 'if (typeof type !== "string") throw',
      },
      {
        breaks: "additions of tools that nobody can offer are taken for others",
        find: 'if (tool.at("type").value !== "tool_reference") {',
        replace: "if (false) {",
      },
      {
        breaks: "code that Anthropic ran is taken for a search",
        find: 'if (block.at("name").value !== "web_search") {',
        replace: "if (false) {",
      },
      {
        breaks: "a search in history without a query is refused",
        find: 'query: typeof query === "string" ? query : ""',
        replace: 'query: block.at("input").at("query").asString()',
      },
      {
        breaks: "a search in history that failed is refused",
        find: 'if (!Array.isArray(content.value)) return { type: "web_search", hits: [] };',
        replace: "",
      },
    ],
  },
  {
    file: "lib/anthropic/content.ts",
    tests: VALIDATION_TESTS,
    mutations: [
      {
        breaks: "upstream is asked to fetch what it cannot",
        find: "/^(https?:\\/\\/|data:)\\S+$/i.test(url) && URL.canParse(url)",
        replace: "URL.canParse(url)",
      },
      {
        breaks: "addresses that are none go upstream",
        find: "/^(https?:\\/\\/|data:)\\S+$/i.test(url) && URL.canParse(url)",
        replace: "/^(https?:\\/\\/|data:)/i.test(url)",
      },
      {
        breaks: "a data URL of any kind is taken for base64",
        find: "if (types.includes(type)) return data;",
        replace: "if (type !== null) return data;",
      },
      {
        breaks: "a refused file is not named",
        find: 'typeof id === "string" ? ` (${id})` : ""',
        replace: '""',
      },
      {
        breaks: "titles of documents are lost",
        find: "if (!title.isMissing) document.title = title.asString();",
        replace: "",
      },
      {
        breaks: "a null title is refused",
        find: "if (!title.isMissing) document.title",
        replace: "if (title.value !== undefined) document.title",
      },
      {
        breaks: "the cache breakpoint of a search result is lost",
        find: '      return parseText(part.as("text"));\n    }),\n    ...cacheControlOf(block),',
        replace: '      return parseText(part.as("text"));\n    }),',
      },
      {
        breaks: "a document of any type is taken for a PDF",
        find: 'field.at("media_type").asOneOf(PDF_TYPES)',
        replace: '"application/pdf" as const',
      },
      {
        breaks: "empty texts go upstream, which refuses them",
        find: "return blocks.filter((block) => !isEmptyText(block));",
        replace: "return blocks;",
      },
    ],
  },
  {
    file: "lib/anthropic/validate.ts",
    tests: VALIDATION_TESTS,
    mutations: [
      {
        breaks: "no tokens may be streamed",
        find: 'const asksFor = request.stream\n    ? "stream"',
        replace: 'const asksFor = false\n    ? "stream"',
      },
      {
        breaks: "a cache cannot be filled with tools",
        find: 'choice !== "auto" && choice !== "none"',
        replace: "true",
      },
      {
        breaks: "a cache cannot be filled while the model may think",
        find: 'request.thinking?.type === "enabled"',
        replace: "request.thinking !== undefined",
      },
      {
        breaks: "MCP servers are left out without a word",
        find: '    parsed.unread.push("mcp_servers");\n',
        replace: "",
      },
      {
        breaks: "an empty list of MCP servers is named",
        find: "!field.isMissing && field.asList().length > 0",
        replace: "!field.isMissing",
      },
      {
        breaks: "speed is not paid for",
        find: 'speed.asOneOf(["standard", "fast"]) === "fast"',
        replace: "false",
      },
      {
        breaks: "standard_only gets priority where it is to be had",
        find: 'return { service_tier: "standard" };',
        replace: "return {};",
      },
      {
        breaks: "the older format is not read",
        find: 'config.at("format").isMissing ? root.at("output_format") : config.at("format")',
        replace: 'config.at("format")',
      },
      {
        breaks: "the older format wins",
        find: 'config.at("format").isMissing ? root.at("output_format") : config.at("format")',
        replace:
          'root.at("output_format").isMissing ? config.at("format") : root.at("output_format")',
      },
      {
        breaks: "a continued thread is answered without its history",
        find: 'if (root.at("thread").at("type").value !== "continue") return;',
        replace: "return;",
      },
      {
        breaks: "count_tokens counts thinking that is cleared",
        find: '...parseContextManagement(root.at("context_management")).context,',
        replace: "manages_context: false,",
      },
    ],
  },
];
