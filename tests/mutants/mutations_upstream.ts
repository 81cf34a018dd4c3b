/**
 * Mutations of the way to upstream: the client, its errors and models.
 * @module
 */

import type { Area, TestSet } from "./mutation.ts";

const SERVER_TESTS: TestSet = { files: ["server_test.ts", "mutants_gap_test.ts"] };
export const UPSTREAM_AREAS: readonly Area[] = [
  {
    file: "lib/openrouter/client.ts",
    tests: { files: ["native_test.ts", "generic_dialect_test.ts", ...SERVER_TESTS.files] },
    mutations: [
      {
        breaks: "redirects are followed, and the key travels along",
        find: 'redirect: "manual"',
        replace: 'redirect: "follow"',
      },
      {
        breaks: "a redirect is an answer",
        find: "if (response.status === 200 && response.body !== null) {\n    const contentType",
        replace: "if (response.status < 400 && response.body !== null) {\n    const contentType",
      },
      {
        breaks: "upstream goes on when the client leaves before its head",
        find: 'signal.addEventListener("abort", leave, { once: true });',
        replace: "",
      },
      {
        breaks: "a client that leaves is told, and logged, as a failure of upstream",
        find: "if (signal.aborted) throw createClientGone(cause);",
        replace: "",
      },
      {
        breaks: "upstream is asked for a client that has left already",
        find: "if (signal.aborted) leave();",
        replace: "",
      },
      {
        breaks: "a head that does not come is called an upstream that cannot be reached",
        find: "isLate = true;",
        replace: "",
      },
      {
        breaks: "the clock of the head cuts the body",
        find: "  } finally {\n    deadline.stop();\n  }\n}\n\n/** Seconds or",
        replace: "  } finally {\n    // Nothing.\n  }\n}\n\n/** Seconds or",
      },
      {
        breaks: "the clock of the model list holds up a program that wants to end",
        find: "  } finally {\n    deadline.stop();\n  }\n}\n\n/** Waits for",
        replace: "  } finally {\n    // Nothing.\n  }\n}\n\n/** Waits for",
      },
      {
        breaks: "whatever upstream puts into retry-after reaches the client",
        find: "/^\\d+(\\.\\d+)?$|^\\w{3}, [\\w :]{10,40}$/.test(value) ? value : null",
        replace: "value || null",
      },
      {
        breaks: "retry-after is lost",
        find: "retryAfter: readRetryAfter(response.headers),",
        replace: "",
      },
      {
        breaks: "an error body without end is read to its end",
        find: "text.length < MAX_ERROR_BYTES",
        replace: "text.length >= 0",
      },
      {
        breaks: "an error body that is too long is not let go",
        find: "    deadline.stop();\n    reader.cancel().catch(() => {});",
        replace: "    deadline.stop();",
      },
      {
        breaks: "parameters of the content type hide that an answer is JSON",
        find: '.split(";")[0] ?? ""',
        replace: '.split("\\n")[0] ?? ""',
      },
      {
        breaks: "the native route speaks no version",
        find: '"anthropic-version": call.anthropicVersion',
        replace: '"x-version": call.anthropicVersion',
      },
      {
        breaks: "the native route's betas are lost",
        find: 'if (call.anthropicBeta !== null) headers.set("anthropic-beta", call.anthropicBeta);',
        replace: "",
      },
      {
        breaks: "strangers learn the name of the app",
        find: 'if (config.dialect !== "openai") {',
        replace: "{",
      },
      {
        breaks: "the app's address is not sent",
        find: 'if (config.appUrl !== null) headers.set("http-referer", config.appUrl);',
        replace: "",
      },
      {
        breaks: "a cause that says where upstream lives reaches the client",
        find: '"Cannot reach OpenRouter"',
        replace: "String(cause)",
      },
    ],
  },
  {
    file: "lib/openrouter/errors.ts",
    tests: { files: ["errors_test.ts", "error_wordings_test.ts"] },
    mutations: [
      {
        breaks: "a rate limit is called overload",
        find: '429: { type: "rate_limit_error" }',
        replace: '429: { type: "overloaded_error" }',
      },
      {
        breaks: "pages of HTML reach the client",
        find: "if (isHtml(body)) return",
        replace: "if (false) return",
      },
      {
        breaks: "odd statuses of upstream are bugs of ours",
        find: 'return { type: "api_error", status: 502 };',
        replace: 'return { type: "api_error" };',
      },
      {
        breaks: "a refusal of the model is like any other",
        find: "if (isModelRefusal(report)) return",
        replace: "if (false) return",
      },
      {
        breaks: "an image that a model cannot read is a failure of upstream",
        find: "if (isImageRefusal(report)) {",
        replace: "if (false) {",
      },
    ],
  },
  {
    file: "lib/openrouter/overflow.ts",
    tests: { files: ["error_wordings_test.ts"] },
    mutations: [
      {
        breaks: "Claude Code does not see that the conversation is too long",
        find: "`prompt is too long: ${asked} tokens > ${limit} maximum (${message})`",
        replace: "message",
      },
      {
        breaks: "a rate limit on tokens is called too long a conversation",
        find: "if (!REFUSED.has(report.status) && !BROKEN.has(report.status)) return null;",
        replace: "",
      },
      {
        breaks: "Claude Code compacts where less output would do",
        find: "if (output > 0 && input < limit && input + output > limit) {",
        replace: "if (false) {",
      },
      {
        breaks: "codes are not looked at",
        find: "OVERFLOW_CODES.has(code)",
        replace: "false",
      },
      {
        breaks: "an outage that mentions the context is called too long a conversation",
        find: "!isOther && REFUSED.has(report.status) && LOOSE_WORDING",
        replace: "!isOther && LOOSE_WORDING",
      },
      {
        breaks: "a string of too many characters is called too long a conversation",
        find: "const isOther = OTHER_LIMITS.test(judged);",
        replace: "const isOther = false;",
      },
    ],
  },
  {
    file: "lib/openrouter/error_report.ts",
    tests: { files: ["errors_test.ts", "error_wordings_test.ts", "error_places_test.ts"] },
    mutations: [
      {
        breaks: "a provider's page of HTML reaches the client",
        find: 'isHtml(value) ? "" : value.trim()',
        replace: "value.trim()",
      },
      {
        breaks: "messages are looked for without end",
        find: 'if (depth > MAX_DEPTH) return "";',
        replace: "",
      },
      {
        breaks: "the code in the body wins over the HTTP status",
        find: "if (httpStatus >= 400 && httpStatus !== 502) return httpStatus;",
        replace: "",
      },
      {
        breaks: "the provider's words are lost",
        find: 'raw !== "" ? raw : message',
        replace: "message",
      },
      {
        breaks: "the field that FastAPI means is not said",
        find: 'path === "" ? words : `${path}: ${words}`',
        replace: "words",
      },
    ],
  },
  {
    file: "lib/openrouter/models.ts",
    tests: { files: ["models_test.ts"] },
    mutations: [
      {
        breaks: "a model that somebody chose is replaced",
        find: "return target.isDefault && target.models.length === 1;",
        replace: "return target.models.length === 1;",
      },
      {
        breaks: "a default that was refused is asked again and again",
        find: "return refused.has(first)",
        replace: "return false",
      },
      {
        breaks: "OpenRouter's own ids are mapped",
        find: "if (isOpenRouterId(plain)) return",
        replace: "if (false) return",
      },
    ],
  },
];
