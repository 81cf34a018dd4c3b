/**
 * Mutations of the native route: its request, its relay, what it notes.
 * @module
 */

import type { Area, TestSet } from "./mutation.ts";

const NATIVE_TESTS: TestSet = { files: ["relay_test.ts", "native_test.ts"] };

export const NATIVE_AREAS: readonly Area[] = [
  {
    file: "lib/translate/native.ts",
    tests: NATIVE_TESTS,
    mutations: [
      {
        breaks: "the model goes as the client named it",
        find: "{ ...body, model };",
        replace: "{ model, ...body };",
      },
      {
        breaks: "the billing line defeats every prefix cache",
        find: 'mapped["system"] = stripSystem(system);',
        replace: "void stripSystem;",
      },
      {
        breaks: "fallbacks go as the client named them",
        find: 'return { ...entry, model: resolve(entry["model"]) };',
        replace: "return entry;",
      },
      {
        breaks: "a list of targets is its first",
        find: 'mapped["models"] = [model, ...others];',
        replace: "",
      },
      {
        breaks: "both lists of models go upstream, which takes one",
        find: "} else if (others.length > 0) {",
        replace: "}\n  if (others.length > 0) {",
      },
      {
        breaks: "the operator's routing is lost",
        find: 'if (options.provider !== null) mapped["provider"] = { ...options.provider };',
        replace: "",
      },
      {
        breaks: "an empty block stays where the billing line was",
        find: '.filter((block) => !(isJsonObject(block) && block["text"] === ""))',
        replace: "",
      },
      {
        breaks: "odd fallbacks break the request",
        find: 'if (!isJsonObject(entry) || typeof entry["model"] !== "string") return entry;',
        replace: "if (!isJsonObject(entry)) return entry;",
      },
    ],
  },
  {
    file: "lib/sse/relay.ts",
    tests: NATIVE_TESTS,
    mutations: [
      {
        breaks: "upstream is read ahead of the client",
        find: "}, { highWaterMark: 0 });",
        replace: "}, { highWaterMark: 3 });",
      },
      {
        breaks: "bytes are passed on in the lent buffer, which the next read takes",
        find: "controller.enqueue(bytes.slice());",
        replace: "controller.enqueue(bytes);",
      },
      {
        breaks: "upstream goes on when the client has left",
        find: "    reader.cancel().catch(() => {});\n    options.onEnd(end);",
        replace: "    options.onEnd(end);",
      },
      {
        breaks: "a client that leaves is not noticed",
        find: 'cancel: () => settle({ how: "client_gone" }),',
        replace: "cancel: () => {},",
      },
      {
        breaks: "a cut stream looks like one that ended",
        find: "(ear.hasEnded ? null : bytes ?? createBrokenOff())",
        replace: "(ear.hasEnded ? null : bytes)",
      },
      {
        breaks: "a break behind the end spoils a whole answer",
        find: "(ear.hasEnded ? null : bytes ?? createBrokenOff())",
        replace: "(bytes ?? (ear.hasEnded ? null : createBrokenOff()))",
      },
      {
        breaks: "two errors end one stream",
        find: "if (error !== null && ear.error === null) {",
        replace: "if (error !== null) {",
      },
      {
        breaks: "an error of upstream's passes for a success",
        find: "ear.error ?? (ear.hasEnded",
        replace: "(ear.hasEnded || ear.error",
      },
      {
        breaks: "the error event is part of the one that was cut",
        find: "`\\n\\n${options.encodeError(error)}`",
        replace: "options.encodeError(error)",
      },
      {
        breaks: "a stream that broke ends without a word",
        find: "controller.enqueue(encoder.encode(",
        replace: "void (encoder.encode(",
      },
      {
        breaks: "a silence has no end",
        find: "    isSilent = true;\n    reader.cancel().catch(() => {});\n",
        replace: "    isSilent = true;\n",
      },
      {
        breaks: "a silence is called a break",
        find: "if (isSilent) {",
        replace: "if (false) {",
      },
      {
        breaks: "the clock goes on when a read has ended",
        find: "clearTimeout(timer);",
        replace: "",
      },
      {
        breaks: "deltas are parsed, one by one",
        find: "if (payload.includes('\"content_block_delta\"')) {",
        replace: "if (false) {",
      },
      {
        breaks: "nobody hears what passes",
        find: "    this.#options.onEvent(event);\n",
        replace: "",
      },
    ],
  },
  {
    file: "lib/routes/native.ts",
    tests: NATIVE_TESTS,
    mutations: [
      {
        breaks: "the version of the client is lost",
        find: 'headers.get("anthropic-version") ?? DEFAULT_VERSION',
        replace: "DEFAULT_VERSION",
      },
      {
        breaks: "the betas of the client are lost",
        find: 'anthropicBeta: headers.get("anthropic-beta"),',
        replace: "anthropicBeta: null,",
      },
      {
        breaks: "the record does not say which list was sent",
        find: "if (models.length > 1) record.sent = models;",
        replace: "",
      },
      {
        breaks: "a stream is read to its end before it is passed on",
        find: 'answer.contentType === "text/event-stream"',
        replace: "false",
      },
      {
        breaks: "a list passes for an answer",
        find: "if (!isJsonObject(message)) throw",
        replace: "if (message === undefined) throw",
      },
      {
        breaks: "an error with HTTP 200 passes for an answer",
        find: "if (error !== undefined && error !== null) throw",
        replace: "if (false) throw",
      },
      {
        breaks: "error: null is an error",
        find: "if (error !== undefined && error !== null) throw",
        replace: "if (error !== undefined) throw",
      },
      {
        breaks: "whole answers are not in the figures",
        find: "  noteMessage(message, exchange);\n  return",
        replace: "  return",
      },
      {
        breaks: "the head of a stream is not in the figures",
        find: 'if (isJsonObject(event["message"])) noteMessage(event["message"], exchange);',
        replace: "",
      },
      {
        breaks: "the time of the first event is not told",
        find: "record.firstEventMs = Math.round(now() - startedAt);",
        replace: "",
      },
      {
        breaks: "the tokens at the end of a stream are not told",
        find: 'noteUsage(event["usage"], exchange);',
        replace: "",
      },
      {
        breaks: "what the end does not say again is forgotten",
        find: "if (input !== undefined) record.inputTokens = input;",
        replace: "record.inputTokens = input ?? 0;",
      },
      {
        breaks: "the provider is not told",
        find: 'if (typeof provider === "string") exchange.record.provider = provider;',
        replace: "",
      },
      {
        breaks: "the cost is not told",
        find: "if (cost !== undefined) record.costUsd = cost;",
        replace: "",
      },
      {
        breaks: "a stream of the native route is never logged as ended",
        find: "      noteEnd(end, exchange);\n",
        replace: "",
      },
    ],
  },
];
