/** Tests lib/translate/response/usage.ts. @module */

import { assertEquals } from "@std/assert";
import {
  countSearches,
  estimateUsage,
  readName,
  translateTier,
  translateUsage,
} from "../../../lib/translate/response/usage.ts";
import { translateChunks } from "../../helpers/translator.ts";

/** Prompt, cached, written → input, read, created. */
const CACHES: readonly (readonly [number, number, number, number, number, number])[] = [
  [100, 0, 0, 100, 0, 0],
  [100, 60, 30, 10, 60, 30],
  [100, 60, 40, 0, 60, 40],
  [9128, 0, 9116, 12, 0, 9116],
  [15, 14, 0, 1, 14, 0],
  [10, 64, 0, 0, 64, 0],
  [120, 120, 100, 0, 20, 100],
  [100, 60, 60, 40, 0, 60],
  [100, 10, 95, 5, 0, 95],
  [0, 0, 0, 0, 0, 0],
];

for (const [prompt, cached, written, input, read, created] of CACHES) {
  Deno.test(`of ${prompt} prompt tokens, ${cached} cached and ${written} written, ${input} are input`, () => {
    const usage = translateUsage({
      prompt_tokens: prompt,
      completion_tokens: 7,
      prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
    });
    assertEquals(usage, {
      input_tokens: input,
      output_tokens: 7,
      cache_creation_input_tokens: created,
      cache_read_input_tokens: read,
      ...(created > 0 && {
        cache_creation: { ephemeral_5m_input_tokens: created, ephemeral_1h_input_tokens: 0 },
      }),
    });
  });
}

Deno.test("translateUsage reports cache writes by their TTL", () => {
  const usage = { prompt_tokens: 100, prompt_tokens_details: { cache_write_tokens: 30 } };
  assertEquals(translateUsage(usage, "1h").cache_creation, {
    ephemeral_5m_input_tokens: 0,
    ephemeral_1h_input_tokens: 30,
  });
});

Deno.test("translateUsage returns integers of at least 0, whatever upstream sent", () => {
  const odd = '{"prompt_tokens":"12","completion_tokens":1e999,"prompt_tokens_details":' +
    '{"cached_tokens":-4,"cache_write_tokens":"x"},"completion_tokens_details":{"reasoning_tokens":null}}';
  assertEquals(translateUsage(JSON.parse(odd)), {
    input_tokens: 12,
    output_tokens: 0,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
  });
});

Deno.test("translateUsage reports thinking tokens only if there are any", () => {
  const details = (reasoning: number) => {
    const usage = { completion_tokens_details: { reasoning_tokens: reasoning } };
    return translateUsage(usage).output_tokens_details;
  };
  assertEquals(details(9), { thinking_tokens: 9 });
  assertEquals(details(0), undefined);
});

Deno.test("estimateUsage never returns 0 tokens", () => {
  assertEquals(estimateUsage(0, 0).input_tokens, 1);
  assertEquals(estimateUsage(0, 0).output_tokens, 1);
});

for (const name of ["prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens"]) {
  Deno.test(`translateUsage reads cache hits from ${name}`, () => {
    const usage = { prompt_tokens: 100, completion_tokens: 5, [name]: 60 };
    const { input_tokens, cache_read_input_tokens } = translateUsage(usage);
    assertEquals([input_tokens, cache_read_input_tokens], [40, 60]);
    const both = { ...usage, prompt_tokens_details: { cached_tokens: 10 } };
    assertEquals(translateUsage(both).cache_read_input_tokens, 10);
  });
}

Deno.test("translateUsage reports the TTL of a single token written to the cache", () => {
  const usage = { prompt_tokens: 3, prompt_tokens_details: { cache_write_tokens: 1 } };
  assertEquals(translateUsage(usage, "1h").cache_creation, {
    ephemeral_5m_input_tokens: 0,
    ephemeral_1h_input_tokens: 1,
  });
  assertEquals(translateUsage({ prompt_tokens: 3 }, "1h").cache_creation, undefined);
});

Deno.test("StreamTranslator reports the last usage if there is more than one", () => {
  const { usage } = translateChunks(
    { choices: [{ delta: { content: "Hi" } }], usage: { prompt_tokens: 5, completion_tokens: 1 } },
    { choices: [{ delta: {}, finish_reason: "stop" }] },
    { choices: [], usage: { prompt_tokens: 5, completion_tokens: 9 } },
  );
  assertEquals(usage.output_tokens, 9);
});

