/** Token limits, efforts and budgets of thinking: lib/translate/request/reasoning_options.ts. @module */

import { assertEquals } from "@std/assert";
import type * as anthropic from "../../../lib/anthropic/types.ts";
import {
  planTokens,
  type ReasoningLimits,
  toEffort,
  translateThinking,
} from "../../../lib/translate/request/reasoning_options.ts";
import { ToolNames } from "../../../lib/translate/tool_names.ts";

type Request = Partial<Pick<anthropic.MessagesRequest, "thinking" | "effort" | "messages">>;

const ADAPTIVE: Request = { thinking: { type: "adaptive" } };
const DISABLED: Request = { thinking: { type: "disabled" } };
const budget = (budget_tokens: number): Request => ({
  thinking: { type: "enabled", budget_tokens },
});

Deno.test("planTokens sends the client's limit, at least 1 and at most the model's", () => {
  const plan = (max_tokens: number, maxOutputTokens?: number) =>
    planTokens({ max_tokens }, { maxOutputTokens }, 10);
  assertEquals(plan(100), { maxTokens: 100 });
  assertEquals([plan(0), plan(1), plan(2)], [{ maxTokens: 1 }, { maxTokens: 1 }, { maxTokens: 2 }]);
  assertEquals([plan(100, 100), plan(100, 99)], [{ maxTokens: 100 }, { maxTokens: 99 }]);
});

/** A request to a model with mandatory reasoning → the limit that is sent, and the client's part of it. */
const PLANS: [
  about: string,
  request: Request & { max_tokens: number },
  limits: Parameters<typeof planTokens>[1],
  maxTokens: number,
  visibleTokens?: number,
][] = [
  ["no thinking", { max_tokens: 64 }, {}, 2112, 64],
  ["no thinking and a large limit", { max_tokens: 5000 }, {}, 7048, 5000],
  ["disabled thinking", { ...DISABLED, max_tokens: 5000 }, {}, 7048, 5000],
  ["adaptive thinking", { ...ADAPTIVE, max_tokens: 4096 }, {}, 4096],
  ["adaptive thinking and a small limit", { ...ADAPTIVE, max_tokens: 4095 }, {}, 6143, 4095],
  ["a budget and a small limit", { ...budget(1024), max_tokens: 2000 }, {}, 4048, 2000],
  ["a budget and a large limit", { ...budget(1024), max_tokens: 8000 }, {}, 8000],
  ["max_tokens 0", { max_tokens: 0 }, {}, 1],
  ["max_tokens 1", { max_tokens: 1 }, {}, 2049, 1],
  ["the model's limit", { max_tokens: 64 }, { maxOutputTokens: 1000 }, 1000, 64],
  ["the model's limit, without more room", { max_tokens: 64 }, { maxOutputTokens: 64 }, 64],
  ["the context", { max_tokens: 64 }, { contextLength: 1010 }, 1000, 64],
  ["a context with one more token", { max_tokens: 64 }, { contextLength: 75 }, 65, 64],
  ["a full context", { max_tokens: 64 }, { contextLength: 74 }, 64],
  ["a context that is too short", { max_tokens: 64 }, { contextLength: 5 }, 64],
];

for (const [about, request, limits, maxTokens, visibleTokens] of PLANS) {
  Deno.test(`planTokens adds tokens for mandatory reasoning: ${about}`, () => {
    const planned = planTokens(request, { mandatory: true, ...limits }, 10);
    const visible = visibleTokens === undefined ? {} : { visibleTokens };
    assertEquals(planned, { maxTokens, ...visible });
    const free = planTokens(request, { mandatory: false, ...limits }, 10);
    const limit = limits.maxOutputTokens ?? Infinity;
    assertEquals(free, { maxTokens: Math.min(limit, Math.max(1, request.max_tokens)) });
  });
}

Deno.test("toEffort returns the effort for a share of the tokens", () => {
  const shares = { 0.9: "xhigh", 0.65: "high", 0.35: "medium", 0.15: "low" };
  for (const [share, effort] of Object.entries(shares)) {
    assertEquals(toEffort(Number(share)), effort);
  }
  const below = [0.899, 0.649, 0.349, 0.149, 0].map(toEffort);
  assertEquals(below, ["high", "medium", "low", "minimal", "minimal"]);
});

/** Reasoning fields and dropped names for a request with `max_tokens` 10,000. */
function translate(
  request: Request & { max_tokens?: number },
  { model = "openai/g", limits = {} }: { model?: string; limits?: ReasoningLimits } = {},
) {
  const { max_tokens = 10_000, messages = [], ...rest } = request;
  const dropped = new Set<string>();
  const context = { model, dropped, names: new ToolNames([]) };
  const whole = { max_tokens, messages, ...rest };
  const fields = translateThinking(whole, { maxTokens: max_tokens, limits }, context);
  return { ...JSON.parse(JSON.stringify(fields)), dropped: [...dropped] };
}

const EFFORTS = ["minimal", "low", "medium", "high", "xhigh", "max"];

for (const [place, effort] of EFFORTS.entries()) {
  Deno.test(`a short response of a model whose lowest effort is ${effort} gets that effort`, () => {
    const limits = { mandatory: true, efforts: EFFORTS.slice(place).toReversed() };
    assertEquals(translate({ max_tokens: 4095 }, { limits }), {
      reasoning: { effort },
      dropped: [],
    });
  });
}

