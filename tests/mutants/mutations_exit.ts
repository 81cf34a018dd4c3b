/**
 * Mutations of the server itself and of what leaves it: errors, headers, log, secrets.
 * @module
 */

import type { Area, TestSet } from "./mutation.ts";

const SERVER_TESTS: TestSet = { files: ["server_test.ts", "mutants_gap_test.ts"] };

export const EXIT_AREAS: readonly Area[] = [
  {
    file: "lib/errors.ts",
    tests: SERVER_TESTS,
    mutations: [
      {
        breaks: "errors are cut before secrets are taken out, and leave half of the key",
        find: "redact(error.message).slice(0, MAX_MESSAGE_CHARS)",
        replace: "redact(error.message.slice(0, MAX_MESSAGE_CHARS))",
      },
      {
        breaks: "secrets stand in errors",
        find: "redact(error.message)",
        replace: "error.message",
      },
      {
        breaks: "errors are as long as upstream makes them",
        find: ".slice(0, MAX_MESSAGE_CHARS)",
        replace: "",
      },
      {
        breaks: "clients retry what can never succeed",
        find: 'if (NEVER_RETRIED.has(error.status)) headers.set("x-should-retry", "false");',
        replace: "",
      },
      {
        breaks: "clients read the words of our own bugs",
        find: '"Internal error of the proxy"',
        replace: "String(error)",
      },
      {
        breaks: "overload has the status of a bug",
        find: "overloaded_error: 529",
        replace: "overloaded_error: 500",
      },
      {
        breaks: "errors come without their headers",
        find: "new Headers({ ...error.headers })",
        replace: "new Headers()",
      },
      {
        breaks: "the code that the SDK acts on is not sent",
        find: "if (error.details !== undefined) body.details = error.details;",
        replace: "",
      },
    ],
  },
  {
    file: "lib/redact.ts",
    tests: { files: ["redact_test.ts", "mutants_gap_test.ts"] },
    mutations: [
      {
        breaks: "a secret is taken out once only",
        find: "result.replaceAll(secret, MASK)",
        replace: "result.replace(secret, MASK)",
      },
      {
        breaks: "the rest of a longer secret stays",
        find: "b.length - a.length",
        replace: "a.length - b.length",
      },
      {
        breaks: "short settings black out ordinary words",
        find: ".filter((secret) => secret.length >= SHORTEST)",
        replace: "",
      },
      {
        breaks: "the held key stands where it is echoed",
        find: '[openrouterApiKey ?? "", ...proxyApiKeys]',
        replace: "[...proxyApiKeys]",
      },
      {
        breaks: "proxy keys stand where they are echoed",
        find: '[openrouterApiKey ?? "", ...proxyApiKeys]',
        replace: '[openrouterApiKey ?? ""]',
      },
      {
        breaks: "a key stands in base64",
        find: "[key, ...encodeBase64(key)]",
        replace: "[key]",
      },
      {
        breaks: "a key stands in base64 behind something else",
        find: "[0, 1, 2].map",
        replace: "[0].map",
      },
      {
        breaks: "a key stands in the base64 of URLs",
        find: "[text, toUrlForm(text)]",
        replace: "[text]",
      },
      {
        breaks: "short tokens that are keys are no keys",
        find: 'token.startsWith("sk-") || ',
        replace: "",
      },
      {
        breaks: "long tokens are no keys",
        find: " || token.length >= SHORTEST_TOKEN",
        replace: "",
      },
      {
        breaks: "a secret with a quote stands in JSON",
        find: "[secret, JSON.stringify(secret).slice(1, -1)]",
        replace: "[secret]",
      },
    ],
  },
  {
    file: "lib/server.ts",
    tests: { files: ["server_test.ts", "access_test.ts", "mutants_gap_test.ts"] },
    mutations: [
      {
        breaks: "requests that have ended count against MAX_INFLIGHT",
        find: "      .then(() => inFlight--)",
        replace: "",
      },
      {
        breaks: "a request leaves its place when its head leaves, not its body",
        find: "await ended;",
        replace: "",
      },
      {
        breaks: "one request fewer than MAX_INFLIGHT is served",
        find: "others >= countPlaces(visit, services)",
        replace: "others + 1 >= countPlaces(visit, services)",
      },
      {
        breaks: "a full proxy looks dead to health checks",
        find: 'return path === "/" || path === "/stats" ? maxInflight + PLACES_TO_LOOK : Infinity;',
        replace: "return maxInflight;",
      },
      {
        breaks: "the client's own key stands in errors",
        find: "    ...readClientKeys(request.headers).filter(looksLikeKey),\n",
        replace: "",
      },
      {
        breaks: "a word that a client sends for a token is taken out of names of models",
        find: ".filter(looksLikeKey)",
        replace: "",
      },
      {
        breaks: "configured keys stand in errors",
        find: "    ...secrets,\n",
        replace: "",
      },
      {
        breaks: "what fails behind an answer ends the process",
        find: "writeSafely(services.log,",
        replace: "throw cause; writeSafely(services.log,",
      },
      {
        breaks: "a method named like a property of every object is a route",
        find: "Object.hasOwn(methods, method) ? methods[method] : undefined",
        replace: "methods[method]",
      },
      {
        breaks: "characters that no header takes break the answer",
        find: '.replace(/[^\\x20-\\x7e]/g, "?")',
        replace: "",
      },
      {
        breaks: "secrets stand in headers",
        find: "redact(value).replace",
        replace: "value.replace",
      },
      {
        breaks: "secrets stand in the log",
        find: "record.error = redact(failure.message);",
        replace: "record.error = failure.message;",
      },
      {
        breaks: "web pages of listed origins cannot read answers",
        find: "if (corsOrigin !== null) allowOrigin(result.response.headers, corsOrigin);",
        replace: "",
      },
      {
        breaks: "caches give one origin's answer to another",
        find: 'headers.append("vary", "Origin");',
        replace: "",
      },
      {
        breaks: "405 does not say what is allowed",
        find: 'headers: { allow: Object.keys(methods).join(", ") },',
        replace: "",
      },
      {
        breaks: "a request target that makes no URL is a bug of ours",
        find:
          'throw new ApiError("invalid_request_error", "The request target is no valid URL", { cause });',
        replace: "throw cause;",
      },
      {
        breaks: "preflights get in from anywhere",
        find: "const { corsOrigin } = decidePreflight(visit, config);",
        replace: 'const corsOrigin = visit.headers.get("origin") ?? "*";',
      },
      {
        breaks: "a client that left is logged as a failure",
        find: 'failure.status === 499 ? "client_gone" : failure.type',
        replace: "failure.type",
      },
    ],
  },
];
