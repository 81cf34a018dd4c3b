/**
 * Types of OpenRouter's chat completions API.
 * Request types are strict. In responses every field is optional and nullable, because providers behind OpenRouter
 * omit, repeat or null any of them (recorded streams, September 2026).
 * @module
 */

import type { CacheControl } from "../anthropic/types.ts";
import type { UserLocation } from "../anthropic/server_tools.ts";

/** A text part of a message. */
export type TextPart = {
  type: "text";
  text: string;
  cache_control?: CacheControl | undefined;
};

/** `url` is https or a `data:` URL. */
export type ImagePart = {
  type: "image_url";
  image_url: { url: string };
  cache_control?: CacheControl | undefined;
};

/** A PDF. `file_data` is https or a `data:` URL. */
export type FilePart = {
  type: "file";
  file: { filename: string; file_data: string };
  cache_control?: CacheControl | undefined;
};

/** A part of a user message. */
export type ContentPart = TextPart | ImagePart | FilePart;

/** A tool call in the history; `arguments` is a JSON string. */
export type ToolCall = {
  id: string;
  type: "function";
  function: { name: string; arguments: string };
};

/** An entry of `reasoning_details`, in requests and responses. Types and formats are not a closed set. */
export type ReasoningDetail = {
  type?: string | null | undefined;
  text?: string | null | undefined;
  summary?: string | null | undefined;
  signature?: string | null | undefined;
  data?: string | null | undefined;
  format?: string | null | undefined;
  id?: string | null | undefined;
  index?: number | null | undefined;
};

/** One message of the conversation. */
export type ChatMessage =
  | { role: "system"; content: string | TextPart[] }
  | { role: "user"; content: string | ContentPart[] }
  | {
    role: "assistant";
    content: string | TextPart[] | null;
    tool_calls?: ToolCall[] | undefined;
    reasoning_details?: ReasoningDetail[] | undefined;
    reasoning?: string | undefined;
    reasoning_content?: string | undefined;
  }
  | { role: "tool"; tool_call_id: string; content: string | TextPart[] };

/** A tool that the client runs. */
export type FunctionTool = {
  type: "function";
  function: {
    name: string;
    description?: string | undefined;
    parameters: Record<string, unknown>;
    strict?: true | undefined;
  };
  cache_control?: CacheControl | undefined;
};

/** Web search, which OpenRouter runs. */
export type WebSearchTool = {
  type: "openrouter:web_search";
  parameters?: {
    max_uses?: number | undefined;
    allowed_domains?: string[] | undefined;
    excluded_domains?: string[] | undefined;
    user_location?: UserLocation | undefined;
  } | undefined;
};

/** Web fetch, which OpenRouter runs. */
export type WebFetchTool = {
  type: "openrouter:web_fetch";
  parameters?: {
    max_uses?: number | undefined;
    allowed_domains?: string[] | undefined;
    blocked_domains?: string[] | undefined;
    max_content_tokens?: number | undefined;
  } | undefined;
};

/** A second model that the model may consult; OpenRouter calls it. */
export type AdvisorTool = {
  type: "openrouter:advisor";
  parameters: {
    model?: string | undefined;
    forward_transcript: true;
    max_completion_tokens?: number | undefined;
  };
};

/** A tool that OpenRouter runs. */
export type ServerTool = WebSearchTool | WebFetchTool | AdvisorTool;

/** A client tool or a server tool. */
export type Tool = FunctionTool | ServerTool;

/** `tool_choice` as every server supports it. */
export type OpenAiToolChoice =
  | "auto"
  | "required"
  | "none"
  | { type: "function"; function: { name: string } };

/** OpenRouter's `tool_choice`, which may also select a server tool. */
export type ToolChoice = OpenAiToolChoice | { type: ServerTool["type"] };

/** Reasoning effort, or a budget in tokens. */
export type Reasoning = {
  enabled?: boolean | undefined;
  effort?: string | undefined;
  max_tokens?: number | undefined;
};

/** The body of `POST /chat/completions`. Keys in the order in which they are sent. */
export type ChatRequest = {
  model: string;
  /** OpenRouter's own fallbacks, tried after `model`. */
  models?: string[] | undefined;
  messages: ChatMessage[];
  tools?: Tool[] | undefined;
  tool_choice?: ToolChoice | undefined;
  parallel_tool_calls?: false | undefined;
  max_tokens: number;
  temperature?: number | undefined;
  top_p?: number | undefined;
  top_k?: number | undefined;
  stop?: string[] | undefined;
  response_format?: {
    type: "json_schema";
    json_schema: { name: string; strict: true; schema: Record<string, unknown> };
  } | undefined;
  reasoning?: Reasoning | undefined;
  verbosity?: string | undefined;
  provider?: Record<string, unknown> | undefined;
  plugins?: { id: "file-parser"; pdf: { engine: string } }[] | undefined;
  service_tier?: string | undefined;
  cache_control?: CacheControl | undefined;
  user?: string | undefined;
  session_id?: string | undefined;
  stream?: true | undefined;
  /** Ignored by OpenRouter, which always reports usage; other servers need it. */
  stream_options?: { include_usage: true } | undefined;
};

