/** The session id that keeps a conversation on one provider, and the user id it may come from. @module */

import { assertEquals } from "@std/assert";
import { parseMessagesRequest } from "../../../lib/anthropic/parse_request.ts";
import { translateRequest } from "../../../lib/translate/request/request.ts";

function translate(userId: string | undefined, sessionId?: string) {
  const { body } = translateRequest(
    parseMessagesRequest({
      model: "m",
      max_tokens: 10,
      messages: [{ role: "user", content: "Hi" }],
      metadata: { user_id: userId },
    }),
    { models: ["a/b"], sessionId },
  );
  return body;
}

const long = (length: number) => "s".repeat(length);

/** The client's user id → the session id. */
const USER_IDS: [about: string, userId: string | undefined, sessionId: string | undefined][] = [
  ["no user id", undefined, undefined],
  ["an empty user id", "", undefined],
  ["a plain user id", "user-1", "user-1"],
  ["a user id of 256 characters", long(256), long(256)],
  ["a user id of 257 characters", long(257), undefined],
  ["JSON", '{"device_id":"d","session_id":"abc"}', "abc"],
  ["JSON with spaces", '{"session_id" : "abc" }', "abc"],
  ["JSON with nine spaces", `"session_id"${" ".repeat(9)}:${" ".repeat(9)}"abc"`, "abc"],
  ["JSON with an empty session id", '{"session_id":""}', '{"session_id":""}'],
  ["JSON with a session id of 256 characters", `{"session_id":"${long(256)}"}`, long(256)],
  ["JSON with a session id of 257 characters", `{"session_id":"${long(257)}"}`, undefined],
  ["the suffix of an older Claude Code", "user_x_account__session_ab-C_1", "ab-C_1"],
  ["a suffix alone", "_session_abc", "abc"],
  ["two suffixes", "user_session_one_session_two", "two"],
  ["an empty suffix", "user_session_", "user_session_"],
  ["a suffix with other characters", "user_session_a b", "user_session_a b"],
  ["a suffix that begins with another character", "user_session_ a", "user_session_ a"],
  ["a suffix of 256 characters", `user_session_${long(256)}`, long(256)],
  ["a suffix of 257 characters", `user_session_${long(257)}`, undefined],
];

for (const [about, userId, sessionId] of USER_IDS) {
  Deno.test(`translateRequest takes the session id from ${about}`, () => {
    const body = translate(userId);
    assertEquals(body.session_id, sessionId);
    assertEquals(body.user, userId || undefined);
  });
}

Deno.test("translateRequest prefers the client's session id, unless it is empty or too long", () => {
  assertEquals(translate("user_session_abc", "own").session_id, "own");
  for (const sessionId of ["", long(257)]) {
    assertEquals(translate("user_session_abc", sessionId).session_id, "abc");
    assertEquals(translate(undefined, sessionId).session_id, undefined);
  }
});
