/**
 * Prepares a Messages request for Claude on OpenRouter's `/messages`, in a session whose other requests may be
 * translated for other models: the history and tools in a form that the endpoint accepts, and everything else unchanged.
 * @module
 */

import { Field } from "../../anthropic/field.ts";
import { parseInputBlock } from "../../anthropic/parse_content.ts";
import { isJsonObject, type JsonObject, toText } from "../../json.ts";
import { ToolNames } from "../tool_names.ts";
import { type AnthropicRequestOptions, toAnthropicRequest } from "./anthropic_request.ts";
import { toClaudeHistory } from "./claude_history.ts";
import { toClaudeTools } from "./claude_tools.ts";
import type { TranslationContext } from "./context.ts";
import { type InputKind, replaceUnsupportedInput } from "./placeholders.ts";
import { findSessionId } from "../../anthropic/session_id.ts";

/** The values that {@linkcode toClaudeRequest} needs. */
export interface ClaudeRequestOptions extends AnthropicRequestOptions {
  /** The client's session id; keeps a conversation on one provider, and so its cache warm. */
  sessionId: string | undefined;
  /** Collects the names of fields that are not sent. */
  dropped: Set<string>;
}

/**
 * The body to send. The request's own fallbacks are among the models.
 * @throws {ApiError} 400 for a tool that only Anthropic runs, if `tool_choice` requires it
 */
export function toClaudeRequest(body: JsonObject, options: ClaudeRequestOptions): JsonObject {
  const { dropped } = options;
  const { fallbacks, mcp_servers, ...rest } = body;
  dropFallbackSettings(fallbacks, dropped);
  if (Array.isArray(mcp_servers) && mcp_servers.length > 0) dropped.add("mcp_servers");
  const request = toAnthropicRequest(toClaudeTools(rest, options), options);
  const { messages, metadata, session_id } = request;
  if (Array.isArray(messages)) request["messages"] = toClaudeHistory(messages);
  const userId = isJsonObject(metadata) ? toText(metadata["user_id"]) : undefined;
  const sessionId = session_id ?? findSessionId(userId, options.sessionId);
  if (sessionId !== undefined) request["session_id"] = sessionId;
  return request;
}

function dropFallbackSettings(fallbacks: unknown, dropped: Set<string>): void {
  if (fallbacks === "default") dropped.add("fallbacks");
  if (!Array.isArray(fallbacks)) return;
  for (const key of fallbacks.filter(isJsonObject).flatMap((entry) => Object.keys(entry))) {
    // Names that the API has; others could fill the header.
    if (/^(max_tokens|thinking|output_config)$/.test(key)) dropped.add(`fallbacks.${key}`);
  }
}

/** The request with notes in place of input that the model does not support, after upstream has rejected it. */
export function replaceInput(
  body: JsonObject,
  unsupported: readonly InputKind[],
  context: Pick<TranslationContext, "model" | "dropped">,
): JsonObject {
  const { messages } = body;
  if (unsupported.length === 0 || !Array.isArray(messages)) return body;
  const replace = (content: unknown): unknown =>
    Array.isArray(content) ? content.map((block: unknown) => replaceBlock(block)) : content;
  const replaceBlock = (block: unknown): unknown => {
    if (!isJsonObject(block)) return block;
    const { type, content } = block;
    if (type === "tool_result") return { ...block, content: replace(content) };
    if (type !== "image" && type !== "document") return block;
    const parsed = parseInputBlock(new Field(block));
    if (parsed === null) return block;
    const [turn] = replaceUnsupportedInput(
      [{ role: "user", content: [parsed] }],
      { kinds: unsupported },
      { ...context, names: new ToolNames([]) },
    );
    const [note]: unknown[] = turn?.content ?? [];
    return note === parsed ? block : note;
  };
  return {
    ...body,
    messages: messages.map((turn: unknown) =>
      isJsonObject(turn) && turn["role"] === "user"
        ? { ...turn, content: replace(turn["content"]) }
        : turn
    ),
  };
}
