/**
 * What the launcher finds out before it starts Claude Code: which responses of upstream stop it, and which are
 * warnings. As a process: tests/cli/claude_start_test.ts.
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { findProblem, findWarnings } from "../../lib/cli/claude/preflight.ts";
import { describeCreation } from "../../lib/cli/claude/key_file.ts";
import type { UpstreamResponses } from "../../lib/cli/check/upstream.ts";
import { loadConfig } from "../../lib/config.ts";
import { ApiError } from "../../lib/errors.ts";
import type { JsonObject } from "../../lib/json.ts";
import { Catalog } from "../../lib/openrouter/catalog.ts";

const OPENROUTER = "https://openrouter.ai/api/v1";
const OTHER = "http://127.0.0.1:4000/v1";
const GLM = { id: "z-ai/glm-5", supported_parameters: ["tools"] };

type Response = PromiseSettledResult<unknown>;

const reject = (reason: unknown): PromiseRejectedResult => ({ status: "rejected", reason });
const error = (status: number, message = "No") =>
  reject(new ApiError("api_error", message, { status }));
const fulfill = <T>(value: T): PromiseFulfilledResult<T> => ({ status: "fulfilled", value });

const REFUSED = reject(
  new ApiError("api_error", "Cannot reach x", {
    status: 502,
    cause: new TypeError("fetch failed", { cause: new Error("Connection refused") }),
  }),
);
const LATE = reject(
  new ApiError("timeout_error", "late", { cause: new DOMException("late", "TimeoutError") }),
);
const MODELS = fulfill({ count: 1 });
const VALID_KEY = fulfill({ data: { label: "sk-or-v1-abc" } });

function createConfig(env: Record<string, string>) {
  const all: Record<string, string> = {
    OPENROUTER_API_KEY: "sk-or-v1-preflight",
    OPENROUTER_BASE_URL: OPENROUTER,
    ...env,
  };
  return loadConfig((name) => all[name]);
}

interface Case {
  about: string;
  models?: UpstreamResponses["models"];
  key?: Response;
  env?: Record<string, string>;
  /** Null: Claude Code starts. */
  problem: RegExp | null;
}

const CASES: Case[] = [
  { about: "a model list and a valid key", problem: null },
  {
    about: "two refused connections",
    models: REFUSED,
    key: REFUSED,
    problem: /cannot be reached: Connection refused; check the network/,
  },
  { about: "one refused connection", models: REFUSED, problem: null },
  { about: "two timeouts", models: LATE, key: LATE, problem: null },
  { about: "a timeout and a refused connection", models: LATE, key: REFUSED, problem: null },
  {
    about: "a rejected key",
    key: error(401, "User not found"),
    problem: /^openrouter\.ai rejects OPENROUTER_API_KEY: User not found; create a new one at http/,
  },
  { about: "a forbidden report on the key", key: error(403), problem: null },
  { about: "a key endpoint that is missing", key: error(404), problem: null },
  {
    about: "a rejected key of another kind of server",
    key: error(401),
    env: { UPSTREAM_DIALECT: "openai", OPENROUTER_BASE_URL: OTHER },
    problem: null,
  },
  {
    about: "OpenRouter's address without /api/v1",
    models: error(502, "Upstream sent no model list"),
    key: fulfill(undefined),
    env: { OPENROUTER_BASE_URL: "https://openrouter.ai" },
    problem:
      /returned no model list: .*; set OPENROUTER_BASE_URL=https:\/\/openrouter\.ai\/api\/v1$/,
  },
  {
    about: "an address that ends in an endpoint, and 404",
    models: error(404),
    key: error(404),
    env: { OPENROUTER_BASE_URL: `${OTHER}/chat/completions` },
    problem: /; set OPENROUTER_BASE_URL=http:\/\/127\.0\.0\.1:4000\/v1$/,
  },
  {
    about: "an address that looks right, and 404",
    models: error(404),
    key: error(404),
    env: { OPENROUTER_BASE_URL: OTHER },
    problem: null,
  },
  {
    about: "an address without a path, and 503",
    models: error(503),
    key: error(503),
    env: { OPENROUTER_BASE_URL: "http://127.0.0.1:4000" },
    problem: null,
  },
];

