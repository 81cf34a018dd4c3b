/**
 * Request bodies, Anthropic's error messages, and a check that a body is rejected. As in Anthropic's API, a path
 * includes the tag of a union (`content.0.tool_use.id`, `tools.0.custom.name`, `thinking.enabled.budget_tokens`).
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import { parseMessagesRequest } from "../../lib/anthropic/parse_request.ts";
import { ApiError } from "../../lib/errors.ts";

export type Keys = Record<string, unknown>;
export type Bad = [name: string, body: unknown, message: string];

export const hello = { role: "user", content: "Hello" };
export const good = { model: "claude-sonnet-4-5", max_tokens: 1024, messages: [hello] };
export const schema = { type: "object", properties: {} };
export const source = { type: "base64", media_type: "image/png", data: "iVBO" };
export const result = { type: "tool_result", tool_use_id: "toolu_1" };
export const call = { type: "tool_use", id: "toolu_1", name: "Bash", input: {} };

export const body = (keys: Keys) => ({ ...good, ...keys });
export const turn = (message: unknown) => body({ messages: [message] });
export const user = (...content: unknown[]) => turn({ role: "user", content });
export const assistant = (...content: unknown[]) => turn({ role: "assistant", content });
export const tool = (keys: Keys) =>
  body({ tools: [{ name: "Bash", input_schema: schema, ...keys }] });
export const image = (keys: Keys) => user({ type: "image", source: { ...source, ...keys } });
/** Omits a key: JSON.stringify drops undefined. */
export const without = (object: Keys, key: string) => ({ ...object, [key]: undefined });

export const BLOCK = "messages.0.content.0";
export const REQUIRED = "Field required";
export const STRING = "Input should be a valid string";
export const BOOLEAN = "Input should be a valid boolean";
export const INTEGER = "Input should be a valid integer";
export const LIST = "Input should be a valid list";
export const OBJECT = "Input should be a valid dictionary";
export const NOT_EMPTY = "String should have at least 1 character";
export const NO_CONTENT = "messages.0: user messages must have non-empty content";
export const MEDIA_TYPES = "Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'";

export function tag(found: string, ...expected: string[]): string {
  const tags = expected.map((one) => `'${one}'`).join(", ");
  return `Input tag '${found}' found using 'type' does not match any of the expected tags: ${tags}`;
}

/** One test per row: rejected with this message, which does not make Claude Code drop messages or thinking. */
export function testRefusals(rows: readonly Bad[]): void {
  for (const [name, bad, message] of rows) {
    Deno.test(`parseMessagesRequest refuses ${name}`, () => {
      const error = refuse(bad);
      assertEquals(error.message, message);
      assertEquals(error.details, undefined);
      assertEquals(TRIGGERS.filter((trigger) => trigger.test(error.message)), []);
    });
  }
}

/** On a 400 with these, Claude Code 2.1.330 retries without system messages or without thinking. */
const TRIGGERS = [
  /role .{0,2}system[^]*not supported/i,
  /signature in thinking block|adaptive thinking is not supported/i,
  /thinking\.type[^a-z]{1,8}(enabled|adaptive)[^]*?not supported/i,
];

/** The error of an invalid body. @throws {AssertionError} if the body is valid */
export function refuse(bad: unknown): ApiError {
  const error = assertThrows(() => parseMessagesRequest(bad), ApiError);
  assertEquals([error.type, error.status], ["invalid_request_error", 400]);
  return error;
}
