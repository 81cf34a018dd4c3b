/**
 * Mutations of the door: who gets in, and what a body may be.
 * @module
 */

import type { Area, TestSet } from "./mutation.ts";

const SERVER_TESTS: TestSet = { files: ["server_test.ts", "mutants_gap_test.ts"] };
const BODY_TESTS: TestSet = {
  files: [...SERVER_TESTS.files, "body_pace_test.ts", "byte_budget_test.ts"],
};

export const DOOR_AREAS: readonly Area[] = [
  {
    file: "lib/access.ts",
    tests: { files: ["access_test.ts"] },
    mutations: [
      {
        breaks: "nobody has to show a proxy key",
        find: "if (!shown.some(isProxyKey)) throw unknownKey(visit);",
        replace: "",
      },
      {
        breaks: "strangers spend the key that is held",
        find: "  checkLocal(visit, config);\n",
        replace: "",
      },
      {
        breaks: "a web page gets in by a name of its own for this machine (DNS rebinding)",
        find: "    LOCAL_HOST.test(host) &&\n",
        replace: "",
      },
      {
        breaks: "any address is local",
        find: '    (peer.transport === "unix" || LOCAL_ADDRESS.test(peer.address)) &&\n',
        replace: "",
      },
      {
        breaks: "unix sockets are not local",
        find: 'peer.transport === "unix" || LOCAL_ADDRESS.test(peer.address)',
        replace: 'peer.transport === "tcp" && LOCAL_ADDRESS.test(peer.address)',
      },
      {
        breaks: "strangers read the figures where any client may connect",
        find:
          "if (visit.path === FIGURES_PATH && !isLocal(visit, config)) throw unknownStranger();",
        replace: "",
      },
      {
        breaks: "a browser cannot show its password for the figures",
        find: '(path === "/" || path === FIGURES_PATH)',
        replace: 'path === "/"',
      },
      {
        breaks: "strangers get in through a reverse proxy on this machine",
        find: "![...headers.keys()].some((name) => FORWARDING_HEADER.test(name))",
        replace: "true",
      },
      {
        breaks: "one of the forwarding headers is not known",
        find: "forwarded|via|x-real-ip",
        replace: "forwarded|x-real-ip",
      },
      {
        breaks: "the whole internet is local on Deno Deploy",
        find: "!config.onDenoDeploy &&\n    (peer",
        replace: "(peer",
      },
      {
        breaks: "cross-site requests without an origin get in",
        find: 'headers.get("sec-fetch-site") === "cross-site"',
        replace: "false",
      },
      {
        breaks: "a click on a link does not lead to the page",
        find: " && !isLinkToPage(visit)",
        replace: "",
      },
      {
        breaks: "other sites navigate to more than the page",
        find: 'method === "GET" && path === "/" && headers.get("sec-fetch-mode")',
        replace: 'headers.get("sec-fetch-mode")',
      },
      {
        breaks: "other sites frame the page",
        find: ' &&\n    headers.get("sec-fetch-dest") === "document"',
        replace: "",
      },
      {
        breaks: "any origin gets in",
        find:
          "if (origin !== null && origin !== `http://${host}` && origin !== `https://${host}`) {",
        replace: "if (false) {",
      },
      {
        breaks: "origins that begin like a listed one get in",
        find: "allowedOrigins.includes(origin)",
        replace: "allowedOrigins.some((one) => origin.startsWith(one))",
      },
      {
        breaks: "content types that need no preflight get in",
        find: 'if (method !== "POST") return;',
        replace: "return;",
      },
      {
        breaks: "proxy keys go upstream",
        find: "OPENROUTER_KEY.test(key) && !isProxyKey(key)",
        replace: "OPENROUTER_KEY.test(key)",
      },
      {
        breaks: "any key of a client goes upstream",
        find: "OPENROUTER_KEY.test(key) && !isProxyKey(key)",
        replace: "!isProxyKey(key)",
      },
      {
        breaks: "the client's key pays although one is held",
        find: "return held ?? clientsOwn;",
        replace: "return clientsOwn ?? held;",
      },
      {
        breaks: "a password gets in where it is no browser's page",
        find: "isForBrowsers(visit) ? [...presented, ...readPassword(visit.headers)] : presented",
        replace: "[...presented, ...readPassword(visit.headers)]",
      },
      {
        breaks: "the beginning of a key is as good as the key",
        find: "presented.length ^ key.length",
        replace: "0",
      },
      {
        breaks: "only the last character of a key counts",
        find: "difference |=",
        replace: "difference =",
      },
      {
        breaks: "only the last of several proxy keys counts",
        find: "isEqual(presented, key) || found",
        replace: "isEqual(presented, key)",
      },
      {
        breaks: "preflights of our own origin are answered as if it were listed",
        find: "if (corsOrigin === null) throw forbidden(",
        replace:
          'if (corsOrigin === null) return { corsOrigin: "*" };\n  if (false) throw forbidden(',
      },
      {
        breaks: "every method is free on the open paths",
        find: "return isRead && (",
        replace: "return (",
      },
    ],
  },
  {
    file: "lib/cli/environment.ts",
    tests: { files: ["settings_sources_test.ts"] },
    mutations: [
      {
        breaks: "a file redirects the environment's key",
        find: "if (key === from || baseUrl === standard) return null;",
        replace: "return null;",
      },
      {
        breaks: "the default address in a file stops the start",
        find: "if (key === from || baseUrl === standard) return null;",
        replace: "if (key === from) return null;",
      },
      {
        breaks: "the default address with a slash stops the start",
        find: '.replace(/\\/+$/, "")',
        replace: ".trim()",
      },
      {
        breaks: "a file opens the proxy that spends the environment's key",
        find: "    isForeign && readOwn(name) === undefined &&",
        replace: "    false && readOwn(name) === undefined &&",
      },
      {
        breaks: "a file opens nothing with its own key",
        find: "    isForeign && readOwn(name) === undefined &&",
        replace: "    readOwn(name) === undefined &&",
      },
      {
        breaks: "a setting of the environment is ignored because the file has it too",
        find: "    isForeign && readOwn(name) === undefined &&",
        replace: "    isForeign &&",
      },
      {
        breaks: "a file with the environment's own key is a stranger's",
        find: ' && key !== readFile("OPENROUTER_API_KEY")',
        replace: "",
      },
      {
        breaks: "the file wins over the environment",
        find: "if (readOwn(name) !== undefined) return ENVIRONMENT;",
        replace: "",
      },
    ],
  },
  {
    file: "lib/cli/env_file.ts",
    tests: { files: ["settings_sources_test.ts"] },
    mutations: [
      {
        breaks: "a file reads variables of the environment",
        find: 'parse(text.replaceAll("$", DOLLAR))',
        replace: "parse(text)",
      },
      {
        breaks: "an unquoted $ is taken as it is",
        find: 'value.includes("$") && !isQuoted(value)',
        replace: "false",
      },
      {
        breaks: "a file that everyone can read is fine",
        find: "OTHERS_READ = 0o044",
        replace: "OTHERS_READ = 0o040",
      },
      {
        breaks: "a file that the group can read is fine",
        find: "OTHERS_READ = 0o044",
        replace: "OTHERS_READ = 0o004",
      },
      {
        breaks: "a file without a key is warned of",
        find: "isSecret && canOthersRead(path)",
        replace: "canOthersRead(path)",
      },
      {
        breaks: "a relative path leads into the working folder",
        find: "return isAbsolute(value) ? value : null;",
        replace: 'return value === "" ? null : value;',
      },
      {
        breaks: "a file that was asked for may be missing",
        find: "if (file !== null || mayBeMissing) return file;",
        replace: "if (file !== null || true) return file;",
      },
    ],
  },
  {
    file: "lib/routes/body.ts",
    tests: BODY_TESTS,
    mutations: [
      {
        breaks: "a body of exactly the limit is refused",
        find: "declared > limits.maxBytes",
        replace: "declared >= limits.maxBytes",
      },
      {
        breaks: "a length that is not the last word is trusted",
        find: ' && !headers.has("transfer-encoding")',
        replace: "",
      },
      {
        breaks: "the limit counts for nothing without a content-length",
        find: "new LimitedBytesTransformStream(maxBytes, { error: true })",
        replace: "new LimitedBytesTransformStream(Infinity, { error: true })",
      },
      {
        breaks: "a body over the limit is cut in silence",
        find: "{ error: true }",
        replace: "{ error: false }",
      },
      {
        breaks: "a body that grows over the limit is one that could not be read",
        find: "if (cause instanceof RangeError) throw tooLarge(limits.maxBytes, cause);",
        replace: "",
      },
      {
        breaks: "nesting has no bound",
        find: "if (isTooDeep(text)) {",
        replace: "if (false) {",
      },
      {
        breaks: "brackets inside strings count as nesting",
        find: "if (code === QUOTE) at = endOfString(text, at);",
        replace: "if (code === QUOTE) depth += 0;",
      },
      {
        breaks: "a string ends at a quote behind an escaped backslash's neighbour",
        find: "if (backslashes % 2 === 0) return quote + 1;",
        replace: "return quote + 1;",
      },
      {
        breaks: "an escaped backslash before a quote hides the end of the string",
        find: "if (backslashes % 2 === 0) return quote + 1;",
        replace: "if (backslashes === 0) return quote + 1;",
      },
      {
        breaks: "siblings count as nesting",
        find: " depth--;",
        replace: " depth -= 0;",
      },
      {
        breaks: "a syntax error quotes the body",
        find: 'place === undefined ? ""',
        replace: "place === undefined ? words",
      },
      {
        breaks: "a body that fell silent is taken for a whole one",
        find: "if (text === null) throw timedOut(",
        replace: "if (text === null) return '{}';\n  if (idleMs < 0) throw timedOut(",
      },
      {
        breaks: "a body may be silent as long as it likes",
        find: "silenceMs: idleMs,",
        replace: "silenceMs: 86_400_000,",
      },
      {
        breaks: "a body takes no memory where its length is declared",
        find: "if (declared !== null) share?.resize(declared);",
        replace: "",
      },
      {
        breaks: "a body takes no memory where its length is not declared",
        find: "if (declared === null) share?.resize(progress.bytes);",
        replace: "",
      },
      {
        breaks: "a body may come as slowly as it likes",
        find: "waitedMs > PATIENCE_MS + bytes / LEAST_BYTES_PER_MS",
        replace: "false",
      },
      {
        breaks: "a stop of this process counts as the client's slowness",
        find: "Math.min(now() - readAt, idleMs)",
        replace: "now() - readAt",
      },
      {
        breaks: "a body may come in any number of pieces",
        find: "reads > MAX_READS + bytes / LEAST_BYTES_PER_READ",
        replace: "false",
      },
    ],
  },
];
