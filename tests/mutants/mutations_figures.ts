/**
 * Mutations of the figures: what is counted, what is kept, and for how long.
 * @module
 */

import type { Area, TestSet } from "./mutation.ts";

const FIGURES_TESTS: TestSet = { files: ["figures_test.ts", "inspect_test.ts"] };

export const FIGURES_AREAS: readonly Area[] = [
  {
    file: "lib/figures/figures.ts",
    tests: FIGURES_TESTS,
    mutations: [
      {
        breaks: "requests that have ended are still under way",
        find: "if (!this.#inFlight.delete(journey)) return null;",
        replace: "if (!this.#inFlight.has(journey)) return null;",
      },
      {
        breaks: "what was refused at the door is counted",
        find: "if (!this.#inFlight.delete(journey)) return null;",
        replace: "this.#inFlight.delete(journey);",
      },
      {
        breaks: "ended requests are kept for ever",
        find: "if (this.#finished.length > MAX_FINISHED) this.#finished.shift();",
        replace: "",
      },
      {
        breaks: "a page that asks again gets the last request again",
        find: "number > after",
        replace: "number >= after",
      },
      {
        breaks: "yesterday's cost is today's",
        find: "this.#today.day === this.#readDay() ? this.#today.costUsd : 0",
        replace: "this.#today.costUsd",
      },
      {
        breaks: "a new day goes on from yesterday's cost",
        find: "if (this.#today.day !== day) this.#today = { day, costUsd: 0 };",
        replace: "this.#today.day = day;",
      },
      {
        breaks: "the day's limit must be exceeded",
        find: "this.costToday >= maxCostUsd",
        replace: "this.costToday > maxCostUsd",
      },
      {
        breaks: "bodies are kept though nobody asked for it",
        find: "if (this.#options.inspects) journey.inspect",
        replace: "journey.inspect",
      },
      {
        breaks: "cache writes are free",
        find: "saved - writtenTokens * (writePrice - promptPrice)",
        replace: "saved",
      },
      {
        breaks: "an unknown read price is taken for nothing",
        find: "cachedTokens === 0 ? 0 : cacheReadPrice",
        replace: "cacheReadPrice ?? 0",
      },
      {
        breaks: "an unknown write price is taken for nothing",
        find: "writtenTokens === 0 ? 0 : cacheWritePrice",
        replace: "cacheWritePrice ?? 0",
      },
      {
        breaks: "a write price is needed where nothing was written",
        find: "writtenTokens === 0 ? 0 : cacheWritePrice",
        replace: "cacheWritePrice",
      },
      {
        breaks: "a model under another name has no price",
        find: '?? findPrices(asked ?? "")',
        replace: "",
      },
    ],
  },
  {
    file: "lib/figures/sums.ts",
    tests: FIGURES_TESTS,
    mutations: [
      {
        breaks: "a failed request has an unknown cost",
        find: "else if (record.status < 400) sums.unpriced++;",
        replace: "else sums.unpriced++;",
      },
      {
        breaks: "what cannot be a cost is one",
        find: "costUsd >= 0 && costUsd < Infinity ? costUsd",
        replace: "costUsd < Infinity ? costUsd",
      },
      {
        breaks: "old buckets stay",
        find: "this.#buckets.filter((bucket) => bucket.time > oldest)",
        replace: "this.#buckets",
      },
      {
        breaks: "names that clients make up fill the memory",
        find: "isFull ? Ledger.OTHERS : name",
        replace: "name",
      },
      {
        breaks: "a full ledger knows no name",
        find: " && !this.#entries.has(name)",
        replace: "",
      },
    ],
  },
  {
    file: "lib/figures/journey.ts",
    tests: FIGURES_TESTS,
    mutations: [
      {
        breaks: "secrets are kept",
        find: "return this.#options.redact(item).slice(0, MAX_CHARS);",
        replace: "return item.slice(0, MAX_CHARS);",
      },
      {
        breaks: "half a secret is kept",
        find: "this.#options.redact(item).slice(0, MAX_CHARS)",
        replace: "this.#options.redact(item.slice(0, MAX_CHARS))",
      },
      {
        breaks: "texts have no bound",
        find: ".redact(item).slice(0, MAX_CHARS)",
        replace: ".redact(item)",
      },
      {
        breaks: "lists have no bound",
        find: "item.slice(0, MAX_ITEMS) : item",
        replace: "item : item",
      },
      {
        breaks: "what is no number is a null that counts as free",
        find: 'if (typeof item === "number" && !Number.isFinite(item)) return undefined;',
        replace: "",
      },
    ],
  },
  {
    file: "lib/figures/inspection.ts",
    tests: { files: ["inspect_test.ts"] },
    mutations: [
      {
        breaks: "a body has no bound",
        find: "bytes.subarray(0, room)",
        replace: "bytes",
      },
      {
        breaks: "bodies together have no bound",
        find: "this.#bytes > MAX_BYTES",
        replace: "false",
      },
      {
        breaks: "requests have no bound",
        find: "if (this.#kept.size > MAX_REQUESTS) this.#forgetOldest();",
        replace: "",
      },
      {
        breaks: "keys can be read",
        find: "this.#redact(new TextDecoder().decode(bytes))",
        replace: "new TextDecoder().decode(bytes)",
      },
      {
        breaks: "a key at the cut is shown in half",
        find: "clean.slice(0, -SLACK_BYTES)",
        replace: "clean",
      },
      {
        breaks: "a second question stands behind the first",
        find: "    this.#clear(place);\n    this.#append(place, encoder",
        replace: "    this.#append(place, encoder",
      },
      {
        breaks: "a request that is forgotten goes on to take memory",
        find: "if (this.#isForgotten) return;",
        replace: "",
      },
      {
        breaks: "what is forgotten still counts",
        find: "this.#bytes -= inspection.size;",
        replace: "",
      },
      {
        breaks: "an answer stands behind an earlier one",
        find: "    this.#clear(place);\n    return body",
        replace: "    return body",
      },
      {
        breaks: "what is kept does not pass",
        find: "          controller.enqueue(chunk);\n",
        replace: "",
      },
    ],
  },
  {
    file: "lib/routes/stats.ts",
    tests: FIGURES_TESTS,
    mutations: [
      {
        breaks: "anything is a number",
        find: "if (!/^\\d{1,15}$/.test(after)) {",
        replace: "if (false) {",
      },
      {
        breaks: "browsers keep figures",
        find: '{ "cache-control": "no-store" }',
        replace: "{}",
      },
    ],
  },
  {
    file: "lib/translate/queue.ts",
    tests: FIGURES_TESTS,
    mutations: [
      {
        breaks: "no block is told of",
        find: "    this.#onBlock?.(block);\n",
        replace: "",
      },
    ],
  },
  {
    file: "lib/routes/info.ts",
    tests: { files: ["page_test.ts"], filter: "a browser gets the page" },
    mutations: [
      {
        breaks: "everybody gets the page",
        find: "if (isPerson) return",
        replace: "return",
      },
      {
        breaks: "the page runs what is written into it",
        find: '  "content-security-policy": POLICY,\n',
        replace: "",
      },
    ],
  },
];