for (const { about, models = MODELS, key = VALID_KEY, env = {}, problem } of CASES) {
  Deno.test(`after ${about} Claude Code ${problem === null ? "starts" : "does not start"}`, () => {
    const found = findProblem({ models, key }, createConfig(env));
    if (problem === null) assertEquals(found, null);
    else assertMatch(found ?? "", problem);
  });
}

async function warn(
  { models = MODELS, key = VALID_KEY, entries = [GLM], env = {} }: {
    models?: UpstreamResponses["models"];
    key?: Response;
    entries?: JsonObject[];
    env?: Record<string, string>;
  },
): Promise<string[]> {
  const fetchModels = () => Promise.resolve({ data: entries });
  const catalog = new Catalog({ fetchModels, now: () => 0 });
  await catalog.list(1000);
  return findWarnings({ models, key }, { config: createConfig(env), catalog });
}

Deno.test("without a problem there are no warnings, and none about default models", async () => {
  assertEquals(await warn({}), []);
  assertEquals(await warn({ env: { TARGET_MODEL_OPUS: GLM.id } }), []);
});

Deno.test("an error of upstream that may pass is one warning", async () => {
  const lines = await warn({ models: error(503, "Down"), key: error(503, "Down") });
  assertEquals(lines.length, 1);
  assertStringIncludes(lines[0] ?? "", `${OPENROUTER} returned no model list: Down`);
});

Deno.test("a server that is not OpenRouter's may have no model list", async () => {
  const env = { UPSTREAM_DIALECT: "openai", OPENROUTER_BASE_URL: OTHER };
  assertEquals(await warn({ models: error(404), key: error(404), env }), []);
  assertEquals((await warn({ models: LATE, key: LATE, env })).length, 1);
});

Deno.test("a model that is not listed is named with the closest ids and its variable", async () => {
  const [line, ...more] = await warn({ env: { TARGET_MODEL_OPUS: "z-ai/glm-6" } });
  assertEquals(more, []);
  assertEquals(
    line,
    "z-ai/glm-6: not in the catalog; closest ids: z-ai/glm-5; change TARGET_MODEL_OPUS",
  );
});

Deno.test("a model without tools is a warning", async () => {
  const entries = [{ id: GLM.id, supported_parameters: ["temperature"] }];
  const [line = ""] = await warn({ entries, env: { TARGET_MODEL_OPUS: GLM.id } });
  assertStringIncludes(line, "Claude Code needs tools");
});

Deno.test("at most three models are listed", async () => {
  const ids = ["a/a", "b/b", "c/c", "d/d", "e/e"].join(",");
  const lines = await warn({ env: { TARGET_MODEL_OPUS: ids } });
  assertEquals([lines.length, lines[3]], [4, "2 more models have problems; run check to see all"]);
});

Deno.test("a model list that is empty or missing says nothing about the models", async () => {
  const env = { TARGET_MODEL_OPUS: "z-ai/glm-6" };
  assertEquals(await warn({ models: fulfill({ count: 0 }), entries: [], env }), []);
  const lines = await warn({ models: error(503), entries: [], env });
  assert(!lines.join().includes("glm-6"), lines.join());
});

Deno.test("the key file is created with commands that fit the system and the path", () => {
  const posix = describeCreation("/home/a b/.config/claudeproxy/.env", "linux");
  assertStringIncludes(posix, "mkdir -p '/home/a b/.config/claudeproxy'");
  assertStringIncludes(posix, "cat >> '/home/a b/.config/claudeproxy/.env'");
  const windows = describeCreation("C:\\Users\\a\\claudeproxy\\.env", "windows");
  assertStringIncludes(windows, 'mkdir "C:\\Users\\a\\claudeproxy", then: notepad "C:\\Users');
});
