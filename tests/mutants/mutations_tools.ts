/**
 * Mutations of the checks of tools and of edits of the context.
 * @module
 */

import type { Area } from "./mutation.ts";
import { VALIDATION_TESTS } from "./mutations_validation.ts";

export const TOOL_AREAS: readonly Area[] = [
  {
    file: "lib/anthropic/tools.ts",
    tests: VALIDATION_TESTS,
    mutations: [
      {
        breaks: "two web searches are one",
        find: "claim(WEB_SEARCH_NAME);\n",
        replace: "",
      },
      {
        breaks: "a web search and a tool of its name are both sent",
        find: "if (names.has(name)) throw invalid(field.path,",
        replace: "if (names.has(name) && name !== WEB_SEARCH_NAME) throw invalid(field.path,",
      },
      {
        breaks: "a tool search is left out without a word",
        find: "parsed.unread.push(`tools.${type}`);",
        replace: "",
      },
      {
        breaks: "deferred tools stay hidden from whom Anthropic would search for",
        find: "      showsAll = true;\n",
        replace: "",
      },
      {
        breaks: "a search that is forced is refused",
        find:
          'hasWebSearch && name === WEB_SEARCH_NAME ? { type: "web_search" } : { type: "tool", name }',
        replace: '{ type: "tool", name }',
      },
      {
        breaks: "a tool of the client's that is called web_search cannot be forced",
        find: "hasWebSearch && name === WEB_SEARCH_NAME",
        replace: "name === WEB_SEARCH_NAME",
      },
      {
        breaks: "pages of some domains are read and not read",
        find: "if (search.allowed_domains !== undefined && search.blocked_domains !== undefined) {",
        replace: "if (false) {",
      },
      {
        breaks: "a search may be made no times",
        find: "maxUses.asInteger({ least: 1 })",
        replace: "maxUses.asInteger()",
      },
      {
        breaks: "a null city is refused",
        find: "if (!part.isMissing) location[key] = part.asString();",
        replace: "if (part.value !== undefined) location[key] = part.asString();",
      },
      {
        breaks: "breakpoints of bash and its like are lost",
        find: 'const cacheControl = parseCacheControl(entry.at("cache_control"));',
        replace:
          'const cacheControl = isCustom ? parseCacheControl(entry.at("cache_control")) : undefined;',
      },
      {
        breaks: "a refused tool is not named",
        find: 'which = typeof name === "string" && name !== type.value ? ` (\'${name}\')` : ""',
        replace: 'which = ""',
      },
    ],
  },
  {
    file: "lib/anthropic/client_tools.ts",
    tests: VALIDATION_TESTS,
    mutations: [
      {
        breaks: "the older editor has the name of the newer",
        find: "[/^text_editor_(20241022|20250124)$/, OLD_EDITOR],",
        replace: "",
      },
      {
        breaks: "no bash",
        find: "[/^bash_\\d{8}$/, BASH],",
        replace: "",
      },
      {
        breaks: "no memory",
        find: "[/^memory_\\d{8}$/, MEMORY],",
        replace: "",
      },
      {
        breaks: "an edit cannot be taken back",
        find: '["undo_edit"]',
        replace: "[]",
      },
      {
        breaks: "what is called memory or bash is memory or bash",
        find: "/^bash_\\d{8}$/",
        replace: "/^bash/",
      },
      {
        breaks: "an editor may be called without a path",
        find: 'required: ["command", "path"],',
        replace: 'required: ["command"],',
      },
    ],
  },
  {
    file: "lib/anthropic/context_management.ts",
    tests: VALIDATION_TESTS,
    mutations: [
      {
        breaks: "edits that are not done are left out without a word",
        find: "parsed.unread.push(`context_management.${type}`);",
        replace: "",
      },
      {
        breaks: "an edit that does not say how much keeps all",
        find: "if (keep.isMissing) return DEFAULT_TURNS;",
        replace: "if (keep.isMissing) return null;",
      },
      {
        breaks: "all is not all",
        find: 'if (keep.value === "all") return null;',
        replace: 'if (keep.value === "all") return DEFAULT_TURNS;',
      },
      {
        breaks: "all as an object is not all",
        find: '=== "all") return null;\n  return keep.as',
        replace: '=== "all") return DEFAULT_TURNS;\n  return keep.as',
      },
      {
        breaks: "no turn may keep its thinking",
        find: "asInteger({ least: 1 })",
        replace: "asInteger({ least: 0 })",
      },
      {
        breaks: "who does not manage the context is told of it",
        find: "manages_context: !field.isMissing",
        replace: "manages_context: true",
      },
    ],
  },
];
