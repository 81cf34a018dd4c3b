/**
 * What upstream speaks: OpenRouter's chat completions. Types only.
 * What we send is strict; of what we receive every field is optional and nullable, because providers
 * behind OpenRouter leave out, repeat or null each of them (recorded streams, September 2026).
 * @module
 */

import type { CacheControl } from "../anthropic/types.ts";
import type { UserLocation } from "../anthropic/server_tools.ts";

/** Text within a message. */
export type TextPart = {
  type: "text";
  text: string;
  cache_control?: CacheControl;
};

/** `url` is https or a `data:` URL. */
export type ImagePart = {
  type: "image_url";
  image_url: { url: string };
  cache_control?: CacheControl;
};

/** A PDF. `file_data` is https or a `data:` URL. */
export type FilePart = {
  type: "file";
  file: { filename: string; file_data: string };
  cache_control?: CacheControl;
};

/** What a user's message may hold. */
export type ContentPart = TextPart | ImagePart | FilePart;

/** A call of a tool in the history; `arguments` is JSON as text. */
export type ToolCall = {
  id: string;
  type: "function";
  function: { name: string; arguments: string };
};

/** One entry of `reasoning_details`, in both directions. The set of types and formats is open. */
export type ReasoningDetail = {
  type?: string | null;
  text?: string | null;
  summary?: string | null;
  signature?: string | null;
  data?: string | null;
  format?: string | null;
  id?: string | null;
  index?: number | null;
};

/** One message of the conversation. */
export type ChatMessage =
  | { role: "system"; content: string | TextPart[] }
  | { role: "user"; content: string | ContentPart[] }
  | {
    role: "assistant";
    content: string | TextPart[] | null;
    tool_calls?: ToolCall[];
    reasoning_details?: ReasoningDetail[];
    reasoning?: string;
    reasoning_content?: string;
  }
  | { role: "tool"; tool_call_id: string; content: string | TextPart[] };

/** A tool that the client runs. */
export type FunctionTool = {
  type: "function";
  function: {
    name: string;
    description?: string;
    parameters: Record<string, unknown>;
    strict?: true;
  };
  cache_control?: CacheControl;
};

/** Web search, which OpenRouter runs. */
export type WebSearchTool = {
  type: "openrouter:web_search";
  parameters?: {
    max_uses?: number;
    allowed_domains?: string[];
    excluded_domains?: string[];
    user_location?: UserLocation;
  };
};

/** Web fetch, which OpenRouter runs. */
export type WebFetchTool = {
  type: "openrouter:web_fetch";
  parameters?: {
    max_uses?: number;
    allowed_domains?: string[];
    blocked_domains?: string[];
    max_content_tokens?: number;
  };
};

/** A model that the answering model may ask, which OpenRouter asks for it. */
export type AdvisorTool = {
  type: "openrouter:advisor";
  parameters: {
    model?: string;
    forward_transcript: true;
    max_completion_tokens?: number;
  };
};

/** A tool that OpenRouter runs. */
export type ServerTool = WebSearchTool | WebFetchTool | AdvisorTool;

/** A tool, of the client's or of OpenRouter's. */
export type Tool = FunctionTool | ServerTool;

/** Whether tools may be called, must be, or which one, as every server knows it. */
export type OpenAiToolChoice =
  | "auto"
  | "required"
  | "none"
  | { type: "function"; function: { name: string } };

/** The same at OpenRouter, which can be told to run a tool of its own. */
export type ToolChoice = OpenAiToolChoice | { type: ServerTool["type"] };

/** How much reasoning is wanted: an effort, or a budget in tokens. */
export type Reasoning = {
  enabled?: boolean;
  effort?: string;
  max_tokens?: number;
};

