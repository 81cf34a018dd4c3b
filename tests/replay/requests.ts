/**
 * Recorded requests of real Anthropic clients: what goes upstream must satisfy the published schemas, and no
 * text may be lost. Not named `*_test.ts`: `deno task replay` runs these.
 * @module
 */

import { assertEquals, assertNotEquals } from "@std/assert";
import { isJsonObject, parseJson, toText } from "../../lib/json.ts";
import { post } from "../helpers/proxy.ts";
import { ANSWER, createReplayProxy, readDropped, type Setup } from "./proxy.ts";
import { type Exchange, loadExchanges, testRecorded } from "./recorded.ts";
import { findReason, REASONS } from "./refusals.ts";
import { compileCheck } from "./schema.ts";
import { findLostTexts } from "./texts.ts";
import { Verdict } from "./verdict.ts";

const SETUPS: readonly Setup[] = [
  { dialect: "openrouter", target: "anthropic/claude-sonnet-5" },
  { dialect: "openrouter", target: "openai/gpt-5.2" },
  { dialect: "openai", target: "gpt-5.2" },
];

const exchanges = (await loadExchanges("messages")).filter(({ request }) => request !== null);
const refused = new Set<string>();

for (const setup of SETUPS) {
  testRecorded(
    `recorded requests reach ${setup.target} (${setup.dialect}) whole and valid`,
    async () => {
      const check = compileCheck(setup.dialect);
      const verdict = new Verdict("requests");
      for (const exchange of exchanges) {
        verdict.note(exchange.name, await judge(exchange, setup, check));
      }
      verdict.check(1040);
    },
  );
}

testRecorded("the published schemas refuse what is not a request", () => {
  for (const dialect of ["openrouter", "openai"] as const) {
    const check = compileCheck(dialect);
    const message = { role: "user", content: [{ type: "text", text: 1 }] };
    assertEquals(check({ model: "m", messages: [{ role: "user", content: "Hello" }] }), []);
    assertNotEquals(check({ model: "m" }), [], dialect);
    assertNotEquals(check({ model: "m", messages: [message] }), [], dialect);
  }
});

testRecorded("every reason for a 400 occurs among the recorded requests", () => {
  const unused = REASONS.filter(({ reason }) => !refused.has(reason));
  assertEquals(unused.map(({ reason }) => reason), []);
});

async function judge(
  exchange: Exchange,
  setup: Setup,
  check: (body: unknown) => string[],
): Promise<string[]> {
  const request = exchange.request ?? {};
  const proxy = createReplayProxy(ANSWER, setup);
  const { response, text } = await proxy.call(post(request));
  const sent = proxy.sent();
  if (response.status !== 200) return checkRefusal(exchange, response, parseJson(text));
  if (sent === null) return ["nothing was sent"];
  const lost = findLostTexts(request, sent, readDropped(response));
  return [...check(sent), ...lost.map((path) => `lost ${path}`)];
}

function checkRefusal(exchange: Exchange, response: Response, body: unknown): string[] {
  const error = isJsonObject(body) && isJsonObject(body["error"]) ? body["error"] : {};
  const message = toText(error["message"]);
  // What Anthropic refused may be refused here.
  if (exchange.status >= 400) return [];
  const reason = response.status === 400 ? findReason(message) : undefined;
  if (reason === undefined) return [`${response.status} ${message}`];
  refused.add(reason);
  return [];
}
