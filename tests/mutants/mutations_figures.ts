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
    file: "lib/figures/budget.ts",
    tests: { files: ["budget_test.ts", "budget_days_test.ts"] },
    mutations: [
      {
        breaks: "yesterday's cost is today's",
        find: "if (this.#today.day !== day) this.#today = startDay(day);",
        replace: "this.#today.day = day;",
      },
      {
        breaks: "the day's limit must be exceeded",
        find: "this.#countReserved() >= maxCostUsd",
        replace: "this.#countReserved() > maxCostUsd",
      },
      {
        breaks: "requests in flight have no part in the limit",
        find: "return costUsd + estimatedUsd + this.#countReserved() >=",
        replace: "return costUsd + estimatedUsd >=",
      },
      {
        breaks: "answers whose cost was not reported are free",
        find: "return costUsd + estimatedUsd + this.#countReserved() >=",
        replace: "return costUsd + this.#countReserved() >=",
      },
      {
        breaks: "what has ended stays reserved",
        find: "if (journey.reservation !== null) this.#underWay.delete(journey.reservation);",
        replace: "",
      },
      {
        breaks: "a thousand requests at once are expected to be short",
        find: "this.#underWay.size < MAX_BY_MEAN",
        replace: "true",
      },
      {
        breaks: "a long answer counts as a short one while it is under way",
        find: "Math.max(expectedUsd, soFarUsd)",
        replace: "expectedUsd",
      },
      {
        breaks: "a refusal costs what was expected",
        find: "if (isRefused || (",
        replace: "if ((",
      },
      {
        breaks: "an answer that failed before its first word is charged",
        find: " || (hasFailed(record.end) && output === 0 && !isInputKnown)",
        replace: "",
      },
      {
        breaks: "a plain request given up is free",
        find: 'if (!sent.isStream && record.end !== "complete") output',
        replace: "if (false) output",
      },
      {
        breaks: "a report in the middle of an answer is the last word",
        find: "if (reported !== undefined && isComplete)",
        replace: "if (reported !== undefined)",
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
        find: "this.#buckets.filter((one) => one.time > oldest && one.time <= time)",
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
        find: "text.slice(0, room)",
        replace: "text",
      },
      {
        breaks: "bodies together have no bound",
        find: "this.#countChars() > MAX_CHARS",
        replace: "false",
      },
      {
        breaks: "requests have no bound",
        find: "if (this.#kept.size > MAX_REQUESTS) this.#forgetOldest();",
        replace: "",
      },
      {
        breaks: "keys can be read",
        find: "const clean = this.#redact(text);",
        replace: "const clean = text;",
      },
      {
        breaks: "a key at the cut is shown in half",
        find: "MAX_BODY_CHARS + SLACK_CHARS - ",
        replace: "MAX_BODY_CHARS - ",
      },
      {
        breaks: "a second question stands behind the first",
        find: '  keep(place: keyof Bodies, value: unknown): void {\n    this.#bodies[place] = "";',
        replace: "  keep(place: keyof Bodies, value: unknown): void {",
      },
      {
        breaks: "an answer stands behind an earlier one",
        find: '    this.#bodies[place] = "";\n    const decoder',
        replace: "    const decoder",
      },
      {
        breaks: "letters that two reads share are broken",
        find: "{ stream: true }",
        replace: "{ stream: false }",
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
