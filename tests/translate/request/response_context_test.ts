/** The response context of a translated request. */

import { assertEquals } from "@std/assert";
import { parseMessagesRequest } from "../../../lib/anthropic/parse_request.ts";
import { translateRequest } from "../../../lib/translate/request/request.ts";
import type { ResponseContext } from "../../../lib/translate/request/response_context.ts";

const CALL = { type: "tool_use", id: "toolu_1", name: "read", input: {} };

const CASES: [about: string, request: object, expected: Partial<ResponseContext>][] = [
  ["defaults", {}, {
    model: "claude-x",
    target: "a/b",
    hidesThinking: false,
    takenCallIds: [],
    stopSequences: [],
    visibleTokens: undefined,
    reportsSafeguards: false,
    cacheTtl: "5m",
    searchesWeb: false,
    contextManagement: undefined,
    isStream: false,
    isPrefillOnly: false,
  }],
  ["a stream", { stream: true }, { isStream: true }],
  ["no output", { max_tokens: 0 }, { isPrefillOnly: true }],
  ["stop sequences", { stop_sequences: ["END"] }, { stopSequences: ["END"] }],
  ["hidden thinking", { thinking: { type: "adaptive", display: "omitted" } }, {
    hidesThinking: true,
  }],
  ["web search", { tools: [{ type: "web_search_20250305", name: "web_search" }] }, {
    searchesWeb: true,
  }],
  ["the lifetime of cache writes", { cache_control: { type: "ephemeral", ttl: "1h" } }, {
    cacheTtl: "1h",
  }],
  ["context management", { context_management: { edits: [] } }, {
    contextManagement: { applied_edits: [] },
  }],
  ["the IDs of earlier calls", {
    messages: [
      { role: "user", content: "Hello" },
      { role: "assistant", content: [CALL] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: CALL.id }] },
    ],
  }, { takenCallIds: ["toolu_1"] }],
];

for (const [about, fields, expected] of CASES) {
  Deno.test(`translateRequest returns the response context: ${about}`, () => {
    const request = parseMessagesRequest({
      model: "claude-x",
      max_tokens: 100,
      messages: [{ role: "user", content: "Hello" }],
      ...fields,
    });
    const { response, names } = translateRequest(request, { models: ["a/b", "c/d"] });
    for (const [key, value] of Object.entries(expected)) {
      assertEquals(Object.entries(response).find(([name]) => name === key)?.[1], value, key);
    }
    assertEquals(response.names, names);
  });
}
