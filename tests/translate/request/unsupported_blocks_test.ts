/** Tests requests with blocks that cannot be sent: lib/translate/request/messages.ts. @module */

import { assertEquals, assertThrows } from "@std/assert";
import { parseMessagesRequest } from "../../../lib/anthropic/parse_request.ts";
import { ApiError } from "../../../lib/errors.ts";
import { translateRequest } from "../../../lib/translate/request/request.ts";

function translate(messages: unknown[]) {
  const request = parseMessagesRequest({ model: "claude-x", max_tokens: 10, messages });
  return translateRequest(request, { models: ["anthropic/claude-sonnet-4"] });
}

Deno.test("translateRequest rejects messages without any supported content", () => {
  const content = [{ type: "web_search_tool_result" }];
  const error = assertThrows(() => translate([{ role: "user", content }]), ApiError);
  assertEquals(error.message, "messages: at least one message must have content");
});

Deno.test("translateRequest reports an unsupported block in a tool result as dropped", () => {
  const { dropped } = translate([
    { role: "assistant", content: [{ type: "tool_use", id: "t", name: "Read", input: {} }] },
    {
      role: "user",
      content: [{
        type: "tool_result",
        tool_use_id: "t",
        content: [{ type: "web_search_tool_result" }],
      }],
    },
  ]);
  assertEquals(dropped, ["web_search_tool_result"]);
});
