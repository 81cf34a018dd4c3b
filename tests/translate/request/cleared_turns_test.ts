/** Tests which turns keep their thinking: lib/translate/request/clear_thinking.ts. @module */

import { assertEquals } from "@std/assert";
import { parseMessagesRequest } from "../../../lib/anthropic/parse_request.ts";
import type { MessageParam } from "../../../lib/anthropic/types.ts";
import { clearThinking } from "../../../lib/translate/request/clear_thinking.ts";
import { translateRequest } from "../../../lib/translate/request/request.ts";
import { requestBody } from "../../helpers/proxy.ts";

type Keys = Record<string, unknown>;

Deno.test("translateRequest reports applied edits if the request has context_management", () => {
  const translate = (keys: Keys) =>
    translateRequest(parseMessagesRequest(requestBody(keys)), { models: ["a/b"] }).response
      .contextManagement;
  assertEquals(translate({}), undefined);
  assertEquals(translate({ context_management: {} }), { applied_edits: [] });
});

/** Messages as letters: `u` user, `r` tool result, `a` assistant, `t` with thinking, `e` with encrypted thinking. */
function buildMessages(turns: string): MessageParam[] {
  return [...turns].map((turn): MessageParam => {
    const text = { type: "text", text: "x" } as const;
    const thinking = { type: "thinking", thinking: "12345678", signature: "s" } as const;
    if (turn === "u") return { role: "user", content: [text] };
    if (turn === "r") return { role: "user", content: [{ type: "tool_result", tool_use_id: "c" }] };
    if (turn === "t") return { role: "assistant", content: [thinking, text] };
    if (turn === "e") {
      return { role: "assistant", content: [{ type: "redacted_thinking", data: "d" }, text] };
    }
    return { role: "assistant", content: [text] };
  });
}

/** Messages back to the same letters. */
function toLetters(messages: readonly MessageParam[]): string {
  return messages.map(({ role, content }) => {
    const [first] = content;
    if (role === "user") return first?.type === "tool_result" ? "r" : "u";
    if (first?.type === "thinking") return "t";
    return first?.type === "redacted_thinking" ? "e" : "a";
  }).join("");
}

/** Messages and turns to keep → remaining messages, cleared turns and tokens. */
const CLEARED: [turns: string, keep: number, remaining: string, cleared: number, tokens: number][] =
  [
    ["utu", 1, "utu", 0, 0],
    ["ututu", 1, "uautu", 1, 2],
    ["ututu", 2, "ututu", 0, 0],
    ["utututu", 1, "uauautu", 2, 4],
    ["utrtrtutu", 1, "uararautu", 1, 6],
    ["utrtrtu", 1, "utrtrtu", 0, 0],
    ["utuautu", 1, "uauautu", 1, 2],
    ["utuauau", 1, "utuauau", 0, 0],
    ["ueutu", 1, "uautu", 1, 0],
    ["tutu", 1, "autu", 1, 2],
    ["tu", 1, "tu", 0, 0],
    ["u", 1, "u", 0, 0],
  ];

for (const [turns, keep, remaining, cleared, tokens] of CLEARED) {
  Deno.test(`clearThinking turns ${turns} into ${remaining} if ${keep} is kept`, () => {
    const { messages, context } = clearThinking(buildMessages(turns), keep);
    assertEquals(toLetters(messages), remaining);
    const edit = {
      type: "clear_thinking_20251015" as const,
      cleared_thinking_turns: cleared,
      cleared_input_tokens: tokens,
    };
    assertEquals(context, { applied_edits: cleared === 0 ? [] : [edit] });
  });
}
