/**
 * Applies the settings of a target to a request: the operator's word takes precedence over the client's.
 * @module
 */

import type { MessagesRequest, Thinking } from "../../anthropic/types.ts";
import { isJsonObject, type JsonObject } from "../../json.ts";
import type { TargetSettings } from "../../model_target.ts";

/** Below this, Anthropic accepts no budget for thinking. */
const MIN_BUDGET = 1024;

/** A parsed request with the settings that its translation reads; `provider` and `service_tier` are options of it. */
export function applySettings(request: MessagesRequest, settings: TargetSettings): MessagesRequest {
  const { temperature, top_p, top_k, max_tokens = Infinity } = settings;
  return {
    ...request,
    ...applyEffort(request, settings),
    max_tokens: Math.min(request.max_tokens, max_tokens),
    temperature: temperature ?? request.temperature,
    top_p: top_p ?? request.top_p,
    top_k: top_k ?? request.top_k,
  };
}

/** The effort also replaces a budget for thinking, and the efforts of single turns. */
function applyEffort(
  { thinking, messages }: MessagesRequest,
  { reasoning }: TargetSettings,
): Partial<MessagesRequest> {
  if (reasoning === undefined || thinking?.type === "disabled") return {};
  const adaptive: Thinking | undefined = thinking?.type === "enabled"
    ? { type: "adaptive", display: thinking.display }
    : thinking;
  return {
    effort: reasoning.effort,
    thinking: adaptive,
    messages: messages.map((turn) =>
      turn.role === "system" ? { role: turn.role, content: turn.content } : turn
    ),
  };
}

/** The same for an unparsed request of Anthropic's API; the same object without settings. */
export function applyAnthropicSettings(body: JsonObject, settings: TargetSettings): JsonObject {
  const { provider: _, reasoning, max_tokens, ...fields } = settings;
  let result: JsonObject = Object.keys(fields).length === 0 ? body : { ...body, ...fields };
  if (reasoning !== undefined) result = withEffort(result, reasoning.effort);
  if (max_tokens !== undefined) result = withMaxTokens(result, max_tokens);
  return result;
}

function withEffort(body: JsonObject, effort: string): JsonObject {
  const { thinking, output_config, messages } = body;
  if (isJsonObject(thinking) && thinking["type"] === "disabled") return body;
  const withIt = (config: unknown) => ({ ...(isJsonObject(config) ? config : {}), effort });
  const turns = Array.isArray(messages)
    ? messages.map((turn: unknown) =>
      isJsonObject(turn) && isJsonObject(turn["output_config"])
        ? { ...turn, output_config: withIt(turn["output_config"]) }
        : turn
    )
    : messages;
  return { ...body, messages: turns, output_config: withIt(output_config) };
}

/** A budget for thinking must stay below the limit. */
function withMaxTokens(body: JsonObject, most: number): JsonObject {
  const { max_tokens, thinking } = body;
  if (typeof max_tokens === "number" && max_tokens <= most) return body;
  const limited = { ...body, max_tokens: most };
  const budget = isJsonObject(thinking) ? thinking["budget_tokens"] : undefined;
  if (!isJsonObject(thinking) || typeof budget !== "number" || budget < most) return limited;
  return {
    ...limited,
    thinking: most > MIN_BUDGET ? { ...thinking, budget_tokens: most - 1 } : { type: "disabled" },
  };
}
