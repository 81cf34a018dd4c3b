/**
 * Mutations of the request for servers that are not OpenRouter.
 * @module
 */

import type { Area } from "./mutation.ts";

export const GENERIC_AREAS: readonly Area[] = [
  {
    file: "lib/translate/generic.ts",
    tests: { files: ["generic_test.ts", "generic_dialect_test.ts"] },
    mutations: [
      {
        breaks: "the limit has a name that newer models refuse",
        find: "max_completion_tokens: body.max_tokens,",
        replace: "max_tokens: body.max_tokens,\n    max_completion_tokens: body.max_tokens,",
      },
      {
        breaks: "tools are lost",
        find: "if (functions.length === 0) return {};",
        replace: "return {};",
      },
      {
        breaks: "the choice of a tool is lost",
        find: "...(tool_choice !== undefined && isGenericChoice(tool_choice) && { tool_choice }),",
        replace: "",
      },
      {
        breaks: "calls are made in parallel although the client cannot have that",
        find: "...(parallel_tool_calls !== undefined && { parallel_tool_calls }),",
        replace: "",
      },
      {
        breaks: "a temperature of 0 is lost",
        find: "...(temperature !== undefined && { temperature }),",
        replace: "...(temperature && { temperature }),",
      },
      { breaks: "top_p is lost", find: "...(top_p !== undefined && { top_p }),", replace: "" },
      { breaks: "stop sequences are lost", find: "...(stop && { stop }),", replace: "" },
      {
        breaks: "the format is lost",
        find: "...(response_format && { response_format }),",
        replace: "",
      },
      {
        breaks: "the effort is lost",
        find: "...(effort !== undefined && { reasoning_effort: effort }),",
        replace: "",
      },
      {
        breaks: "streams come without usage",
        find: "...(body.stream_options && { stream_options: body.stream_options }),",
        replace: "",
      },
      {
        breaks: "fallback models are left out without a word",
        find: 'if (body.models !== undefined) dropped.add("fallbacks");',
        replace: "",
      },
      {
        breaks: "top_k is left out without a word",
        find: 'if (body.top_k !== undefined) dropped.add("top_k");',
        replace: "",
      },
      {
        breaks: "the tier is left out without a word",
        find: 'if (body.service_tier !== undefined) dropped.add("service_tier");',
        replace: "",
      },
      {
        breaks: "the user is left out without a word",
        find: 'if (body.user !== undefined) dropped.add("metadata.user_id");',
        replace: "",
      },
      {
        breaks: "a breakpoint at the top is left out without a word",
        find: 'if (body.cache_control !== undefined) dropped.add("cache_control");',
        replace: "",
      },
      {
        breaks: "thinking that was turned off is not",
        find: 'if (reasoning?.enabled === false) return "none";',
        replace: "",
      },
      {
        breaks: "a budget is no effort",
        find:
          "if (reasoning?.max_tokens !== undefined) return toEffort(reasoning.max_tokens / max_tokens);",
        replace: "",
      },
      {
        breaks: "Claude's effort is lost",
        find: "return reasoning?.effort ?? verbosity;",
        replace: "return reasoning?.effort;",
      },
      {
        breaks: "a call that only OpenRouter could make is answered in words",
        find: "requireCallable(tool_choice, functions.length > 0 ? [] : others);",
        replace: "",
      },
      {
        breaks: "texts run together, or apart, in the wrong place",
        find: "join(SEPARATORS[message.role])",
        replace: 'join(" ")',
      },
      {
        breaks: "reasoning goes to servers that refuse the field",
        find: "const { reasoning_details: details, ...rest } = message;",
        replace: "const { reasoning_details: details } = message;\n  const rest = message;",
      },
      {
        breaks: "thinking is left out without a word",
        find: 'if (details !== undefined) dropped.add("thinking");',
        replace: "",
      },
      {
        breaks: "a turn of nothing is null, which servers refuse",
        find:
          'rest.content === null && rest.tool_calls === undefined ? { ...rest, content: "" } : rest',
        replace: "rest",
      },
      {
        breaks: "breakpoints go to servers that refuse the field",
        find: "  delete marked.cache_control;\n",
        replace: "",
      },
      {
        breaks: "breakpoints are left out without a word",
        find: '  dropped.add("cache_control");\n  delete',
        replace: "  delete",
      },
    ],
  },
];
