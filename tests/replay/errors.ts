/**
 * Replays recorded errors: an Anthropic client must get an error of its API, with upstream's status and message.
 * Not named `*_test.ts`: `deno task replay` runs this file.
 * @module
 */

import { isJsonObject, parseJson } from "../../lib/json.ts";
import { whole } from "./pieces.ts";
import { type ReplayResult, send } from "./proxy.ts";
import { type Exchange, loadExchanges, testRecorded } from "./recorded.ts";
import { parseResponse, readErrorMessage } from "./reference.ts";
import { toParams, toSetup } from "./replay.ts";
import { Verdict } from "./verdict.ts";

/** Messages of a context overflow. */
const OVERFLOW =
  /context (length|size)|prompt too long|total length of all messages|exceeds the (limit|maximum) of \d/i;
/** Claude Code compacts the conversation only on these words. */
const ANTHROPIC_OVERFLOW = /prompt is too long|exceed context limit/;

/** The status in Anthropic's API. An image that no provider can read is not an outage. */
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
    `recorded errors keep their message if a ${stream ? "stream" : "message"} was requested`,
    async () => {
      const verdict = new Verdict("errors");
      for (const exchange of exchanges) {
        const { body, status, contentType } = exchange;
        const result = await send(
          { ...toParams(exchange, parseResponse("")), stream },
          { status, contentType, pieces: whole(body) },
          toSetup(exchange),
        );
        verdict.note(exchange.name, checkError(result, exchange));
      }
      verdict.check(79);
    },
  );
}

function checkError({ error, status }: ReplayResult, exchange: Exchange): string[] {
  const json = parseJson(exchange.body);
  const upstreamMessage = isJsonObject(json) ? readErrorMessage(json) : exchange.body;
  const body = isJsonObject(error?.error) ? error.error : {};
  const inner = isJsonObject(body["error"]) ? body["error"] : {};
  const message = String(inner["message"]);
  const expectedStatus = expectStatus(exchange);
  const differences: string[] = [];
  if (status !== expectedStatus) differences.push(`status ${status} instead of ${expectedStatus}`);
  if (body["type"] !== "error") differences.push("the body is not an Anthropic error");
  if (inner["type"] !== TYPES.get(expectedStatus)) differences.push(`type ${inner["type"]}`);
  if (!message.includes(upstreamMessage)) {
    differences.push(`"${message}" must include "${upstreamMessage}"`);
  }
  if (OVERFLOW.test(upstreamMessage) && !ANTHROPIC_OVERFLOW.test(message)) {
    differences.push(`"${message}" must be a context overflow in Anthropic's words`);
  }
  if (message.includes('{"')) differences.push(`JSON in the message: ${message}`);
  return differences;
}