for (const efforts of [undefined, [], ["none"]]) {
  Deno.test(`a short response gets effort low if the catalog has the efforts ${JSON.stringify(efforts)}`, () => {
    const limits = { mandatory: true, efforts };
    for (const max_tokens of [1, 4095]) {
      assertEquals(translate({ max_tokens }, { limits }), {
        reasoning: { effort: "low" },
        dropped: [],
      });
    }
    for (const max_tokens of [0, 4096]) {
      assertEquals(translate({ max_tokens }, { limits }), { dropped: [] });
    }
  });
}

Deno.test("a short response reports a thinking and an effort that it does not keep", () => {
  const limits = { mandatory: true };
  const short = { max_tokens: 100 };
  const low = { reasoning: { effort: "low" } };
  const at = (request: Request) => translate({ ...request, ...short }, { limits });
  assertEquals(at(ADAPTIVE), { ...low, dropped: [] });
  assertEquals(at(DISABLED), { ...low, dropped: ["thinking"] });
  assertEquals(at({ effort: "low" }), { ...low, dropped: [] });
  assertEquals(at({ effort: "high" }), { ...low, dropped: ["output_config.effort"] });
  assertEquals(at(budget(2000)), { reasoning: { effort: "low" }, dropped: [] });
  assertEquals(translate({ ...ADAPTIVE, ...short }, { limits: { mandatory: false } }), {
    reasoning: { enabled: true },
    dropped: [],
  });
});

/** Budget, max_tokens, whether the model takes a budget → reasoning. */
const BUDGETS: [
  budget: number,
  maxTokens: number,
  takesBudget: boolean | undefined,
  sent: object,
][] = [
  [2000, 10_000, undefined, { max_tokens: 2000 }],
  [2000, 10_000, true, { max_tokens: 2000 }],
  [2000, 10_000, false, { effort: "low" }],
  [9000, 10_000, false, { effort: "xhigh" }],
  [10_000, 10_000, true, { max_tokens: 9999 }],
  [9999, 10_000, true, { max_tokens: 9999 }],
  [100, 10_000, true, { max_tokens: 1024 }],
  [2000, 1025, true, { max_tokens: 1024 }],
  [2000, 1024, true, { effort: "low" }],
  [2000, 1024, false, { effort: "xhigh" }],
];

for (const [tokens, max_tokens, takesBudget, reasoning] of BUDGETS) {
  Deno.test(`a budget of ${tokens} of ${max_tokens} tokens (takesBudget: ${takesBudget}) is sent as ${JSON.stringify(reasoning)}`, () => {
    const request = { ...budget(tokens), max_tokens };
    assertEquals(translate(request, { limits: { takesBudget } }), { reasoning, dropped: [] });
    const claude = translate({ ...request, effort: "max" }, {
      model: "anthropic/c",
      limits: { takesBudget },
    });
    assertEquals(claude, { reasoning, verbosity: "max", dropped: [] });
    const other = translate({ ...request, effort: "max" }, { limits: { takesBudget } });
    assertEquals(other, { reasoning, dropped: ["output_config.effort"] });
  });
}

Deno.test("thinking that is disabled is sent as such, with an effort that Claude accepts", () => {
  const off = { reasoning: { enabled: false } };
  assertEquals(translate(DISABLED), { ...off, dropped: [] });
  const sent = (["low", "medium", "high", "xhigh", "max"] as const).map((effort) =>
    translate({ ...DISABLED, effort }, { model: "anthropic/c" }).verbosity
  );
  assertEquals(sent, ["low", "medium", "high", "high", "high"]);
  assertEquals(translate({ ...DISABLED, effort: "low" }), {
    ...off,
    dropped: ["output_config.effort"],
  });
});

Deno.test("thinking that cannot be disabled keeps the effort, and is reported", () => {
  const limits = { mandatory: true, efforts: ["medium", "high"] };
  assertEquals(translate(DISABLED, { limits }), {
    reasoning: { effort: "medium" },
    dropped: ["thinking"],
  });
  assertEquals(translate({ ...DISABLED, effort: "max" }, { limits }), {
    reasoning: { effort: "max" },
    dropped: ["thinking"],
  });
  assertEquals(translate({ ...DISABLED, effort: "max" }, { limits, model: "anthropic/c" }), {
    verbosity: "max",
    dropped: ["thinking"],
  });
});

Deno.test("an effort is that of the last system turn that sets one, else the request's", () => {
  const system = (effort?: anthropic.Effort): anthropic.MessageParam => ({
    role: "system",
    content: [],
    effort,
  });
  const sent = (messages: anthropic.MessageParam[]) =>
    translate({ ...ADAPTIVE, effort: "low", messages }).reasoning.effort;
  assertEquals(sent([]), "low");
  assertEquals(sent([system()]), "low");
  assertEquals(sent([system("high"), system("medium"), system()]), "medium");
  for (const type of ["adaptive", "between_tools"] as const) {
    assertEquals(translate({ thinking: { type }, effort: "max" }), {
      reasoning: { enabled: true, effort: "max" },
      dropped: [],
    });
  }
});
