/**
 * Mutations of the way out: Anthropic's request to OpenRouter's.
 * @module
 */

import type { Area, TestSet } from "./mutation.ts";

export const REQUEST_TESTS: TestSet = {
  files: ["request_test.ts", "mutants_gap_features_test.ts", "mutants_gap_test.ts"],
};

export const REQUEST_AREAS: readonly Area[] = [
  {
    file: "lib/translate/request.ts",
    tests: REQUEST_TESTS,
    mutations: [
      {
        breaks: "web search does not go upstream",
        find: "    ...translateServerTools(request, options.resolveModel ?? ((name) => name)),\n",
        replace: "",
      },
      {
        breaks: "a choice among no tools is left out without a word",
        find: 'if (request.tool_choice?.type === "any") dropped.add("tool_choice");',
        replace: "",
      },
      {
        breaks: "PDFs are read by an engine that costs money",
        find: "...choosePdfEngine(turns, options.pdfEngine),",
        replace: "",
      },
      {
        breaks: "requests without a PDF ask for somebody to read one",
        find: "return hasFile && engine !== undefined",
        replace: "return engine !== undefined",
      },
      {
        breaks: "an engine that nobody named goes upstream",
        find: "return hasFile && engine !== undefined",
        replace: "return hasFile",
      },
      {
        breaks: "who pays for speed does not get it",
        find: 'tier === "standard" ? "default" : tier',
        replace: '"default" as const',
      },
      {
        breaks: "who wants no priority may get it",
        find: 'tier === "standard" ? "default" : tier',
        replace: '"priority" as const',
      },
      {
        breaks: "the thinking of old turns is kept where it was to be cleared",
        find: "return clearThinking(messages, thinking_turns);",
        replace: "return { messages, context: { applied_edits: [] } };",
      },
      {
        breaks: "who does not manage the context is told of it",
        find: "request.manages_context ? context : undefined",
        replace: "context",
      },
      {
        breaks: "strict goes to Claude without the header that it takes",
        find: "isStrict ? STRICT_BETA : null",
        replace: "null",
      },
      {
        breaks: "every model is asked for Claude's betas",
        find: "options.models.some(isClaude)",
        replace: "true",
      },
      {
        breaks: "streams come without usage",
        find: "include_usage: true",
        replace: "include_usage: false",
      },
      {
        breaks: "more stop sequences go upstream than it takes",
        find: "const MAX_STOPS = 4;",
        replace: "const MAX_STOPS = 5;",
      },
      {
        breaks: "an empty list of tools goes upstream",
        find: "if (tools.length === 0) {",
        replace: "if (false) {",
      },
      {
        breaks: "calls are made in parallel although the client cannot have that",
        find: "fields.parallel_tool_calls = false;",
        replace: "",
      },
      {
        breaks: "a request without any message goes upstream",
        find: "if (turns.length === 0) {",
        replace: "if (false) {",
      },
      {
        breaks: "session ids go upstream that are too long for it",
        find: "id && id.length <= MAX_SESSION_ID",
        replace: "id",
      },
      {
        breaks: "names that stand only in the history are not replaced",
        find: "[...request.tools.map((tool) => tool.name), ...used]",
        replace: "request.tools.map((tool) => tool.name)",
      },
      {
        breaks: "new calls may take ids of the history",
        find:
          '? turn.content.filter((block) => block.type === "tool_use").map((block) => block.id)',
        replace: "? []",
      },
      {
        breaks: "OpenRouter's fallback models are not sent",
        find: "...(fallbacks.length > 0 && { models: fallbacks }),",
        replace: "",
      },
      {
        breaks: "the session inside user_id is not found",
        find: "[sessionId, readSessionId(userId), userId]",
        replace: "[sessionId, userId]",
      },
    ],
  },
  {
    file: "lib/translate/turns.ts",
    tests: REQUEST_TESTS,
    mutations: [
      {
        breaks: "images stand between the results of one turn",
        find: "for (const part of follow) images.push(part);",
        replace: 'if (follow.length > 0) this.#messages.push({ role: "user", content: follow });',
      },
      {
        breaks: "the user's words stand between calls and their results",
        find: "const images: openrouter.ContentPart[] = [];",
        replace:
          "const images: openrouter.ContentPart[] = [];\n    for (const turn of rest.splice(0)) this.#pushOther(turn);",
      },
      {
        breaks: "a second result of the same call takes the place of the first",
        find: "waiting.get(block.tool_use_id)?.pop()",
        replace: "waiting.get(block.tool_use_id)?.[0]",
      },
      {
        breaks: "a result whose call was compacted away is lost",
        find: "return translateOrphan(block, this.#options);",
        replace: "return [];",
      },
      {
        breaks: "two calls of the history have the same id",
        find: "this.#ids.claim(block.id)",
        replace: "block.id",
      },
      {
        breaks: "white space alone goes upstream, which refuses it",
        find: 'if (text.trim() === "") return null;',
        replace: 'if (text === "") return null;',
      },
      {
        breaks: "thinking does not go back to Claude",
        find: "this.#messages.push({ ...message, ...reasoning });",
        replace: "this.#messages.push(message);",
      },
      {
        breaks: "calls of the history have no arguments",
        find: "arguments: JSON.stringify(block.input)",
        replace: 'arguments: "{}"',
      },
      {
        breaks: "calls of the history keep names that upstream refuses",
        find: "names.toUpstream(block.name)",
        replace: "block.name",
      },
      {
        breaks: "user text with a cache breakpoint loses it",
        find: 'only?.type === "text" && !only.cache_control',
        replace: 'only?.type === "text"',
      },
      {
        breaks: "searches of earlier answers are lost",
        find: "texts.push(describeSearch(block));",
        replace: "",
      },
      {
        breaks: "a breakpoint that a call cannot carry is left out without a word",
        find: 'if (block.cache_control) this.#options.dropped.add("tool_use.cache_control");',
        replace: "",
      },
      {
        breaks: "blocks of the user that nobody knows are left out without a word",
        find:
          'case "foreign":\n          this.#options.dropped.add(block.foreign);\n          return [];',
        replace: 'case "foreign":\n          return [];',
      },
      {
        breaks: "blocks of the assistant that nobody knows are left out without a word",
        find:
          'case "foreign":\n          this.#options.dropped.add(block.foreign);\n          break;',
        replace: 'case "foreign":\n          break;',
      },
      {
        breaks: "an assistant turn of nothing goes upstream",
        find: "content === null && toolCalls.length === 0 && Object.keys(reasoning).length === 0",
        replace: "false",
      },
    ],
  },
  {
    file: "lib/translate/tools.ts",
    tests: REQUEST_TESTS,
    mutations: [
      {
        breaks: "a client that wants a call may get none",
        find: 'return "required";',
        replace: 'return "auto";',
      },
      {
        breaks: "schemas without properties go upstream, which refuses them",
        find: 'if (!isJsonObject(schema["properties"])) filled["properties"] = {};',
        replace: "",
      },
      {
        breaks: "tools have names that upstream refuses",
        find: "names.toUpstream(tool.name)",
        replace: "tool.name",
      },
      {
        breaks: "the forced tool has a name that upstream does not know",
        find: "names.toUpstream(choice.name)",
        replace: "choice.name",
      },
      {
        breaks: "web search that is asked for is a function that nobody has",
        find: "return { type: `openrouter:${choice.type}` };",
        replace: 'return "required";',
      },
      {
        breaks: "deferred tools are shown before they are found",
        find: "!tool.defer_loading || found.has(tool.name)",
        replace: "true",
      },
      {
        breaks: "a deferred tool that was found stays hidden",
        find: 'if (block.type === "tool_reference") return [block.tool_name];',
        replace: "",
      },
      {
        breaks: "a deferred tool that a result names stays hidden",
        find: 'one.type === "tool_reference" ? [one.tool_name] : []',
        replace: "[]",
      },
      {
        breaks: "the cache breakpoint of a tool is lost",
        find: "if (tool.cache_control) translated.cache_control = tool.cache_control;",
        replace: "",
      },
    ],
  },
];
