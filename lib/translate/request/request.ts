/**
 * Translates an Anthropic Messages request to an OpenRouter chat completions request.
 * The order of the keys is fixed, so that the requests of a conversation share a prefix.
 * @module
 */

import { findSessionId } from "../../anthropic/session_id.ts";
import type * as anthropic from "../../anthropic/types.ts";
import { ApiError } from "../../errors.ts";
import type * as openrouter from "../../openrouter/types.ts";
import { isClaude } from "../../openrouter/model_mapping.ts";
import { findSchemaRules } from "../schemas/schema_rules.ts";
import { estimateInputTokens } from "../tokens.ts";
import { ToolNames } from "../tool_names.ts";
import { findCacheTtl, limitCacheControl } from "./cache_control.ts";
import { type ClearedMessages, clearThinking } from "./clear_thinking.ts";
import type { TranslationContext } from "./context.ts";
import { translateMessages } from "./messages.ts";
import { type ImageDescriptions, type InputKind, replaceUnsupportedInput } from "./placeholders.ts";
import {
  type LengthLimits,
  planTokens,
  type ReasoningLimits,
  translateThinking,
} from "./reasoning_options.ts";
import { createResponseContext, type ResponseContext } from "./response_context.ts";
import { translateServerTools } from "./server_tools.ts";
import { stripBillingHeader, translateSystemText } from "./system.ts";
import { translateTool, translateToolChoice, visibleTools } from "./tools.ts";

/** Upstream accepts four; the response is searched for all of the client's. */
const MAX_STOP_SEQUENCES = 4;
/** Without this beta OpenRouter removes `strict` from the tools it sends to Claude. */
const STRICT_BETA = "structured-outputs-2025-11-13";

/** The parameters of a translation that are not in the request's body. */
export interface RequestOptions {
  /** The model, then OpenRouter's fallbacks. */
  models: readonly [string, ...string[]];
  /** Limits of the first model, as far as the catalog has them. */
  limits?: ReasoningLimits & LengthLimits;
  /** Input that none of the models supports; it is replaced with a note. */
  unsupported?: readonly InputKind[];
  /** Descriptions that replace images instead of a note. */
  descriptions?: ImageDescriptions | undefined;
  /** The client's session id; keeps a conversation on one provider, and so its cache warm. */
  sessionId?: string | undefined;
  /** Sent as `provider`. */
  provider?: Readonly<Record<string, unknown>> | null;
  /** Sent as `service_tier`, instead of the request's. */
  serviceTier?: string | undefined;
  /** PDF parser; undefined leaves the choice to OpenRouter. */
  pdfEngine?: string | undefined;
  /** Whether the first model has rejected the schema of a tool before; all tools get plain schemas then. */
  plainSchemas?: boolean;
  /** Maps a model name of the client to an upstream id, for an advisor. By default names are kept. */
  resolveModel?: (name: string) => string;
}

/** A translated request. */
export interface TranslatedRequest {
  /** The body of `POST /chat/completions`. */
  body: openrouter.ChatRequest;
  /** Maps the tool names of the response back to the client's. */
  names: ToolNames;
  /** Names of fields and blocks that were not forwarded. */
  dropped: string[];
  /** Claude's beta features to request in a header; null for none. */
  anthropicBeta: string | null;
  /** What the translation of the response needs. */
  response: ResponseContext;
}

