/**
 * Mutations of web search, there and back, and of pictures in answers.
 * @module
 */

import type { Area } from "./mutation.ts";
import { STREAM_TESTS } from "./mutations_stream.ts";

const SEARCH_TESTS = {
  ...STREAM_TESTS,
  files: ["request_test.ts", "mutants_gap_features_test.ts", ...STREAM_TESTS.files],
};

export const SEARCH_AREAS: readonly Area[] = [
  {
    file: "lib/translate/web_search.ts",
    tests: SEARCH_TESTS,
    mutations: [
      {
        breaks: "a search may be made as often as the model likes",
        find: "...(max_uses !== undefined && { max_uses }),",
        replace: "",
      },
      {
        breaks: "pages of all domains are read",
        find: "...(allowed_domains && { allowed_domains }),",
        replace: "",
      },
      {
        breaks: "pages of blocked domains are read",
        find: "...(blocked_domains && { excluded_domains: blocked_domains }),",
        replace: "",
      },
      {
        breaks: "blocked domains go under a name that upstream does not know",
        find: "{ excluded_domains: blocked_domains }",
        replace: "{ blocked_domains }",
      },
      {
        breaks: "the user is nowhere",
        find: "...(user_location && { user_location }),",
        replace: "",
      },
      {
        breaks: "a search without parameters has an empty list of them",
        find: "Object.keys(parameters).length === 0 ? tool :",
        replace: "false ? tool :",
      },
      {
        breaks: "what was looked for earlier is lost",
        find: "`\\nWeb search: ${block.query}\\n`",
        replace: '""',
      },
      {
        breaks: "a search for nothing is told",
        find: 'block.query === "" ? "" :',
        replace: 'block.query === "x" ? "" :',
      },
      {
        breaks: "links of earlier searches are lost",
        find: "`- ${title || url}: ${url}\\n`",
        replace: "`- ${title}\\n`",
      },
      {
        breaks: "pages without a title have none",
        find: "${title || url}",
        replace: "${title}",
      },
      {
        breaks: "a search that found nothing has a heading",
        find: 'lines.length === 0 ? "" :',
        replace: 'lines.length < 0 ? "" :',
      },
      {
        breaks: "annotations that are no list break the answer",
        find: "if (!Array.isArray(annotations)) return [];",
        replace: "if (annotations === undefined) return [];",
      },
      {
        breaks: "annotations of other types break the answer",
        find: 'if (!isJsonObject(cited) || typeof cited["url"] !== "string") return [];',
        replace: "",
      },
      {
        breaks: "annotations without an address are citations",
        find: '|| typeof cited["url"] !== "string") return [];',
        replace: ") return [];",
      },
      {
        breaks: "an answer may have as many searches as upstream says",
        find: "Math.min(MAX_SEARCHES, Math.max(reported, this.#results.size > 0 ? 1 : 0))",
        replace: "Math.max(reported, this.#results.size > 0 ? 1 : 0)",
      },
      {
        breaks: "pages without a number of searches are lost",
        find: "Math.max(reported, this.#results.size > 0 ? 1 : 0)",
        replace: "reported",
      },
      {
        breaks: "an answer that searched nothing has a search",
        find: "this.#results.size > 0 ? 1 : 0",
        replace: "1",
      },
      {
        breaks: "each search found all pages",
        find: "index === 0 ? [...this.#results.values()] : []",
        replace: "[...this.#results.values()]",
      },
      {
        breaks: "results do not belong to their search",
        find: "tool_use_id: id,",
        replace: "tool_use_id: newId(),",
      },
      {
        breaks: "a page that is named twice is found under its last title",
        find: "if (!this.#results.has(url)) {",
        replace: "{",
      },
      {
        breaks: "a page without a title has none, which strict readers refuse",
        find: "const named = title || url;",
        replace: "const named = title;",
      },
      {
        breaks: "whole pages are cited",
        find: "content.slice(0, MAX_CITED_CHARS)",
        replace: "content",
      },
      {
        breaks: "half a character is cited",
        find: '.replace(/[\\uD800-\\uDBFF]$/, "")',
        replace: "",
      },
    ],
  },
  {
    file: "lib/json.ts",
    tests: SEARCH_TESTS,
    mutations: [
      {
        breaks: "words that are none reach the client",
        find: 'typeof value === "string" ? value : ""',
        replace: "value as string",
      },
    ],
  },
  {
    file: "lib/translate/answer_images.ts",
    tests: STREAM_TESTS,
    mutations: [
      {
        breaks: "pictures that are no list break the answer",
        find: 'if (!Array.isArray(images)) return "";',
        replace: 'if (!images) return "";',
      },
      {
        breaks: "a picture without an address breaks the answer",
        find: 'typeof url === "string" ? describe(url) : ""',
        replace: "describe(url as string)",
      },
      {
        breaks: "the data of a picture goes to the client as text",
        find: 'if (!url.startsWith("data:")) return',
        replace: "if (true) return",
      },
      {
        breaks: "the size of a picture is that of its text",
        find: "* 3 / 4 / 1024",
        replace: "/ 1024",
      },
      {
        breaks: "a picture of no type is one of undefined",
        find: '?.[1] ?? "image"',
        replace: "?.[1]",
      },
    ],
  },
];
