/**
 * Tools of an MCP server whose schemas were written by zod 4, before models whose validators refuse them.
 * @module
 */

import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { isJsonObject } from "../../../lib/json.ts";
import type { ChatRequest } from "../../../lib/openrouter/types.ts";
import { INVITE_TOOL, listMcpArgs } from "../mcp.ts";
import { calls, fails, readLastResult, says, type Step } from "../model.ts";
import { type Session, startSession, test } from "../session.ts";

const GUEST = { email: "guest@example.com", seats: 2, labels: { table: "3" } };
const STEPS = [calls({ name: INVITE_TOOL, input: GUEST }), says("Invited")];

/** The MCP server's tools from the first request on. */
const AT_ONCE = { ENABLE_TOOL_SEARCH: "false" };

function readSchema({ tools = [] }: Partial<ChatRequest> = {}): string {
  const tool = tools.find((one) => one.type === "function" && one.function.name === INVITE_TOOL);
  return tool?.type === "function" ? JSON.stringify(tool.function.parameters) : "";
}

/** OpenAI's refusal, in the envelope that OpenRouter puts around it. */
function refuses(words: string): Step {
  const error = {
    message: `Invalid schema for function '${INVITE_TOOL}': ${words}`,
    type: "invalid_request_error",
    param: "tools[12].function.parameters",
    code: "invalid_function_parameters",
  };
  const metadata = { raw: JSON.stringify({ error }, null, 2), provider_name: "OpenAI" };
  return fails(400, "Provider returned error", { more: { metadata } });
}

/** Plays the steps, but refuses every request whose tool has what the validator does not take. */
function validates(refusals: readonly [RegExp, string][]): { step: Step; refused: string[] } {
  const refused: string[] = [];
  let turn = 0;
  const step: Step = (request) => {
    const schema = readSchema(request);
    const found = refusals.find(([pattern]) => pattern.test(schema));
    if (found === undefined) return (STEPS[turn++] ?? says("?"))(request);
    refused.push(found[1]);
    return refuses(found[1])(request);
  };
  return { step, refused };
}

async function invite(session: Session, step: Step): Promise<void> {
  const log = session.path("mcp.log");
  const run = await session.ask("Invite the guest", step, { args: listMcpArgs(log) });
  assertEquals([run.text, run.isError], ["Invited", false]);
  assertEquals(await Deno.readTextFile(log), GUEST.email);
  assertStringIncludes(readLastResult(session.upstream.at(-1)), `heard ${GUEST.email}`);
  assertEquals(session.asked.map(({ status }) => status), [200, 200]);
}

const LOOKAROUND = /\(\?[=!<]|\\\\p\{/;

test("uses a tool with zod's pattern of an address before a validator without lookaround", async () => {
  const { step, refused } = validates([[LOOKAROUND, "'^(?!\\\\.)' is not a 'regex'."]]);
  await using session = await startSession({ args: ["--model", "openai/gpt-5.1"], env: AT_ONCE });
  await invite(session, step);
  assertEquals(refused, []);
  const schema = readSchema(session.upstream[0]);
  assertStringIncludes(schema, '"email"');
  assertFalse(LOOKAROUND.test(schema), schema);
  const dropped = session.asked[0]?.answer.get("x-proxy-dropped") ?? "";
  assert(/tools\.\d+\.input_schema\..*pattern/.test(dropped), `x-proxy-dropped: ${dropped}`);
});

test("leaves the pattern as it is for Claude", async () => {
  await using session = await startSession({
    args: ["--model", "anthropic/claude-opus-5"],
    env: AT_ONCE,
  });
  await invite(session, validates([]).step);
  assert(LOOKAROUND.test(readSchema(session.upstream[0])));
});

test("heals by itself where a validator refuses another word, and remembers it", async () => {
  const words =
    "In context=('properties', 'email'), 'format' is not permitted to have the value 'email'.";
  const { step, refused } = validates([[/"format":/, words]]);
  await using session = await startSession({ args: ["--model", "vendor/picky"], env: AT_ONCE });
  await invite(session, step);
  assertEquals(refused, [words]);
  assertEquals(session.upstream.length, 3);
  const plain = JSON.parse(readSchema(session.upstream[2]));
  assert(isJsonObject(plain) && isJsonObject(plain["properties"]));
  assertEquals(plain["required"], ["email"]);
  const dropped = session.asked.map(({ answer }) => answer.get("x-proxy-dropped") ?? "");
  for (const names of dropped) assertStringIncludes(names, "input_schema");
});

test("shows the refusal where plain schemas are refused too", async () => {
  const { step } = validates([[/"email"/, "In context=(), no."]]);
  await using session = await startSession({ args: ["--model", "vendor/picky"], env: AT_ONCE });
  const args = listMcpArgs(session.path("mcp.log"));
  const run = await session.ask("Invite the guest", step, { args });
  assertEquals([run.isError, run.code], [true, 1]);
  assertStringIncludes(run.text, "Invalid schema for function");
  // 2.1.332 leaves out one beta after the other: six requests. Plain schemas are tried in the first of them only.
  assert(session.upstream.length <= 7, `${session.upstream.length} requests`);
});
