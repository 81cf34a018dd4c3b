/**
 * Formats the status line. Pure. All values are unchecked: the input is from Claude Code, the session from whatever
 * listens at the proxy's address, and models and providers are named by upstream.
 * @module
 */

import { stripControlChars } from "../../colors.ts";
import { formatContext, formatCost } from "../../format.ts";
import { isJsonObject, type JsonObject, toText } from "../../json.ts";
import type { SessionResult } from "./request_session.ts";

const MAX_NAME_CHARS = 80;
const SEPARATOR = " · ";
/** The share of a daily limit from which the line warns, as Anthropic's gateway does. */
const LIMIT_WARNING = 0.75;

/** Instead of figures. */
const NOTES = {
  unknown: "no requests yet",
  refused: "the proxy refused the key",
  unreachable: "proxy not reachable",
  unset: "no proxy: ANTHROPIC_BASE_URL is not set",
} as const;

/**
 * `z-ai/glm-5 · Z.AI · 42k/200k 21% · $0.1234 · cache 90%`: the model that answered last, its provider, the context of
 * the conversation, the session's cost as reported by upstream, and the share of its prompts read from a cache. What
 * is unknown is left out.
 * @param input Claude Code's JSON
 * @param result the session; `unset` without an address
 */
export function formatStatusLine(input: JsonObject, result: SessionResult | "unset"): string {
  const parts = typeof result === "string"
    ? [findOwnModel(input), NOTES[result]]
    : describeSession(input, result);
  return parts.filter((part) => part !== "").join(SEPARATOR);
}

function describeSession(input: JsonObject, session: JsonObject): string[] {
  const answer = toObject(session["lastAnswer"]);
  const totals = toObject(session["totals"]);
  return [
    toName(answer["upstreamModel"]) || findOwnModel(input),
    toName(answer["provider"]),
    describeContext(answer),
    describeCost(totals),
    describeCache(totals),
    describeLimit(session),
    describeError(session),
  ];
}

/** The model as Claude Code names it. */
function findOwnModel({ model }: JsonObject): string {
  const { display_name, id } = toObject(model);
  return toName(display_name) || toName(id) || "Claude Code";
}

function describeContext(answer: JsonObject): string {
  const used = toCount(answer["contextTokens"]);
  const length = toCount(answer["contextLength"]);
  if (used === 0) return "";
  const text = used < 1000 ? "<1k" : formatContext(used);
  return length === 0
    ? text
    : `${text}/${formatContext(length)} ${Math.round(100 * used / length)}%`;
}

/** With a plus if upstream did not report the cost of some requests. */
function describeCost({ costUsd, unpriced }: JsonObject): string {
  const isPartial = toCount(unpriced) > 0;
  if (typeof costUsd !== "number") return isPartial ? "cost unknown" : "";
  return `${formatCost(costUsd)}${isPartial ? "+" : ""}`;
}

function describeCache({ inputTokens, cachedTokens, writtenTokens }: JsonObject): string {
  const cached = toCount(cachedTokens);
  const all = toCount(inputTokens) + cached + toCount(writtenTokens);
  return all === 0 ? "" : `cache ${Math.round(100 * cached / all)}%`;
}

/** Only near the limit. Rounded down: 100 % means that further requests are rejected. */
function describeLimit({ limit }: JsonObject): string {
  const { spentUsd, maxCostUsd } = toObject(limit);
  const share = toCount(spentUsd) / toCount(maxCostUsd);
  if (!(share >= LIMIT_WARNING)) return "";
  return `${Math.min(100, Math.floor(100 * share))}% of today's limit`;
}

/** Only if the last request failed: later ones make it history. */
function describeError({ lastError, lastActiveAt }: JsonObject): string {
  const { type, time } = toObject(lastError);
  const name = toName(type);
  return name === "" || time !== lastActiveAt ? "" : `last request: ${name}`;
}

function toObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

function toCount(value: unknown): number {
  return typeof value === "number" && value > 0 ? value : 0;
}

function toName(value: unknown): string {
  return stripControlChars(toText(value).slice(0, MAX_NAME_CHARS)).trim();
}
