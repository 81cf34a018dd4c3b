/**
 * Mutations of the way back: the translator of a stream, chunk by chunk.
 * @module
 */

import type { Area, TestSet } from "./mutation.ts";

/** The fixtures through the translator. What goes through the pump in every chunking (“pump …”, “a line …”) is slow. */
export const STREAM_TESTS: TestSet = {
  files: [
    "response_test.ts",
    "stream_test.ts",
    "mutants_gap_test.ts",
    "mutants_gap_reasoning_test.ts",
  ],
  filter: "/^([^ap]|p[^u]|a [^l]|a[^ ])/",
};

export const STREAM_AREAS: readonly Area[] = [
  {
    file: "lib/translate/stream.ts",
    tests: STREAM_TESTS,
    mutations: [
      {
        breaks: "a cut stream passes for a finished answer",
        find: "    if (!this.isComplete) {",
        replace:
          '    if (!this.isComplete) this.#finishReason = "stop";\n    if (!this.isComplete) {',
      },
      {
        breaks: "a call that the length limit cut makes the whole answer an error",
        find: 'if (this.#finishReason === "length") this.#queue.dropUnseenCalls();',
        replace: "",
      },
      {
        breaks: "broken calls are closed, and clients run them",
        find: "checkCalls(this.#queue.calls, {",
        replace: "checkCalls([], {",
      },
      {
        breaks: "an error chunk is passed over",
        find: "if (chunk.error !== undefined && chunk.error !== null) throw",
        replace: "if (false) throw",
      },
      {
        breaks: "an error in a choice is passed over",
        find: "if (choice.error !== undefined && choice.error !== null) throw",
        replace: "if (false) throw",
      },
      {
        breaks: "message_start is sent again and again",
        find: "if (this.#hasStarted) return [];",
        replace: "",
      },
      {
        breaks: "a chunk without a finish reason takes back the one that came",
        find: "toText(choice.finish_reason) || this.#finishReason",
        replace: "toText(choice.finish_reason)",
      },
      {
        breaks: "a chunk without the provider's finish reason takes back the one that came",
        find: "toText(choice.native_finish_reason) || this.#nativeFinishReason",
        replace: "toText(choice.native_finish_reason)",
      },
      {
        breaks: "calls in the chunk of the finish reason are sent before they are checked",
        find: "if (this.isComplete) return this.start();",
        replace: "",
      },
      {
        breaks: "text goes before the reasoning of the same chunk",
        find:
          "const hasReasoning = this.#reasoning.add(delta, isWhole);\n    const hasText = this.#addText(toText(delta.content) + describeImages(delta.images));",
        replace:
          "const hasText = this.#addText(toText(delta.content) + describeImages(delta.images));\n    const hasReasoning = this.#reasoning.add(delta, isWhole);",
      },
      {
        breaks: "arguments for a closed call are dropped without a word",
        find: 'if (text.trim() === "") return;',
        replace: "return;",
      },
      {
        breaks: "each piece of text is a block of its own",
        find: 'last?.type === "text" ? last : this.#queue',
        replace: "this.#queue",
      },
      {
        breaks: "a call that the length limit cut is told as broken, not as cut",
        find: 'isCut: this.#finishReason === "length"',
        replace: "isCut: false",
      },
      {
        breaks: "ids of calls repeat within a conversation",
        find: "this.#ids.claim(call.upstreamId || this.#options.newCallId())",
        replace: "call.upstreamId || this.#options.newCallId()",
      },
      {
        breaks: "the client reads tool names that it never gave",
        find: "this.#options.names?.toClient(call.upstreamName) ?? call.upstreamName",
        replace: "call.upstreamName",
      },
      {
        breaks: "the first usage counts, not the last",
        find: "if (isJsonObject(usage)) this.facts.usage = usage;",
        replace: "if (isJsonObject(usage)) this.facts.usage ??= usage;",
      },
      {
        breaks: "usage inside the choice is not read",
        find: "chunk.usage ?? choice?.usage",
        replace: "chunk.usage",
      },
      {
        breaks: "secrets stand in the error events of streams",
        find: "toErrorBody(error, redact)",
        replace: "toErrorBody(error, (text) => text)",
      },
      {
        breaks: "whole messages where deltas were expected are not read",
        find: "choice.delta ?? choice.message",
        replace: "choice.delta",
      },
      {
        breaks: "text in a list of parts is not read",
        find: "if (!Array.isArray(value)) return",
        replace: "return",
      },
      {
        breaks: "answers with calls end as if they had none",
        find: "hasToolUse: this.#queue.hasCall",
        replace: "hasToolUse: false",
      },
      {
        breaks: "a refusal ends as if it were an answer",
        find: "this.#refusal += refusal;",
        replace: "",
      },
      {
        breaks: "the estimate of the output leaves out the arguments of calls",
        find: "this.#outputChars += text.length;\n    call.add(text);",
        replace: "call.add(text);",
      },
      {
        breaks: "pictures in answers are lost",
        find: "toText(delta.content) + describeImages(delta.images)",
        replace: "toText(delta.content)",
      },
      {
        breaks: "what an answer cites is not read",
        find: "for (const citation of this.#findings.add(delta.annotations)) this.#cite(citation);",
        replace: "",
      },
      {
        breaks: "citations that come before the text are lost",
        find: "else this.#uncited.push(citation);",
        replace: "",
      },
      {
        breaks: "citations that came before the text are on every text",
        find: "this.#uncited.splice(0)",
        replace: "this.#uncited",
      },
      {
        breaks: "citations of a text go to the next one",
        find: 'if (last?.type === "text") last.cite(citation);\n    else this.#uncited',
        replace: "this.#uncited",
      },
      {
        breaks: "who did not ask for a search gets blocks of one",
        find: "if (this.#options.searchesWeb) this.#addSearches();",
        replace: "this.#addSearches();",
      },
      {
        breaks: "who asked for a search gets no blocks of it",
        find: "if (this.#options.searchesWeb) this.#addSearches();",
        replace: "",
      },
      {
        breaks: "searches have ids that are no search's",
        find: "`srv${this.#options.newCallId()}`",
        replace: "this.#options.newCallId()",
      },
      {
        breaks: "three searches are one",
        find: "this.#findings.listBlocks(countSearches(this.facts.usage), newId)",
        replace: "this.#findings.listBlocks(1, newId)",
      },
      {
        breaks: "the stop sequence that upstream names is taken although nobody asked for it",
        find:
          "asked.find((stop) =>\n      stop === choice.stop_reason || stop === choice.matched_stop\n    )",
        replace: "toText(choice.stop_reason) || toText(choice.matched_stop) || undefined",
      },
      {
        breaks: "vLLM's stop sequence is not read",
        find: "stop === choice.stop_reason || stop === choice.matched_stop",
        replace: "stop === choice.matched_stop",
      },
      {
        breaks: "SGLang's stop sequence is not read",
        find: "stop === choice.stop_reason || stop === choice.matched_stop",
        replace: "stop === choice.stop_reason",
      },
      {
        breaks: "a later chunk takes back the stop sequence",
        find: "this.#matchedStop ??= asked",
        replace: "this.#matchedStop = asked",
      },
      {
        breaks: "the tier is not told",
        find: "...(tier && { service_tier: tier })",
        replace: "",
      },
      {
        breaks: "what was done to the context is not told",
        find: "...(context && { context_management: context }),",
        replace: "",
      },
      {
        breaks: "writes for an hour count as writes for five minutes",
        find: "translateUsage(this.facts.usage, cacheTtl)",
        replace: "translateUsage(this.facts.usage)",
      },
    ],
  },
];
