/**
 * Mutations of the way out: Anthropic's request to OpenRouter's.
 * @module
 */

import type { Area, TestSet } from "./mutation.ts";

const REQUEST_TESTS: TestSet = { files: ["request_test.ts", "mutants_gap_test.ts"] };

export const REQUEST_AREAS: readonly Area[] = [
  {
    file: "lib/translate/request.ts",
    tests: REQUEST_TESTS,
    mutations: [
      {
        breaks: "max_tokens exceeds what the model can give",
        find: "Math.min(wanted, limits.maxOutputTokens ?? Infinity)",
        replace: "wanted",
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
        breaks: "stop sequences are left out without a word",
        find: "dropped.add(`stop_sequences.${index}`)",
        replace: "void index",
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
        find: "images.push(...follow);",
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
        find: "one.clientId === block.tool_use_id && !one.result",
        replace: "one.clientId === block.tool_use_id",
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
        breaks: "an assistant turn of nothing goes upstream",
        find: "content === null && toolCalls.length === 0 && Object.keys(reasoning).length === 0",
        replace: "false",
      },
    ],
  },
  {
    file: "lib/translate/results.ts",
    tests: REQUEST_TESTS,
    mutations: [
      {
        breaks: "a missing result is empty",
        find: "toMessage(callId, MISSING)",
        replace: 'toMessage(callId, "")',
      },
      {
        breaks: "an empty result stays empty",
        find: "return [toText(EMPTY)];",
        replace: 'return [toText("")];',
      },
      {
        breaks: "a failure looks like a success",
        find: "text: `Error: ${first.text}`",
        replace: "text: first.text",
      },
      {
        breaks: "a text that says it is an error is told so twice",
        find: "|| /^\\W*(tool_use_)?error/i.test(first.text)",
        replace: "",
      },
      {
        breaks: "the cache breakpoint of a result is lost",
        find: "if (cacheControl && last !== undefined) last.cache_control = cacheControl;",
        replace: "",
      },
      {
        breaks: "images of results are lost",
        find: 'case "image":\n        attachments.push(block);',
        replace: 'case "image":',
      },
      {
        breaks: "the model learns a tool's name that it cannot call",
        find: "names.toUpstream(block.tool_name)",
        replace: "block.tool_name",
      },
      {
        breaks: "what could not travel out of a result is not named",
        find: "dropped.add(block.foreign);",
        replace: "",
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
        breaks: "the cache breakpoint of a tool is lost",
        find: "if (tool.cache_control) translated.cache_control = tool.cache_control;",
        replace: "",
      },
    ],
  },
  {
    file: "lib/translate/system.ts",
    tests: REQUEST_TESTS,
    mutations: [
      {
        breaks: "the billing line is taken out of the middle of a prompt",
        find: "/^x-anthropic-billing-header:",
        replace: "/x-anthropic-billing-header:",
      },
      {
        breaks: "a block of nothing but the billing line stays as an empty one",
        find: '.filter((block) => block.text !== "")',
        replace: "",
      },
      {
        breaks: "the billing line defeats every prefix cache",
        find: 'text.replace(BILLING_LINE, "")',
        replace: "text",
      },
      {
        breaks: "the cache breakpoints of the system prompt are lost",
        find: "if (blocks.some((block) => block.cache_control)) return translateParts(blocks);",
        replace: "",
      },
    ],
  },
  {
    file: "lib/translate/content.ts",
    tests: REQUEST_TESTS,
    mutations: [
      {
        breaks: "a data URL gets a second prefix",
        find: 'if (source.data.startsWith("data:")) return source.data;',
        replace: "",
      },
      {
        breaks: "the cache breakpoint of an image is lost",
        find: 'type: "image_url", image_url: { url }, ...markOf(block) }',
        replace: 'type: "image_url", image_url: { url } }',
      },
    ],
  },
];