/** The body of `POST /chat/completions`. Keys in the order in which they are sent. */
export type ChatRequest = {
  model: string;
  /** OpenRouter's own fallbacks, tried after `model`. */
  models?: string[];
  messages: ChatMessage[];
  tools?: Tool[];
  tool_choice?: ToolChoice;
  parallel_tool_calls?: false;
  max_tokens: number;
  temperature?: number;
  top_p?: number;
  top_k?: number;
  stop?: string[];
  response_format?: {
    type: "json_schema";
    json_schema: { name: string; strict: true; schema: Record<string, unknown> };
  };
  reasoning?: Reasoning;
  verbosity?: string;
  provider?: Record<string, unknown>;
  plugins?: { id: "file-parser"; pdf: { engine: string } }[];
  service_tier?: "priority" | "default";
  cache_control?: CacheControl;
  user?: string;
  session_id?: string;
  stream?: true;
  /** No effect at OpenRouter, which always reports usage; other servers need it. */
  stream_options?: { include_usage: true };
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
  tools?: FunctionTool[];
  tool_choice?: OpenAiToolChoice;
  /** OpenAI refuses `max_tokens` on its newer models. */
  max_completion_tokens: number;
  reasoning_effort?: string;
};

/** A fragment of a tool call. Any of the four facts may be missing, late or repeated. */
export type ToolCallDelta = {
  index?: number | null;
  id?: string | null;
  function?: { name?: string | null; arguments?: unknown } | null;
};

/** `delta` of a chunk, or `message` of a whole completion: the same fields. */
export type Delta = {
  role?: string | null;
  content?: unknown;
  refusal?: string | null;
  reasoning?: string | null;
  reasoning_content?: string | null;
  reasoning_details?: ReasoningDetail[] | null;
  tool_calls?: ToolCallDelta[] | null;
  annotations?: Annotation[] | null;
  images?: { image_url?: { url?: string | null } | null }[] | null;
};

/** What an answer has from elsewhere. Of the types only `url_citation` is read. */
export type Annotation = {
  type?: string | null;
  url_citation?: { url?: string | null; title?: string | null; content?: string | null } | null;
};

/** One answer of the model; only that of index 0 is read. */
export type Choice = {
  index?: number | null;
  delta?: Delta | null;
  message?: Delta | null;
  finish_reason?: string | null;
  native_finish_reason?: string | null;
  /** vLLM: the stop sequence that was met. */
  stop_reason?: unknown;
  /** SGLang: the same. */
  matched_stop?: unknown;
  usage?: Usage | null;
  error?: unknown;
};

/** `prompt_tokens` includes both what was read from and what was written to the cache. */
export type Usage = {
  prompt_tokens?: number | null;
  completion_tokens?: number | null;
  /** In USD, as OpenRouter charges it. */
  cost?: number | null;
  prompt_tokens_details?: {
    cached_tokens?: number | null;
    cache_write_tokens?: number | null;
  } | null;
  /** DeepSeek's, Mistral's and Moonshot's own names for what was read from the cache. */
  prompt_cache_hit_tokens?: number | null;
  num_cached_tokens?: number | null;
  cached_tokens?: number | null;
  completion_tokens_details?: { reasoning_tokens?: number | null } | null;
  server_tool_use_details?: ServerToolUse | null;
  /** The name that the documentation has for the same. */
  server_tool_use?: ServerToolUse | null;
};

/** How often tools were used that upstream runs. */
export type ServerToolUse = {
  web_search_requests?: number | null;
};

/** A chunk of a stream, or a whole completion. */
export type Chunk = {
  id?: string | null;
  model?: string | null;
  provider?: string | null;
  service_tier?: string | null;
  choices?: Choice[] | null;
  usage?: Usage | null;
  error?: unknown;
};

/** One model of `GET /models`, as far as it is read. */
export type CatalogEntry = {
  id?: string | null;
  name?: string | null;
  /** Seconds since the epoch. */
  created?: number | null;
  context_length?: number | null;
  top_provider?: { max_completion_tokens?: number | null } | null;
  architecture?: { input_modalities?: unknown } | null;
  reasoning?: {
    mandatory?: boolean | null;
    supports_max_tokens?: boolean | null;
    supported_efforts?: unknown;
  } | null;
  supported_parameters?: string[] | null;
  /** USD per token, as text. */
  pricing?: {
    prompt?: string | null;
    completion?: string | null;
    input_cache_read?: string | null;
    input_cache_write?: string | null;
  } | null;
};