Deno.test("translateUsage reads cache hits from the first field that is there, even if it is 0", () => {
  const details = (cached_tokens?: number | null) => ({ prompt_tokens_details: { cached_tokens } });
  const cases: [usage: Record<string, unknown>, read: number][] = [
    [{ ...details(0), prompt_cache_hit_tokens: 60 }, 0],
    [{ ...details(null), prompt_cache_hit_tokens: 60 }, 60],
    [{ ...details(), prompt_cache_hit_tokens: 60 }, 60],
    [{ prompt_tokens_details: null, prompt_cache_hit_tokens: 60 }, 60],
    [{ prompt_cache_hit_tokens: 0, num_cached_tokens: 60 }, 0],
    [{ prompt_cache_hit_tokens: null, num_cached_tokens: 60 }, 60],
    [{ num_cached_tokens: 0, cached_tokens: 60 }, 0],
    [{ num_cached_tokens: null, cached_tokens: 60 }, 60],
    [{ cached_tokens: null }, 0],
  ];
  for (const [usage, read] of cases) {
    const all = JSON.parse(JSON.stringify({ prompt_tokens: 100, ...usage }));
    assertEquals(translateUsage(all).cache_read_input_tokens, read, JSON.stringify(usage));
  }
});

Deno.test("translateUsage reports a single thinking token, and a single search", () => {
  const usage = {
    completion_tokens_details: { reasoning_tokens: 1 },
    server_tool_use: { web_search_requests: 1 },
  };
  const { output_tokens_details, server_tool_use } = translateUsage(usage);
  assertEquals(output_tokens_details, { thinking_tokens: 1 });
  assertEquals(server_tool_use, { web_search_requests: 1, web_fetch_requests: 0 });
});

Deno.test("translateUsage rounds counts, and reads them from strings", () => {
  const outputs = [1.4, 1.5, "7", "7.6", -1, 0.4, NaN, Infinity, "", [], null, undefined];
  const counted = outputs.map((completion_tokens) => {
    const usage: Record<string, unknown> = { completion_tokens };
    return translateUsage(usage).output_tokens;
  });
  assertEquals(counted, [1, 2, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0]);
});

Deno.test("translateUsage reports web searches only if there are any", () => {
  const report = (usage: Record<string, unknown>) => translateUsage(usage).server_tool_use;
  const searches = (web_search_requests: number) => ({
    web_search_requests,
    web_fetch_requests: 0,
  });
  assertEquals(report({ server_tool_use: { web_search_requests: 2 } }), searches(2));
  assertEquals(report({ server_tool_use_details: { web_search_requests: 1 } }), searches(1));
  assertEquals(report({ server_tool_use: { web_search_requests: 0 } }), undefined);
  assertEquals(report({}), undefined);
});

Deno.test("countSearches prefers server_tool_use_details", () => {
  const server_tool_use = { web_search_requests: 2 };
  assertEquals(countSearches(null), 0);
  assertEquals(countSearches({}), 0);
  assertEquals(countSearches({ server_tool_use }), 2);
  const details = { web_search_requests: 5 };
  assertEquals(countSearches({ server_tool_use_details: details, server_tool_use }), 5);
  assertEquals(countSearches({ server_tool_use_details: {}, server_tool_use }), 0);
});

Deno.test("translateTier translates the tiers that Anthropic has", () => {
  const tiers = ["default", "priority", "fast", "flex", "", null, undefined, 7];
  const priority = "priority" as const;
  const none = undefined;
  assertEquals(tiers.map(translateTier), [
    ...["standard" as const, priority, priority],
    ...[none, none, none, none, none],
  ]);
});

Deno.test("readName returns at most 256 characters of a name, and nothing for other values", () => {
  assertEquals(["a/b", "", null, 7, undefined].map(readName), ["a/b", "", "", "", ""]);
  assertEquals([255, 256, 257].map((length) => readName("x".repeat(length)).length), [
    255,
    256,
    256,
  ]);
});

Deno.test("estimateUsage keeps the estimates, without cached tokens", () => {
  assertEquals(estimateUsage(12, 34), {
    input_tokens: 12,
    output_tokens: 34,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
  });
});
