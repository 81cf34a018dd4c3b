/**
 * Mutations of the way back: how an answer ends, what it used, its names, and the whole message.
 * @module
 */

import type { Area } from "./mutation.ts";

export const ANSWER_AREAS: readonly Area[] = [
  {
    file: "lib/translate/outcome.ts",
    tests: { files: ["outcome_test.ts", "response_test.ts"] },
    mutations: [
      {
        breaks: "a finish reason that nobody knows is a success",
        find: "    default:\n",
        replace: '    default:\n      if (finishReason !== "") return toEnding("end_turn");\n',
      },
      {
        breaks: "an answer that the length limit cut is a whole one",
        find: 'toEnding("max_tokens")',
        replace: 'toEnding("end_turn")',
      },
      {
        breaks: "the finish reason decides whether there was a call, not what was sent",
        find: "if (facts.hasToolUse)",
        replace: 'if (finishReason === "tool_calls")',
      },
      {
        breaks: "an answer that a filter stopped is a whole one",
        find: 'case "content_filter":\n      return toRefusal(facts);',
        replace: 'case "content_filter":\n      return toEnding("end_turn");',
      },
      {
        breaks: "cached tokens are counted as input, too",
        find: "Math.max(0, prompt - read - written)",
        replace: "prompt",
      },
      {
        breaks: "writes that are counted among the hits make fewer tokens than there were",
        find: "cached + written > prompt ? Math.max(0, cached - written) : cached",
        replace: "cached",
      },
      {
        breaks: "a stop sequence is named although it may have been another",
        find: "stopSequences.length === 1 ? stopSequences[0] : undefined",
        replace: "stopSequences[0]",
      },
      {
        breaks: "the stop sequence that upstream names is not told",
        find: "stop_sequence: matchedStop ?? only ?? null,",
        replace: "stop_sequence: only ?? null,",
      },
      {
        breaks: "an answer that met a stop sequence ends as if it had not",
        find: "facts.matchedStop !== undefined || nativeFinishReason",
        replace: "nativeFinishReason",
      },
      {
        breaks: "what was written for an hour counts as written for five minutes",
        find: 'ephemeral_1h_input_tokens: ttl === "1h" ? written : 0,',
        replace: "ephemeral_1h_input_tokens: 0,",
      },
      {
        breaks: "searches are not counted",
        find: "if (searches > 0) {",
        replace: "if (false) {",
      },
      {
        breaks: "searches are counted under one of their two names only",
        find: "usage?.server_tool_use_details ?? usage?.server_tool_use",
        replace: "usage?.server_tool_use_details",
      },
      {
        breaks: "upstream's default tier is not told",
        find: 'if (tier === "default") return "standard";',
        replace: "",
      },
      {
        breaks: "the tier that was paid for is not told",
        find: 'tier === "priority" || tier === "fast" ? "priority" : undefined',
        replace: 'tier === "priority" ? "priority" : undefined',
      },
      {
        breaks: "every tier is called priority",
        find: 'tier === "priority" || tier === "fast" ? "priority" : undefined',
        replace: 'tier ? "priority" : undefined',
      },
      {
        breaks: "an estimate says that no token went in",
        find: "Math.max(1, inputTokens)",
        replace: "inputTokens",
      },
      {
        breaks: "counts are negative where upstream's are",
        find: "Number.isFinite(number) && number > 0",
        replace: "Number.isFinite(number)",
      },
      {
        breaks: "upstream's words of refusal are lost",
        find: "explanation: facts.refusal || null",
        replace: "explanation: null",
      },
    ],
  },
  {
    file: "lib/translate/response.ts",
    tests: { files: ["response_test.ts", "mutants_gap_test.ts"] },
    mutations: [
      {
        breaks: "the second call gets the arguments of the first, too",
        find: '\n      json = "";',
        replace: "",
      },
      {
        breaks: "a whole message has no signatures",
        find: 'if (block.type === "thinking") block.signature = delta.signature;',
        replace: "",
      },
      {
        breaks: "a whole message has no citations",
        find: 'if (block.type === "text") (block.citations ??= []).push(delta.citation);',
        replace: "",
      },
      {
        breaks: "a whole message has only the first citation of a text",
        find: "(block.citations ??= []).push(delta.citation)",
        replace: "block.citations ??= [delta.citation]",
      },
      {
        breaks: "a whole message does not say what was done to the context",
        find: "if (context !== undefined) message.context_management = context;",
        replace: "",
      },
      {
        breaks: "a whole message has no thinking",
        find: 'if (block.type === "thinking") block.thinking += delta.thinking;',
        replace: "",
      },
      {
        breaks: "a whole message has no tool input",
        find: "block.input = parseInput(json);",
        replace: "",
      },
      {
        breaks: "a whole message has neither stop reason nor usage",
        find: "Object.assign(message, event.delta, { usage: event.usage });",
        replace: "",
      },
      {
        breaks: "an answer without choices is not called one",
        find: "if (!Array.isArray(chunk.choices) || chunk.choices.length === 0)",
        replace: "if (false)",
      },
    ],
  },
  {
    file: "lib/translate/names.ts",
    tests: { files: ["names_test.ts"] },
    mutations: [
      {
        breaks: "an alias takes the place of a name that travels as it is",
        find: "if (!this.#original.has(alias)) return alias;",
        replace: "return alias;",
      },
      {
        breaks: "the client reads aliases",
        find: "return this.#original.get(name) ?? name;",
        replace: "return name;",
      },
      {
        breaks: "upstream gets names that it refuses",
        find: "return this.#upstream.get(name) ?? name;",
        replace: "return name;",
      },
      {
        breaks: "names of 65 characters go upstream",
        find: "/^[a-zA-Z0-9_-]{1,64}$/",
        replace: "/^[a-zA-Z0-9_-]{1,65}$/",
      },
      {
        breaks: "aliases are longer than upstream takes",
        find: "slice(0, 64 - HASH_LENGTH - 1)",
        replace: "slice(0, 64 - HASH_LENGTH)",
      },
      {
        breaks:
          "names that differ only where they are cut have the same alias, or one that depends on others",
        find: "hashText(`${salt}${name}`)",
        replace: "salt",
      },
      {
        breaks: "an id is given twice",
        find: "this.#taken.add(id);",
        replace: "",
      },
      {
        breaks: "ids that Anthropic's clients refuse reach them",
        find: "CALL_ID.test(wished) ? wished : toCallId(wished)",
        replace: "wished",
      },
    ],
  },
  {
    file: "lib/translate/tokens.ts",
    tests: { files: ["tokens_test.ts", "mutants_gap_features_test.ts", "mutants_gap_test.ts"] },
    mutations: [
      {
        breaks: "an empty request has no tokens",
        find: "Math.max(1, Math.ceil(tokens))",
        replace: "Math.ceil(tokens)",
      },
      {
        breaks: "documents of text cost nothing",
        find: 'case "text":\n      return source.data.length / CHARS_PER_TOKEN;',
        replace: 'case "text":\n      return 0;',
      },
      {
        breaks: "a large PDF costs no more than a small one",
        find: "TOKENS_PER_PAGE * Math.max(1, Math.round(data.length / CHARS_PER_PAGE))",
        replace: "TOKENS_PER_PAGE",
      },
      {
        breaks: "a small PDF costs nothing",
        find: "Math.max(1, Math.round(data.length / CHARS_PER_PAGE))",
        replace: "Math.round(data.length / CHARS_PER_PAGE)",
      },
      {
        breaks: "search results cost nothing",
        find: "return block.title.length / CHARS_PER_TOKEN + countContent(block.content);",
        replace: "return 0;",
      },
      {
        breaks: "thinking that is cleared is counted",
        find: "request.thinking_turns === undefined\n    ? request.messages",
        replace: "true\n    ? request.messages",
      },
      {
        breaks: "tools that are hidden are counted",
        find: "of listOfferedTools(request)",
        replace: "of request.tools",
      },
      {
        breaks: "images cost nothing",
        find: "return estimateImageTokens(block.source);",
        replace: "return 0;",
      },
      {
        breaks: "the schemas of tools cost nothing",
        find: "JSON.stringify(tool.input_schema).length",
        replace: "0",
      },
    ],
  },
];
