/**
 * Anthropic Messages request → OpenRouter chat completions request. Pure: no clock, no ids, no environment.
 * The order of the keys is fixed, so that the requests of one conversation share their first bytes.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import { ApiError } from "../../errors.ts";
import type * as openrouter from "../../openrouter/types.ts";
import { findCacheTtl, limitCacheControl } from "./cache_control.ts";
import { type ClearedMessages, clearThinking } from "./clear_thinking.ts";
import { ToolNames } from "../tool_names.ts";
import { isClaude } from "../reasoning.ts";
import { type InputKind, replaceUnsupportedInput } from "./placeholders.ts";
import { translateServerTools } from "./server_tools.ts";
import { stripBillingHeader, translateSystemText } from "./system.ts";
import {
  type LengthLimits,
  planTokens,
  type ReasoningLimits,
  translateThinking,
} from "./reasoning_options.ts";
import { estimateInputTokens } from "../tokens.ts";
import { findSchemaRules } from "../schemas/schema_rules.ts";
import { translateTool, translateToolChoice, visibleTools } from "./tools.ts";
import { translateMessages } from "./messages.ts";
import { createResponseContext, type ResponseContext } from "./response_context.ts";

const MAX_STOPS = 4;
/** Without it OpenRouter takes `strict` out of the tools it sends to Claude. */
const STRICT_BETA = "structured-outputs-2025-11-13";
const MAX_SESSION_ID = 256;

/** What a request needs to know that is not in its body. */
export interface RequestOptions {
  /** The models to ask: the first, then OpenRouter's own fallbacks. */
  models: readonly [string, ...string[]];
  /** Limits of the first model, as far as the catalog knows them. */
  limits?: ReasoningLimits & LengthLimits;
  /** What none of the models can take: a note goes in its place. */
  unsupported?: readonly InputKind[];
  /** The client's own session id; keeps a conversation on one provider, and so its cache warm. */
  sessionId?: string | undefined;
  /** Sent as `provider`. */
  provider?: Readonly<Record<string, unknown>> | null;
  /** Who reads PDFs; undefined leaves it to OpenRouter. */
  pdfEngine?: string | undefined;
  /** Whether the first model has refused the schema of a tool before: all get plain ones then. */
  plainSchemas?: boolean;
  /** The id of the model that a client's name means, for an advisor. Names go as they are without it. */
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

/** Translates a checked request. @throws {ApiError} 400 where no turn has anything that can be sent */
export function translateRequest(
  request: anthropic.MessagesRequest,
  options: RequestOptions,
): TranslatedRequest {
  const [model, ...fallbacks] = options.models;
  const limits = options.limits ?? {};
  const dropped = new Set(request.droppedFields);
  const readable = replaceUnsupportedInput(request.messages, { ...options, model, dropped });
  const shown = { ...request, messages: readable };
  const inputTokens = estimateInputTokens(shown);
  const { maxTokens, visibleTokens } = planTokens(request, limits, inputTokens);
  const names = new ToolNames(listToolNames(request));
  const { messages, context } = editContext(shown);
  const turns = translateMessages(messages, { names, model, dropped });
  if (turns.length === 0) {
    throw new ApiError("invalid_request_error", "messages: at least one message must have content");
  }
  const body: openrouter.ChatRequest = {
    model,
    ...(fallbacks.length > 0 && { models: fallbacks }),
    messages: [...translateSystem(request.system), ...turns],
    ...translateToolFields(request, { ...options, names, dropped }),
    max_tokens: maxTokens,
    ...translateSampling(request),
    ...translateFormat(request.output_schema),
    ...translateThinking(request, { model, maxTokens, limits, dropped }),
    ...(options.provider && { provider: { ...options.provider } }),
    ...choosePdfEngine(turns, options.pdfEngine),
    ...translateTier(request.service_tier),
    ...(request.cache_control && { cache_control: request.cache_control }),
    ...translateIdentity(request.user_id, options.sessionId),
    ...(request.stream && { stream: true, stream_options: { include_usage: true } }),
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
      contextManagement: request.manages_context ? context : undefined,
    }),
  };
}

/** The one edit that can be done here. Without it the turns stay as they are, and nothing was done. */
function editContext({ messages, thinking_turns }: anthropic.MessagesRequest): ClearedMessages {
  if (thinking_turns === undefined) return { messages, context: { applied_edits: [] } };
  return clearThinking(messages, thinking_turns);
}

/** Every id a call of the conversation already has: new calls must not take one again. */
export function listCallIds(request: anthropic.MessagesRequest): string[] {
  return request.messages.flatMap((turn) =>
    turn.role === "assistant"
      ? turn.content.filter((block) => block.type === "tool_use").map((block) => block.id)
      : []
  );
}

