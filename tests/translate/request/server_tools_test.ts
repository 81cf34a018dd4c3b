/** The tools that OpenRouter runs: lib/translate/request/server_tools.ts. @module */

import { assertEquals } from "@std/assert";
import { translateServerTools } from "../../../lib/translate/request/server_tools.ts";

Deno.test("translateServerTools sends the tools in a fixed order, without empty parameters", () => {
  const resolve = (name: string) => `a/${name}`;
  const list = (tools: Parameters<typeof translateServerTools>[0]) =>
    JSON.parse(JSON.stringify(translateServerTools(tools, resolve)));
  assertEquals(list({}), []);
  assertEquals(list({ advisor: {}, web_fetch: {}, web_search: {} }), [
    { type: "openrouter:web_search" },
    { type: "openrouter:web_fetch" },
    { type: "openrouter:advisor", parameters: { forward_transcript: true } },
  ]);
  const user_location = { type: "approximate" as const, city: "Rome" };
  assertEquals(
    list({
      web_search: { max_uses: 1, allowed_domains: ["a"], blocked_domains: ["b"], user_location },
      web_fetch: {
        max_uses: 2,
        allowed_domains: ["c"],
        blocked_domains: ["d"],
        max_content_tokens: 3,
      },
      advisor: { model: "opus", max_tokens: 4 },
    }),
    [
      {
        type: "openrouter:web_search",
        parameters: { max_uses: 1, allowed_domains: ["a"], excluded_domains: ["b"], user_location },
      },
      {
        type: "openrouter:web_fetch",
        parameters: {
          max_uses: 2,
          allowed_domains: ["c"],
          blocked_domains: ["d"],
          max_content_tokens: 3,
        },
      },
      {
        type: "openrouter:advisor",
        parameters: { model: "a/opus", forward_transcript: true, max_completion_tokens: 4 },
      },
    ],
  );
});
