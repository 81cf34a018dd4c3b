// Limits of the texts and lists of a request: above them it is rejected before it takes time.

import { assert, assertEquals } from "@std/assert";
import { parseMessagesRequest } from "../../lib/anthropic/parse_request.ts";
import {
  assistant,
  BLOCK,
  body,
  call,
  hello,
  OBJECT,
  refuse,
  result,
  tool,
  user,
} from "../helpers/invalid_requests.ts";

/** Requests at a limit; one more is rejected. */
const LIMITS: [about: string, limit: number, build: (size: number) => unknown, error: string][] = [
  ["model", 256, (size) => body({ model: "m".repeat(size) }), "model: String"],
  [
    "fallbacks.model",
    256,
    (size) => body({ fallbacks: [{ model: "m".repeat(size) }] }),
    "fallbacks.0.model: String",
  ],
  [
    "metadata.user_id",
    4096,
    (size) => body({ metadata: { user_id: "u".repeat(size) } }),
    "metadata.user_id: String",
  ],
  [
    "tools.name",
    256,
    (size) => tool({ name: "n".repeat(size) }),
    "tools.0.custom.name: String",
  ],
  [
    "stop_sequences, each",
    1000,
    (size) => body({ stop_sequences: ["s".repeat(size)] }),
    "stop_sequences.0: String",
  ],
  [
    "stop_sequences",
    100,
    (size) => body({ stop_sequences: Array(size).fill("s") }),
    "stop_sequences: List",
  ],
  [
    "fallbacks",
    100,
    (size) => body({ fallbacks: Array(size).fill({ model: "m" }) }),
    "fallbacks: List",
  ],
  [
    "safeguards",
    100,
    (size) => body({ safeguards: Array(size).fill({ type: "dangerous_tool_use" }) }),
    "safeguards: List",
  ],
  [
    "context_management.edits",
    100,
    (size) => body({ context_management: { edits: Array(size).fill({ type: "t" }) } }),
    "context_management.edits: List",
  ],
  [
    "tools",
    10_000,
    (size) => body({ tools: Array(size).fill({ type: "computer_20250124" }) }),
    "tools: List",
  ],
  [
    "tool_use.id",
    4096,
    (size) => assistant({ ...call, id: "i".repeat(size) }),
    `${BLOCK}.tool_use.id: String`,
  ],
  [
    "tool_use.name",
    4096,
    (size) => assistant({ ...call, name: "n".repeat(size) }),
    `${BLOCK}.tool_use.name: String`,
  ],
  [
    "tool_result.tool_use_id",
    4096,
    (size) => user({ ...result, tool_use_id: "i".repeat(size) }),
    `${BLOCK}.tool_result.tool_use_id: String`,
  ],
  ["messages", 100_000, (size) => body({ messages: Array(size).fill(hello) }), "messages: List"],
  [
    "blocks",
    100_000,
    (size) => user(...Array(size).fill({ type: "text", text: "a" })),
    "messages.0.content: List",
  ],
];

for (const [about, limit, build, error] of LIMITS) {
  Deno.test(`parseMessagesRequest takes at most ${limit} of ${about}`, () => {
    parseMessagesRequest(build(limit));
    const unit = error.endsWith("String")
      ? "characters"
      : `items after validation, not ${limit + 1}`;
    assertEquals(refuse(build(limit + 1)).message, `${error} should have at most ${limit} ${unit}`);
  });
}

Deno.test("parseMessagesRequest takes at most 200,000 items in all lists of a request, nested or not", () => {
  const blocks = (count: number) => Array(count).fill({ type: "text", text: "a" });
  const turns = (last: number) =>
    body({
      messages: [
        { role: "user", content: blocks(99_998) },
        { role: "user", content: blocks(99_998) },
        { role: "user", content: [{ ...result, content: blocks(last) }] },
      ],
    });
  parseMessagesRequest(turns(0));
  assertEquals(
    refuse(turns(1)).message,
    "messages.2.content.0.tool_result.content: " +
      "Lists should have at most 200000 items in the whole request",
  );
});

Deno.test("parseMessagesRequest refuses a list that is too long before it parses the items", () => {
  const started = performance.now();
  const error = refuse(body({ messages: Array(16_000_000).fill(1) }));
  assertEquals(
    error.message,
    "messages: List should have at most 100000 items after validation, not 16000000",
  );
  assertEquals(refuse(body({ messages: [1, 1] })).message, `messages.0: ${OBJECT}`);
  // Takes some milliseconds; creating a field for each item takes seconds.
  assert(performance.now() - started < 2000);
});

Deno.test("parseMessagesRequest does not repeat a long type in its error", () => {
  const { message } = refuse(body({ thinking: { type: "t".repeat(1_000_000) } }));
  assert(message.length < 500, `${message.length}`);
});
