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
        find: "claim(serverTool);\n",
        replace: "",
      },
      {
        breaks: "a tool is left out without a word",
        find: "parsed.unread.push(`tools.${type.slice(0, MAX_TYPE_CHARS)}`);",
        replace: "",
      },
      {
        breaks: "deferred tools stay hidden from whom Anthropic would search for",
        find: "for (const tool of tools) delete tool.defer_loading;",
        replace: "",
      },
      {
        breaks: "a search that is forced is refused",
        find: "if (serverTool !== undefined) return { type: serverTool };",
        replace: "",
      },
      {
        breaks: "a tool of the client's that is called web_search cannot be forced",
        find: "tool === name && parsed[tool] !== undefined",
        replace: "tool === name",
      },
      {
        breaks: "a call that is asked for is answered in words",
        find: "if (first !== undefined && !hasTool) throw",
        replace: "if (false) throw",
      },
      {
        breaks: "OpenAI's form of a tool is left out in silence",
        find: 'type !== "function" && findClientTool',
        replace: "findClientTool",
      },
      {
        breaks: "a limit that upstream does not know is left out without a word",
        find: '["tools.advisor.max_uses"] : []',
        replace: "[] : []",
      },
      {
        breaks: "breakpoints of bash and its like are lost",
        find: 'const cacheControl = parseCacheControl(entry.at("cache_control"));',
        replace:
          'const cacheControl = isCustom ? parseCacheControl(entry.at("cache_control")) : undefined;',
      },
      {
        breaks: "a refused tool is not named",
        find: "name === undefined || name === type ? `'${type}'` : `'${type}' ('${name}')`",
        replace: "`'${type}'`",
      },
    ],
  },
  {
    file: "lib/anthropic/server_tools.ts",
    tests: VALIDATION_TESTS,
    mutations: [
      {
        breaks: "pages of some domains are read and not read",
        find: "if (limits.allowed_domains !== undefined && limits.blocked_domains !== undefined) {",
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
        breaks: "the length of a page is not bounded",
        find: "if (!tokens.isMissing) fetch.max_content_tokens",
        replace: "if (false) fetch.max_content_tokens",
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