/** Translates a parsed request. @throws {ApiError} 400 when no message has content that can be sent */
export function translateRequest(
  request: anthropic.MessagesRequest,
  options: RequestOptions,
): TranslatedRequest {
  const [model, ...fallbacks] = options.models;
  const limits = options.limits ?? {};
  const dropped = new Set(request.droppedFields);
  const names = new ToolNames(listToolNames(request));
  const context: TranslationContext = { names, model, dropped };
  const { unsupported: kinds = [], descriptions = new Map() } = options;
  const supported = {
    ...request,
    messages: replaceUnsupportedInput(request.messages, { kinds, descriptions }, context),
  };
  const inputTokens = estimateInputTokens(supported);
  const { maxTokens, visibleTokens } = planTokens(request, limits, inputTokens);
  const edited = editContext(supported);
  const messages = translateMessages(edited.messages, context);
  if (messages.length === 0) {
    throw new ApiError("invalid_request_error", "messages: at least one message must have content");
  }
  const body: openrouter.ChatRequest = {
    model,
    models: fallbacks.length > 0 ? fallbacks : undefined,
    messages: [...translateSystem(request.system), ...messages],
    ...translateToolFields(request, options, context),
    max_tokens: maxTokens,
    temperature: request.temperature,
    top_p: request.top_p,
    top_k: request.top_k,
    stop: translateStopSequences(request.stop_sequences),
    response_format: translateOutputSchema(request.output_schema),
    ...translateThinking(request, { maxTokens, limits }, context),
    provider: options.provider ? { ...options.provider } : undefined,
    plugins: selectPlugins(messages, options.pdfEngine),
    service_tier: options.serviceTier ??
      (request.service_tier === "standard" ? "default" : request.service_tier),
    cache_control: request.cache_control,
    // `user` is for OpenRouter's accounting, `session_id` for its sticky routing.
    user: request.user_id || undefined,
    session_id: findSessionId(request.user_id, options.sessionId),
    stream: request.stream || undefined,
    stream_options: request.stream ? { include_usage: true } : undefined,
  };
  limitCacheControl(body, dropped);
  const isStrict = request.tools.some((tool) => tool.strict) && options.models.some(isClaude);
  return {
    body,
    names,
    dropped: [...dropped],
    anthropicBeta: isStrict ? STRICT_BETA : null,
    response: createResponseContext(request, {
      target: model,
      names,
      takenCallIds: listCallIds(request),
      inputTokens,
      visibleTokens,
      cacheTtl: findCacheTtl(body),
      contextManagement: request.manages_context ? edited.context : undefined,
    }),
  };
}

/** Applies the only edit that this proxy supports. */
function editContext({ messages, thinking_turns }: anthropic.MessagesRequest): ClearedMessages {
  if (thinking_turns === undefined) return { messages, context: { applied_edits: [] } };
  return clearThinking(messages, thinking_turns);
}

/** The ids of all calls in the conversation: new calls must not reuse one. */
export function listCallIds(request: anthropic.MessagesRequest): string[] {
  return listCalls(request).map((call) => call.id);
}

function listToolNames(request: anthropic.MessagesRequest): string[] {
  return [...request.tools, ...listCalls(request)].map(({ name }) => name);
}

function listCalls(request: anthropic.MessagesRequest): anthropic.ToolUseBlock[] {
  return request.messages.flatMap((turn) =>
    turn.role === "assistant" ? turn.content.filter((block) => block.type === "tool_use") : []
  );
}

function translateSystem(system: anthropic.TextBlock[]): openrouter.ChatMessage[] {
  const content = translateSystemText(stripBillingHeader(system));
  return content === null ? [] : [{ role: "system", content }];
}

type ToolFields = Pick<openrouter.ChatRequest, "tools" | "tool_choice" | "parallel_tool_calls">;

/** Empty without tools: providers reject an empty list, and a `tool_choice` without tools. */
function translateToolFields(
  request: anthropic.MessagesRequest,
  { models, plainSchemas: isPlain = false, resolveModel = (name) => name }: RequestOptions,
  context: TranslationContext,
): ToolFields {
  const schemas = { isPlain, rules: findSchemaRules(models) };
  const tools: openrouter.Tool[] = [
    ...visibleTools(request).map((tool) => translateTool(tool, schemas, context)),
    ...translateServerTools(request, resolveModel),
  ];
  const choice = request.tool_choice;
  if (tools.length === 0) {
    if (choice?.type === "any") context.dropped.add("tool_choice");
    return {};
  }
  if (choice === undefined) return { tools };
  const isSerial = "disable_parallel_tool_use" in choice &&
    choice.disable_parallel_tool_use === true;
  return {
    tools,
    tool_choice: translateToolChoice(choice, context.names),
    parallel_tool_calls: isSerial ? false : undefined,
  };
}

function translateStopSequences(sequences: readonly string[]): string[] | undefined {
  const stops = sequences.filter((stop) => stop !== "").slice(0, MAX_STOP_SEQUENCES);
  return stops.length > 0 ? stops : undefined;
}

function translateOutputSchema(
  schema: Record<string, unknown> | undefined,
): openrouter.ChatRequest["response_format"] {
  if (schema === undefined) return undefined;
  return { type: "json_schema", json_schema: { name: "response", strict: true, schema } };
}

/** Set if any message has a PDF, old or new, so that all are parsed by the same engine. */
function selectPlugins(
  messages: readonly openrouter.ChatMessage[],
  engine: string | undefined,
): openrouter.ChatRequest["plugins"] {
  const hasFile = messages.some(({ content }) =>
    Array.isArray(content) && content.some((part) => part.type === "file")
  );
  return hasFile && engine !== undefined ? [{ id: "file-parser", pdf: { engine } }] : undefined;
}
