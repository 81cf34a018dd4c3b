// context_management: cleared thinking and the report of applied edits.

import { assertEquals } from "@std/assert";
import { replyWith } from "../helpers/replies.ts";
import { sendOne } from "../helpers/upstream_body.ts";

const THOUGHT = { type: "thinking", thinking: "a thought of 23 letters", signature: "c2ln" };

Deno.test("POST /v1/messages reports applied edits if the request has context_management", async () => {
  const messages = [
    { role: "user", content: "One" },
    { role: "assistant", content: [THOUGHT, { type: "text", text: "1" }] },
    { role: "user", content: "Two" },
    { role: "assistant", content: [THOUGHT, { type: "text", text: "2" }] },
    { role: "user", content: "Three" },
  ];
  const edits = [{ type: "clear_thinking_20251015" }];
  const { message } = await sendOne({ messages, context_management: { edits } }, replyWith({}));
  assertEquals(message.context_management, {
    applied_edits: [{
      type: "clear_thinking_20251015",
      cleared_thinking_turns: 1,
      cleared_input_tokens: 6,
    }],
  });
  const { message: other } = await sendOne({ messages }, replyWith({}));
  assertEquals("context_management" in other, false);
});
