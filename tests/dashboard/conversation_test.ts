/** Conversations as the page shows them. */

import { assertEquals } from "@std/assert";
import { nameCalls, readConversation, readTurn } from "../../lib/dashboard/conversation.ts";

const IMAGE = { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBOR" } };

function readBlocks(content: unknown) {
  return readTurn({ role: "user", content }).blocks;
}

Deno.test("a conversation has its system prompt, tools, and turns of blocks", () => {
  const conversation = readConversation({
    system: [{ type: "text", text: "Be brief" }],
    tools: [{ name: "read", input_schema: {} }, { type: "web_search_20250305" }, 5],
    messages: [
      { role: "user", content: "Hi" },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "Hm", signature: "x" },
          { type: "tool_use", id: "c", name: "read", input: { path: "a" } },
        ],
      },
      {
        role: "user",
        content: [{ type: "tool_result", tool_use_id: "c", is_error: true, content: "No" }],
      },
    ],
  });
  assertEquals(conversation?.system, [{ type: "text", text: "Be brief" }]);
  assertEquals(conversation?.tools.map(({ name }) => name), [
    "read",
    "web_search_20250305",
    "unknown",
  ]);
  assertEquals(conversation?.turns, [
    { role: "user", blocks: [{ type: "text", text: "Hi" }] },
    {
      role: "assistant",
      blocks: [
        { type: "thinking", text: "Hm" },
        { type: "call", id: "c", name: "read", input: { path: "a" } },
      ],
    },
    {
      role: "user",
      blocks: [{ type: "result", id: "c", isError: true, blocks: [{ type: "text", text: "No" }] }],
    },
  ]);
  assertEquals(nameCalls(conversation?.turns ?? []).get("c"), "read");
});

Deno.test("an image is drawn only from base64 of a raster format", () => {
  assertEquals(readBlocks([IMAGE]), [{ type: "image", url: "data:image/png;base64,iVBOR" }]);
  const sources = [
    { type: "url", url: "https://example.com/a.png" },
    { type: "base64", media_type: "image/svg+xml", data: "PHN2Zz4=" },
    { type: "base64", media_type: 'image/png"', data: "iVBOR" },
    { type: "base64", media_type: "image/png", data: 'iV" onload="x' },
    { type: "base64", media_type: "image/png" },
    null,
  ];
  for (const source of sources) {
    assertEquals(readBlocks([{ type: "image", source }])[0]?.type, "other");
  }
});

Deno.test("anything else is shown as JSON, and results inside results are limited", () => {
  for (const block of [null, 5, "text", [], {}, { type: 7 }, { type: "hologram" }]) {
    assertEquals(readBlocks([block]), [{
      type: "other",
      name: (block as { type?: unknown })?.type === "hologram" ? "hologram" : "block",
      value: block,
    }]);
  }
  let nested: unknown = "deep";
  for (let i = 0; i < 1000; i++) nested = [{ type: "tool_result", content: nested }];
  assertEquals(JSON.stringify(readBlocks(nested)).includes('"other"'), true);
  for (const body of [null, [], {}, { messages: 5 }]) assertEquals(readConversation(body), null);
  assertEquals(readConversation({ messages: [null, 5, {}] })?.turns.length, 3);
});
