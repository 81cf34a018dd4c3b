/**
 * Mutations of the routes: what is asked upstream, and what becomes of its answer.
 * @module
 */

import type { Area, TestSet } from "./mutation.ts";

const SERVER_TESTS: TestSet = { files: ["server_test.ts", "mutants_gap_test.ts"] };
/** With them what only another dialect, or only a whole request shows. */
const ASK_TESTS: TestSet = {
  files: [
    "generic_test.ts",
    "generic_dialect_test.ts",
    "mutants_gap_features_test.ts",
    "tool_refusals_test.ts",
    ...SERVER_TESTS.files,
  ],
};

export const ROUTE_AREAS: readonly Area[] = [
  {
    file: "lib/routes/ask.ts",
    tests: ASK_TESTS,
    mutations: [
      {
        breaks: "any failure is asked a second time",
        find: "if (refusal === null) throw error;",
        replace: "if (refusal === null) return send(asked, { ...options, attempt });",
      },
      {
        breaks: "another server than OpenRouter is asked for a model of OpenRouter's",
        find: 'if (fallback === null || config.dialect !== "openrouter") return null;',
        replace: "if (fallback === null) return null;",
      },
      {
        breaks: "OpenRouter's own fields go to another server",
        find: "isGeneric ? toGenericRequest(body, dropped) : body",
        replace: "body",
      },
      {
        breaks: "Claude's betas are asked of another server",
        find: "anthropicBeta: isGeneric ? null : anthropicBeta,",
        replace: "anthropicBeta,",
      },
      {
        breaks: "strict tools go to Claude without the header that it takes",
        find: "anthropicBeta: isGeneric ? null : anthropicBeta,",
        replace: "anthropicBeta: null,",
      },
      {
        breaks: "PDFs are read by whom OpenRouter likes",
        find: "pdfEngine: config.pdfEngine,",
        replace: "",
      },
      {
        breaks: "each attempt has a TIMEOUT_S of its own",
        find: "deadline - services.now()",
        replace: "services.config.timeoutMs",
      },
      {
        breaks: "a refused schema ends the session",
        find: "attempt.isPlain ? null : { ...attempt, isPlain: true }",
        replace: "null",
      },
      {
        breaks: "a refused schema is refused anew in every request",
        find: "if (attempt.isPlain) learnPlain(attempt, services);",
        replace: "",
      },
      {
        breaks: "the client reads of a schema that it did not send",
        find: 'throw refusal === "tool_schema" ? tried.get(refusal) : error;',
        replace: "throw error;",
      },
      {
        breaks: "an advisor has a name that upstream does not know",
        find: "resolveModel: (name) => resolveModel(name, config, services.refused).models[0],",
        replace: "",
      },
      {
        breaks: "upstream is not told that the client has left",
        find: "signal: exchange.request.signal,",
        replace: "signal: new AbortController().signal,",
      },
      {
        breaks: "the catalog's limits are not applied",
        find: "services.catalog.get(target) ?? {}",
        replace: "{}",
      },
    ],
  },
  {
    file: "lib/routes/answer.ts",
    tests: ASK_TESTS,
    mutations: [
      {
        breaks: "a JSON body in place of a stream is no answer",
        find: "if (WHOLE_BODY.test(upstream.answer.contentType)) {",
        replace: "if (false) {",
      },
      {
        breaks: "new calls take the ids of old ones",
        find: "    takenCallIds,\n",
        replace: "",
      },
      {
        breaks: "the stop sequence that ended an answer is not named",
        find: "    stopSequences,\n",
        replace: "",
      },
      {
        breaks: "the key stands in the error events of streams",
        find: "redact: exchange.redact,",
        replace: "",
      },
      {
        breaks: "intermediaries buffer streams",
        find: '"x-accel-buffering": "no",',
        replace: "",
      },
      {
        breaks: "under Deno 2.5 a client that leaves is logged as a failure of upstream",
        find: 'if (end.how === "failed" && request.signal.aborted) end = { how: "client_gone" };',
        replace: "",
      },
      {
        breaks: "a stream that failed is logged without its words",
        find: 'if (end.how === "failed") record.error = redact(end.error.message);',
        replace: "",
      },
      {
        breaks: "the key stands in the log of a stream that failed",
        find: "record.error = redact(end.error.message);",
        replace: "record.error = end.error.message;",
      },
      {
        breaks: "an answer of no tokens has the one that upstream could not leave out",
        find: "upstream.wanted.maxTokens === 0 ? withoutAnswer(translated) : translated",
        replace: "translated",
      },
      {
        breaks: "who searched reads nothing of the search",
        find: "    searchesWeb,\n",
        replace: "",
      },
      {
        breaks: "who manages the context does not hear of it",
        find: "contextManagement: upstream.contextManagement,",
        replace: "",
      },
      {
        breaks: "thinking is shown to a client that asked not to see it",
        find: "    hidesThinking,\n",
        replace: "",
      },
      {
        breaks: "what is written for an hour is counted as for five minutes",
        find: "cacheTtl: upstream.cacheTtl,",
        replace: "",
      },
      {
        breaks: "tool names that were replaced come back as they went",
        find: "names: upstream.names,",
        replace: "",
      },
    ],
  },
  {
    file: "lib/routes/messages.ts",
    tests: { files: ["native_test.ts", "generic_dialect_test.ts", "server_test.ts"] },
    mutations: [
      {
        breaks: "the native route translates",
        find: 'services.config.dialect === "anthropic"',
        replace: "false",
      },
      {
        breaks: "a server that wants no key is not asked without one",
        find: 'upstreamKey !== null || config.dialect === "openai"',
        replace: "upstreamKey !== null",
      },
      {
        breaks: "what breaks because the client left is logged as a failure of upstream",
        find: "if (request.signal.aborted) throw createClientGone(error);",
        replace: "",
      },
    ],
  },
];