type Shared =
  | "model"
  | "messages"
  | "parallel_tool_calls"
  | "temperature"
  | "top_p"
  | "stop"
  | "response_format"
  | "stream"
  | "stream_options";

/** The body of `POST /chat/completions` as OpenAI documents it. Keys in the order in which they are sent. */
export type OpenAiRequest = Pick<ChatRequest, Shared> & {
  tools?: FunctionTool[] | undefined;
  tool_choice?: OpenAiToolChoice | undefined;
  /** OpenAI refuses `max_tokens` on its newer models. */
  max_completion_tokens: number;
  reasoning_effort?: string | undefined;
};

/** A tool call delta. Any field may be missing, late or repeated. */
export type ToolCallDelta = {
  index?: number | null | undefined;
  id?: string | null | undefined;
  function?: { name?: string | null | undefined; arguments?: unknown } | null | undefined;
};

/** `delta` of a chunk, or `message` of a completion. */
export type Delta = {
  role?: string | null | undefined;
  content?: unknown;
  refusal?: string | null | undefined;
  reasoning?: string | null | undefined;
  reasoning_content?: string | null | undefined;
  reasoning_details?: ReasoningDetail[] | null | undefined;
  tool_calls?: ToolCallDelta[] | null | undefined;
  annotations?: Annotation[] | null | undefined;
  images?: { image_url?: { url?: string | null } | null }[] | null | undefined;
};

/** An annotation of a response; only `url_citation` is read. */
export type Annotation = {
  type?: string | null | undefined;
  url_citation?:
    | { url?: string | null; title?: string | null; content?: string | null }
    | null
    | undefined;
};

/** One completion; only index 0 is read. */
export type Choice = {
  index?: number | null | undefined;
  delta?: Delta | null | undefined;
  message?: Delta | null | undefined;
  finish_reason?: string | null | undefined;
  native_finish_reason?: string | null | undefined;
  /** The matched stop sequence (vLLM). */
  stop_reason?: unknown;
  /** The same (SGLang). */
  matched_stop?: unknown;
  usage?: Usage | null | undefined;
  error?: unknown;
};

/** `prompt_tokens` includes cache reads and cache writes. */
export type Usage = {
  prompt_tokens?: number | null | undefined;
  completion_tokens?: number | null | undefined;
  /** In USD, as OpenRouter charges it. */
  cost?: number | null | undefined;
  prompt_tokens_details?:
    | {
      cached_tokens?: number | null | undefined;
      cache_write_tokens?: number | null | undefined;
    }
    | null
    | undefined;
  /** Cache reads (DeepSeek, Mistral, Moonshot). */
  prompt_cache_hit_tokens?: number | null | undefined;
  num_cached_tokens?: number | null | undefined;
  cached_tokens?: number | null | undefined;
  completion_tokens_details?: { reasoning_tokens?: number | null | undefined } | null | undefined;
  server_tool_use_details?: ServerToolUse | null | undefined;
  /** The documented name. */
  server_tool_use?: ServerToolUse | null | undefined;
};

/** Number of server tool uses. */
export type ServerToolUse = {
  web_search_requests?: number | null | undefined;
};

/** A chunk of a stream, or a completion. */
export type Chunk = {
  id?: string | null | undefined;
  model?: string | null | undefined;
  provider?: string | null | undefined;
  service_tier?: string | null | undefined;
  choices?: Choice[] | null | undefined;
  usage?: Usage | null | undefined;
  error?: unknown;
};

/** One model of `GET /models`; only fields that are read. */
export type CatalogEntry = {
  id?: string | null | undefined;
  name?: string | null | undefined;
  /** Seconds since the epoch. */
  created?: number | null | undefined;
  context_length?: number | null | undefined;
  top_provider?: { max_completion_tokens?: number | null | undefined } | null | undefined;
  architecture?: { input_modalities?: unknown } | null | undefined;
  reasoning?:
    | {
      mandatory?: boolean | null | undefined;
      supports_max_tokens?: boolean | null | undefined;
      supported_efforts?: unknown;
    }
    | null
    | undefined;
  supported_parameters?: string[] | null | undefined;
  /** USD per token, as a string. */
  pricing?:
    | {
      prompt?: string | null | undefined;
      completion?: string | null | undefined;
      input_cache_read?: string | null | undefined;
      input_cache_write?: string | null | undefined;
    }
    | null
    | undefined;
};
