/**
 * Tells the requests of Claude Code apart: the conversation itself, and those that the client sends beside it.
 * @module
 */

import { isJsonObject, type JsonObject, toText } from "../json.ts";

/**
 * `main`: a turn of the conversation; all requests of other clients. `agent`: a turn of a subagent. `guard`: auto
 * mode's check of an action. `side`: everything else, for example a title, a web search, a compaction or a `/btw`.
 */
export type RequestKind = "main" | "agent" | "guard" | "side";

/** What the headers of a request say. */
export interface RequestHints {
  /** Whether the client is Claude Code. */
  isClaudeCode: boolean;
  /** The id of the subagent; undefined outside of one. */
  agentId?: string | undefined;
  /** Claude Code's own word for the kind; it sends one with `CLAUDE_CODE_GATEWAY_HINT_HEADERS=1`. */
  requestClass?: string | undefined;
}

const CLASSES: ReadonlyMap<string, RequestKind> = new Map([
  ["main", "main"],
  ["subagent", "agent"],
  ["workflow", "agent"],
  ["compaction", "side"],
  ["auxiliary", "side"],
  ["side_reply", "side"],
]);

/** Auto mode's check: its system prompt since 2.1.332, and the stop sequence of its verdict. */
export const GUARD_PROMPT = "You are a security monitor for autonomous AI coding agents.";
export const GUARD_STOP = "</block>";
/** In the billing header, the first text of the system prompt. */
const AGENT_MARK = "cc_is_subagent=true";
/** How the last text begins when a request with the tools of the conversation is not part of it. */
export const SIDE_PROMPTS = [
  // Compaction.
  "CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.",
  // `/btw`
  "<system-reminder>This is a side question from the user.",
] as const;

/** Classifies a request by its unchecked body and its headers. */
export function classifyRequest(body: JsonObject, hints: RequestHints): RequestKind {
  if (!hints.isClaudeCode) return "main";
  const system = listTexts(body["system"]);
  // First: Claude Code's own word for it is "auxiliary", as for a title.
  const hasTools = hasClientTools(body);
  if (!hasTools && isGuard(body, system)) return "guard";
  const named = CLASSES.get(hints.requestClass ?? "");
  if (named !== undefined) return named;
  if (hints.agentId !== undefined || system[0]?.includes(AGENT_MARK)) return "agent";
  return isSide(body, hasTools) ? "side" : "main";
}

function isGuard({ stop_sequences: stops }: JsonObject, system: readonly string[]): boolean {
  return Array.isArray(stops) && stops.includes(GUARD_STOP) ||
    system.some((text) => text.startsWith(GUARD_PROMPT));
}

/** A conversation has tools, or at least thinking if they are switched off. */
function isSide({ thinking, messages }: JsonObject, hasTools: boolean): boolean {
  const type = isJsonObject(thinking) ? thinking["type"] : undefined;
  const hasThinking = type === "adaptive" || type === "enabled";
  if (!hasTools && !hasThinking) return true;
  return listTexts(findLastTurn(messages)?.["content"])
    .some((text) => SIDE_PROMPTS.some((prompt) => text.startsWith(prompt)));
}

/** Without a copy of the list, which may be long. */
function findLastTurn(messages: unknown): JsonObject | undefined {
  if (!Array.isArray(messages)) return undefined;
  return messages.findLast((turn) => isJsonObject(turn) && turn["role"] !== "system");
}

/** Server tools have a type and no schema: the nested request of a web search has only one of them. */
function hasClientTools({ tools }: JsonObject): boolean {
  return listObjects(tools).some((tool) => "input_schema" in tool);
}

function listObjects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** The texts of a system prompt or a message. */
function listTexts(content: unknown): string[] {
  if (typeof content === "string") return [content];
  return listObjects(content).map(({ text }) => toText(text));
}
