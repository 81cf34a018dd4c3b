/**
 * Plain answers: for each file in fixtures/responses, the message that translateResponse makes of a completion,
 * and that a stream which brings the same in one chunk says the same.
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import type { Message } from "../lib/anthropic/types.ts";
import { ApiError } from "../lib/errors.ts";
import { isJsonObject } from "../lib/json.ts";
import {
  collectMessage,
  translateCompletion,
  translateResponse,
} from "../lib/translate/response.ts";
import {
  createTranslator,
  type ExpectedError,
  loadResponseCases,
  type ResponseFixture,
} from "./helpers/fixtures.ts";
import { checkGrammar } from "./helpers/grammar.ts";

const cases = loadResponseCases();

for (const { name, fixture } of cases) {
  const { about, completion, options } = fixture;

  Deno.test(`translateResponse: ${about} (${name})`, () => {
    check(fixture, () => translateResponse(completion, createTranslator(options)));
  });

  const chunk = toChunk(completion);
  if (chunk !== null) {
    Deno.test(`a stream of one chunk says the same as the plain answer ${name}`, () => {
      check(fixture, () => {
        const translator = createTranslator(options);
        return collectMessage([...translator.push(chunk), ...translator.finish()]);
      });
    });
  }

  if (fixture.message !== undefined) {
    Deno.test(`translateCompletion sends ${name} in the grammar of a stream`, () => {
      checkGrammar(translateCompletion(completion, createTranslator(options)));
    });
  }
}

Deno.test("response fixtures expect a message or an error, each with a sentence of its own", () => {
  for (const { name, fixture } of cases) {
    assert((fixture.message === undefined) !== (fixture.error === undefined), name);
  }
  assertEquals(new Set(cases.map(({ fixture }) => fixture.about)).size, cases.length);
});

Deno.test("translateResponse never shows a page that came in place of a completion", () => {
  const page = "<html><body>secret-host 10.0.0.7</body></html>";
  const error = assertThrows(() => translateResponse(page, createTranslator()), ApiError);
  assertEquals(error.message.includes("10.0.0.7"), false);
});

Deno.test("translateResponse keeps __proto__ in tool input as data", () => {
  const call = { id: "call_a", function: { name: "Go", arguments: '{"__proto__":{"x":1}}' } };
  const completion = { choices: [{ message: { tool_calls: [call] }, finish_reason: "stop" }] };
  const [block] = translateResponse(completion, createTranslator()).content;
  assert(block?.type === "tool_use");
  assertEquals(JSON.stringify(block.input), '{"__proto__":{"x":1}}');
  assertEquals(Object.getPrototypeOf({}).x, undefined);
});

Deno.test("collectMessage refuses events without a head", () => {
  assertThrows(() => collectMessage([{ type: "message_stop" }]), ApiError);
});

function check({ message, error }: ResponseFixture, answer: () => Message): void {
  if (error === undefined) {
    assertEquals<Message | undefined>(answer(), message);
    return;
  }
  const thrown = assertThrows(answer);
  assertInstanceOf(thrown, ApiError);
  const words = error.message === undefined ? {} : { message: thrown.message };
  assertEquals<ExpectedError>({ type: thrown.type, status: thrown.status, ...words }, error);
}

/** The completion as a chunk: `delta` in place of `message`. Null for what no stream can bring as a chunk. */
function toChunk(completion: unknown): Record<string, unknown> | null {
  if (!isJsonObject(completion)) return null;
  const { choices } = completion;
  if (!Array.isArray(choices)) return { ...completion };
  const renamed = choices.map((choice: unknown) => {
    if (!isJsonObject(choice)) return choice;
    const { message, ...rest } = choice;
    return { ...rest, delta: message };
  });
  return { ...completion, choices: renamed };
}
