/** How the requests of Claude Code are told apart. The bodies are shortened from real ones of 2.1.197 and 2.1.332. */

import { assertEquals } from "@std/assert";
import { classifyRequest, type RequestHints } from "../../lib/anthropic/request_kind.ts";
import type { JsonObject } from "../../lib/json.ts";

const BILLING = "x-anthropic-billing-header: cc_version=2.1.332.77d; cc_entrypoint=cli;";
const IDENTITY = "You are Claude Code, Anthropic's official CLI for Claude.";
const TOOLS = [{ name: "Bash", description: "Runs", input_schema: { type: "object" } }];
const SEARCH = [{ type: "web_search_20250305", name: "web_search", max_uses: 8 }];
const COMPACT = "CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.\n\n- Do NOT use Read";
const BY_THE_WAY = "<system-reminder>This is a side question from the user. You must answer";
const MONITOR = "You are a security monitor for autonomous AI coding agents.\n\n## Context";

function toSystem(...texts: string[]): JsonObject[] {
  return texts.map((text) => ({ type: "text", text }));
}

/** A turn of the conversation. */
const MAIN: JsonObject = {
  system: toSystem(BILLING, IDENTITY, "You are an agent working with the user."),
  tools: TOOLS,
  thinking: { type: "adaptive" },
  messages: [
    { role: "user", content: toSystem("Hello") },
    { role: "system", content: "Today's date is 2026-11-29." },
  ],
};
const WITHOUT_TOOLS: JsonObject = { ...MAIN, tools: undefined, thinking: { type: "disabled" } };

const BY_BODY: [about: string, kind: string, body: JsonObject][] = [
  ["a turn", "main", MAIN],
  ["a turn without thinking", "main", { ...MAIN, thinking: { type: "disabled" } }],
  ["a turn without tools", "main", { ...MAIN, tools: [] }],
  ["a turn without tools with a budget", "main", {
    ...MAIN,
    tools: [],
    thinking: { type: "enabled", budget_tokens: 31_999 },
  }],
  ["a turn of a subagent", "agent", {
    ...MAIN,
    system: toSystem(`${BILLING} cc_is_subagent=true;`, IDENTITY),
  }],
  ["a title", "side", { ...WITHOUT_TOOLS, tools: [] }],
  ["a fetched page", "side", WITHOUT_TOOLS],
  ["a web search", "side", { ...MAIN, tools: SEARCH, thinking: undefined }],
  ["a compaction", "side", { ...MAIN, messages: [{ role: "user", content: COMPACT }] }],
  ["a compaction with a system turn behind it", "side", {
    ...MAIN,
    messages: [{ role: "user", content: COMPACT }, { role: "system", content: "Date" }],
  }],
  ["a side question", "side", {
    ...MAIN,
    messages: [{ role: "user", content: toSystem("Earlier", BY_THE_WAY, "What is up?") }],
  }],
  ["an earlier compaction in the history", "main", {
    ...MAIN,
    messages: [{ role: "user", content: COMPACT }, { role: "user", content: "Go on" }],
  }],
  ["auto mode's check", "guard", { ...WITHOUT_TOOLS, stop_sequences: ["</block>"] }],
  ["auto mode's check by severity", "guard", {
    ...WITHOUT_TOOLS,
    system: toSystem(BILLING, MONITOR),
  }],
  ["a monitor with tools", "main", { ...MAIN, system: toSystem(BILLING, MONITOR) }],
  ["another stop sequence", "side", { ...WITHOUT_TOOLS, stop_sequences: ["</a>"] }],
  ["a body that is not valid", "side", { system: 1, tools: {}, messages: "x", thinking: [] }],
  ["a system prompt that is a string", "guard", { system: MONITOR, messages: [null, 1] }],
];

for (const [about, kind, body] of BY_BODY) {
  Deno.test(`classifyRequest takes ${about} of Claude Code for “${kind}”`, () => {
    assertEquals(classifyRequest(body, { isClaudeCode: true }), kind);
  });
  Deno.test(`classifyRequest takes ${about} of another client for “main”`, () => {
    assertEquals(classifyRequest(body, { isClaudeCode: false }), "main");
  });
}

const BY_HINT: [about: string, kind: string, hints: Partial<RequestHints>, body: JsonObject][] = [
  ["an agent's id", "agent", { agentId: "a56f" }, MAIN],
  ["a search of an agent", "agent", { agentId: "a56f" }, { ...WITHOUT_TOOLS, tools: SEARCH }],
  ["the class of a subagent", "agent", { requestClass: "subagent" }, MAIN],
  ["the class of a workflow", "agent", { requestClass: "workflow" }, MAIN],
  ["the class of a compaction", "side", { requestClass: "compaction" }, MAIN],
  ["the class of an auxiliary request", "side", { requestClass: "auxiliary" }, MAIN],
  ["the class of a side reply", "side", { requestClass: "side_reply" }, MAIN],
  ["the class of a turn", "main", { requestClass: "main" }, WITHOUT_TOOLS],
  ["an unknown class", "side", { requestClass: "later" }, WITHOUT_TOOLS],
  ["auto mode's check and its class", "guard", { requestClass: "auxiliary" }, {
    ...WITHOUT_TOOLS,
    stop_sequences: ["</block>"],
  }],
];

for (const [about, kind, hints, body] of BY_HINT) {
  Deno.test(`classifyRequest takes a request with ${about} for “${kind}”`, () => {
    assertEquals(classifyRequest(body, { isClaudeCode: true, ...hints }), kind);
  });
}
