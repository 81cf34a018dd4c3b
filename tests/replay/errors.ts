/**
 * Recorded refusals: an Anthropic client must get an error of its own API, with upstream's status and words.
 * Not named `*_test.ts`: `deno task replay` runs these.
 * @module
 */

import { isJsonObject, parseJson } from "../../lib/json.ts";
import { toParams, toSetup } from "./answers.ts";
import { whole } from "./pieces.ts";
import { type Seen, send } from "./proxy.ts";
import { type Exchange, loadExchanges, testRecorded } from "./recorded.ts";
import { readAnswer, readErrorWords } from "./reference.ts";
import { Verdict } from "./verdict.ts";

/** Words after which a conversation does not fit. Claude Code compacts on its own words only. */
const OVERFLOW =
  /context (length|size)|prompt too long|total length of all messages|exceeds the (limit|maximum) of \d/i;
const OVERFLOW_WORDS = /prompt is too long|exceed context limit/;

/** Statuses with another number or meaning in Anthropic's API. An image that nothing can read is no outage. */
function expectStatus({ status, body }: Exchange): number {
  if (/image input is not supported/.test(body)) return 400;
  return new Map([[408, 504], [503, 529]]).get(status) ?? status;
}

const TYPES: ReadonlyMap<number, string> = new Map([
  [400, "invalid_request_error"],
  [401, "authentication_error"],
  [402, "billing_error"],
  [403, "permission_error"],
  [404, "not_found_error"],
  [413, "request_too_large"],
  [429, "rate_limit_error"],
  [500, "api_error"],
  [504, "timeout_error"],
  [529, "overloaded_error"],
]);

const exchanges = (await loadExchanges("chat")).filter(({ status }) => status !== 200);

for (const stream of [false, true]) {
  testRecorded(
    `recorded errors keep their words where ${stream ? "a stream" : "a message"} was asked for`,
    async () => {
      const verdict = new Verdict("errors");
      for (const exchange of exchanges) {
        const { body, status, contentType } = exchange;
        const seen = await send(
          { ...toParams(exchange, readAnswer("")), stream },
          { status, contentType, pieces: whole(body) },
          toSetup(exchange),
        );
        verdict.note(exchange.name, checkRefusal(seen, exchange));
      }
      verdict.check(79);
    },
  );
}

function checkRefusal({ error, status }: Seen, exchange: Exchange): string[] {
  const json = parseJson(exchange.body);
  const words = isJsonObject(json) ? readErrorWords(json) : exchange.body;
  const body = isJsonObject(error?.error) ? error.error : {};
  const inner = isJsonObject(body["error"]) ? body["error"] : {};
  const message = String(inner["message"]);
  const wanted = expectStatus(exchange);
  const differences: string[] = [];
  if (status !== wanted) differences.push(`status ${status} instead of ${wanted}`);
  if (body["type"] !== "error") differences.push("the body is not of Anthropic's form");
  if (inner["type"] !== TYPES.get(wanted)) differences.push(`type ${inner["type"]}`);
  if (!message.includes(words)) differences.push(`"${message}" must say "${words}"`);
  if (OVERFLOW.test(words) && !OVERFLOW_WORDS.test(message)) {
    differences.push(`"${message}" must be an overflow in Claude Code's words`);
  }
  if (message.includes('{"')) differences.push(`JSON in the text: ${message}`);
  return differences;
}
