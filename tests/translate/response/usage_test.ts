/** Tests lib/translate/response/usage.ts. @module */

import { assertEquals } from "@std/assert";
import { estimateUsage, translateUsage } from "../../../lib/translate/response/usage.ts";
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