function listToolNames(request: anthropic.MessagesRequest): string[] {
  const used = request.messages.flatMap((turn) =>
    turn.role === "assistant"
      ? turn.content.filter((block) => block.type === "tool_use").map((block) => block.name)
      : []
  );
  return [...request.tools.map((tool) => tool.name), ...used];
}

function translateSystem(system: anthropic.TextBlock[]): openrouter.ChatMessage[] {
  const content = translateSystemText(stripBillingHeader(system));
  return content === null ? [] : [{ role: "system", content }];
}

type ToolFields = Pick<openrouter.ChatRequest, "tools" | "tool_choice" | "parallel_tool_calls">;

/** Nothing at all without tools: providers refuse an empty list, and a choice among none. */
function translateToolFields(
  request: anthropic.MessagesRequest,
  options: RequestOptions & { names: ToolNames; dropped: Set<string> },
): ToolFields {
  const { models, names, dropped, plainSchemas: isPlain = false } = options;
  const toolOptions = { names, dropped, isPlain, rules: findSchemaRules(models) };
  const tools: openrouter.Tool[] = [
    ...visibleTools(request).map((tool) => translateTool(tool, toolOptions)),
    ...translateServerTools(request, options.resolveModel ?? ((name) => name)),
  ];
  if (tools.length === 0) {
    if (request.tool_choice?.type === "any") dropped.add("tool_choice");
    return {};
  }
  const fields: ToolFields = { tools };
  const choice = request.tool_choice;
  if (choice === undefined) return fields;
  fields.tool_choice = translateToolChoice(choice, names);
  if (choice.type !== "none" && choice.disable_parallel_tool_use) {
    fields.parallel_tool_calls = false;
  }
  return fields;
}

type SamplingFields = Pick<openrouter.ChatRequest, "temperature" | "top_p" | "top_k" | "stop">;

/** Upstream takes four stop sequences; the answer is watched for all of them. */
function translateSampling(request: anthropic.MessagesRequest): SamplingFields {
  const fields: SamplingFields = {};
  if (request.temperature !== undefined) fields.temperature = request.temperature;
  if (request.top_p !== undefined) fields.top_p = request.top_p;
  if (request.top_k !== undefined) fields.top_k = request.top_k;
  const stops = request.stop_sequences.filter((stop) => stop !== "");
  if (stops.length > 0) fields.stop = stops.slice(0, MAX_STOPS);
  return fields;
}

function translateFormat(
  schema: Record<string, unknown> | undefined,
): Pick<openrouter.ChatRequest, "response_format"> {
  if (schema === undefined) return {};
  return {
    response_format: {
      type: "json_schema",
      json_schema: { name: "response", strict: true, schema },
    },
  };
}

/** Sent with every PDF of the conversation, old or new, so that all are read by the same engine. */
function choosePdfEngine(
  turns: readonly openrouter.ChatMessage[],
  engine: string | undefined,
): Pick<openrouter.ChatRequest, "plugins"> {
  const hasFile = turns.some(({ content }) =>
    Array.isArray(content) && content.some((part) => part.type === "file")
  );
  return hasFile && engine !== undefined
    ? { plugins: [{ id: "file-parser", pdf: { engine } }] }
    : {};
}

function translateTier(
  tier: anthropic.MessagesRequest["service_tier"],
): Pick<openrouter.ChatRequest, "service_tier"> {
  if (tier === undefined) return {};
  return { service_tier: tier === "standard" ? "default" : tier };
}

/** `user` is for OpenRouter's accounting, `session_id` for its sticky routing. */
function translateIdentity(
  userId: string | undefined,
  sessionId: string | undefined,
): Pick<openrouter.ChatRequest, "user" | "session_id"> {
  const session = [sessionId, readSessionId(userId), userId].find((id) =>
    id && id.length <= MAX_SESSION_ID
  );
  return {
    ...(userId && { user: userId }),
    ...(session && { session_id: session }),
  };
}

/** Claude Code hides its session in `metadata.user_id`: as JSON, in older versions behind `_session_`. */
function readSessionId(userId: string | undefined): string | undefined {
  if (userId === undefined) return undefined;
  return /"session_id"\s{0,9}:\s{0,9}"([^"]{1,256})"/.exec(userId)?.[1] ?? readSuffix(userId);
}

const SESSION = "_session_";

/** Found from the end: an expression would search to the end from each place where the word stands. */
function readSuffix(userId: string): string | undefined {
  const start = userId.lastIndexOf(SESSION);
  const id = start === -1 ? "" : userId.slice(start + SESSION.length);
  return /^[\w-]{1,256}$/.test(id) ? id : undefined;
}
