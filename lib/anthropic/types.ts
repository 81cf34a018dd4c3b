/**
 * Types of the Anthropic Messages API, for the fields that this proxy reads or writes. Tests check them against the SDK.
 * @module
 */

import type { ErrorBody } from "../errors.ts";
import type { Citation, ServerTools, WebSearchBlock, WebSearchResult } from "./server_tools.ts";

/** A breakpoint of the prompt cache. */
export type CacheControl = { type: "ephemeral"; ttl?: "5m" | "1h" | undefined };

/** Fields of every request block that can be cached. */
export type Cacheable = { cache_control?: CacheControl | null | undefined };

/** A text block of a request. */
export type TextBlock = Cacheable & { type: "text"; text: string };

/** The data of an image, or its URL. */
export type ImageSource =
  | { type: "base64"; media_type: string; data: string }
  | { type: "url"; url: string };

/** An image in a user turn or a tool result. */
export type ImageBlock = Cacheable & { type: "image"; source: ImageSource };

/** The data of a document, or its URL. */
export type DocumentSource =
  | { type: "base64"; media_type: "application/pdf"; data: string }
  | { type: "url"; url: string }
  | { type: "text"; media_type: "text/plain"; data: string }
  | { type: "content"; content: (TextBlock | ImageBlock)[] };

/** A document: a PDF, plain text, or text and images. */
export type DocumentBlock = Cacheable & {
  type: "document";
  source: DocumentSource;
  title?: string | undefined;
  context?: string | undefined;
};

/** A search result that the client provides, with its source. */
export type SearchResultBlock = Cacheable & {
  type: "search_result";
  source: string;
  title: string;
  content: TextBlock[];
};

/** A tool call in the history. */
export type ToolUseBlock = Cacheable & {
  type: "tool_use";
  id: string;
  name: string;
  input: Record<string, unknown>;
};

/** A tool result. `content` may be absent, and has no lists inside its list. */
export type ToolResultBlock = Cacheable & {
  type: "tool_result";
  tool_use_id: string;
  content?: string | ToolResultContent[] | undefined;
  is_error?: boolean | undefined;
};

/** A block that users and tool results share. */
export type InputBlock = TextBlock | ImageBlock | DocumentBlock | SearchResultBlock;

/** A block in a tool result. */
export type ToolResultContent = InputBlock | ToolReferenceBlock | UnsupportedBlock;

/** A deferred tool that a client's tool search found, or that a system turn adds. */
export type ToolReferenceBlock = { type: "tool_reference"; tool_name: string };

/** Reasoning of an earlier response, sent back unchanged. */
export type ThinkingBlock = {
  type: "thinking";
  thinking: string;
  /** Opaque; "" if upstream sent none. */
  signature: string;
};

/** Encrypted reasoning, which only the model that produced it can read. */
export type RedactedThinkingBlock = { type: "redacted_thinking"; data: string };

/** A block without a counterpart upstream, or newer than this proxy. `blockType` is reported as dropped. */
export type UnsupportedBlock = Cacheable & { type: "unsupported"; blockType: string };

/** A block in a user turn. */
export type UserContent = InputBlock | ToolResultBlock | UnsupportedBlock;
/** A block in an assistant turn. */
export type AssistantContent =
  | TextBlock
  | ToolUseBlock
  | ThinkingBlock
  | RedactedThinkingBlock
  | WebSearchBlock
  | UnsupportedBlock;
/** A block in a system turn. */
export type SystemContent = TextBlock | ToolReferenceBlock | UnsupportedBlock;

/** One turn. String content has become one text block. */
export type MessageParam =
  | { role: "user"; content: UserContent[] }
  | { role: "assistant"; content: AssistantContent[] }
  /** `effort` replaces that of the request from this turn on. */
  | { role: "system"; content: SystemContent[]; effort?: Effort | undefined };

/** A tool that the client runs. */
export type Tool = Cacheable & {
  name: string;
  /** Its index in the client's list, for error messages. */
  position: number;
  description?: string | undefined;
  input_schema: Record<string, unknown>;
  strict?: boolean | undefined;
  /** Whether the tool is hidden from the model until a tool search finds it. */
  defer_loading?: boolean | undefined;
};

/** `tool` names a tool that the client runs; tools that upstream runs have a type of their own. */
export type ToolChoice =
  | { type: "auto" | "any" | keyof ServerTools; disable_parallel_tool_use?: boolean | undefined }
  | { type: "tool"; name: string; disable_parallel_tool_use?: boolean | undefined }
  | { type: "none" };

/** How much the model reasons, and whether the response contains it. */
export type Thinking =
  | { type: "enabled"; budget_tokens: number; display?: "omitted" | undefined }
  | { type: "adaptive" | "disabled" | "between_tools"; display?: "omitted" | undefined };

/** `output_config.effort`. */
export type Effort = "low" | "medium" | "high" | "xhigh" | "max";

/** A parsed `POST /v1/messages` request. Fields that are not forwarded are listed in `droppedFields`. */
export type MessagesRequest = ServerTools & {
  model: string;
  /** 0 fills the cache and returns an empty response. */
  max_tokens: number;
  messages: MessageParam[];
  system: TextBlock[];
  stream: boolean;
  tools: Tool[];
  tool_choice?: ToolChoice | undefined;
  /** How many of the last turns keep their thinking; absent: all. */
  thinking_turns?: number | undefined;
  /** Whether the request has `context_management`, so that the response reports the applied edits. */
  manages_context: boolean;
  thinking?: Thinking | undefined;
  effort?: Effort | undefined;
  /** JSON schema of the response text. */
  output_schema?: Record<string, unknown> | undefined;
  temperature?: number | undefined;
  top_p?: number | undefined;
  top_k?: number | undefined;
  stop_sequences: string[];
  /** Models to try if the first one fails. */
  fallbacks: string[];
  /** Whether verdicts on dangerous tool calls are requested, which only Anthropic supports. */
  safeguards: boolean;
  user_id?: string | undefined;
  service_tier?: "priority" | "standard" | undefined;
  cache_control?: CacheControl | undefined;
  /** Names of fields that were sent and are not forwarded. */
  droppedFields: string[];
};

/** A block of a response. Absent `citations` are left out, because strict clients fail on null. */
export type ContentBlock =
  | { type: "text"; text: string; citations?: Citation[] | undefined }
  | { type: "thinking"; thinking: string; signature: string }
  | { type: "redacted_thinking"; data: string }
  | { type: "tool_use"; id: string; name: string; input: Record<string, unknown> }
  | { type: "server_tool_use"; id: string; name: "web_search"; input: Record<string, unknown> }
  | { type: "web_search_tool_result"; tool_use_id: string; content: WebSearchResult[] };

/** Why a response ended. */
export type StopReason =
  | "end_turn"
  | "max_tokens"
  | "stop_sequence"
  | "tool_use"
  | "refusal"
  | "model_context_window_exceeded";

/** Details of a refusal. */
export type StopDetails = { type: "refusal"; category: string | null; explanation: string | null };

/** Token counts. `input_tokens` excludes tokens read from or written to the cache. */
export type Usage = {
  input_tokens: number;
  output_tokens: number;
  cache_creation_input_tokens: number;
  cache_read_input_tokens: number;
  output_tokens_details?: { thinking_tokens: number } | undefined;
  /** Tokens written to the cache, by time to live. */
  cache_creation?: {
    ephemeral_5m_input_tokens: number | undefined;
    ephemeral_1h_input_tokens: number;
  } | undefined;
  server_tool_use?:
    | { web_search_requests: number | undefined; web_fetch_requests: number }
    | undefined;
  service_tier?: "standard" | "priority" | undefined;
};

/** Edits of the context that were applied before the request was sent. Token counts are estimates. */
export type ContextManagement = {
  applied_edits: {
    type: "clear_thinking_20251015";
    cleared_thinking_turns: number;
    cleared_input_tokens: number;
  }[];
};

/** A complete response. */
export type Message = {
  id: string;
  type: "message";
  role: "assistant";
  model: string;
  content: ContentBlock[];
  stop_reason: StopReason | null;
  stop_sequence: string | null;
  stop_details: StopDetails | null;
  usage: Usage;
  /** Only if the request had `context_management`. */
  context_management?: ContextManagement | undefined;
  /** Only if the request had `safeguards`. */
  safeguard_results?: SafeguardResult[] | undefined;
};

/** A delta of the open block. */
export type BlockDelta =
  | { type: "text_delta"; text: string }
  | { type: "citations_delta"; citation: Citation }
  | { type: "thinking_delta"; thinking: string }
  | { type: "signature_delta"; signature: string }
  | { type: "input_json_delta"; partial_json: string };

/** How a response ended: the `delta` of `message_delta`. */
export type MessageDelta = {
  stop_reason: StopReason;
  stop_sequence: string | null;
  stop_details: StopDetails | null;
  /** Only if the request had `safeguards`. */
  safeguard_results?: SafeguardResult[] | undefined;
};

/** The result of a requested safeguard. Upstream supports none. */
export type SafeguardResult = {
  type: "dangerous_tool_use";
  status: { type: "unsupported" };
};

/** The events of a stream. Only one block is open at a time. */
export type StreamEvent =
  | { type: "message_start"; message: Message }
  | { type: "content_block_start"; index: number; content_block: ContentBlock }
  | { type: "content_block_delta"; index: number; delta: BlockDelta }
  | { type: "content_block_stop"; index: number }
  | {
    type: "message_delta";
    delta: MessageDelta;
    usage: Usage;
    context_management?: ContextManagement | undefined;
  }
  | { type: "message_stop" }
  | { type: "ping" }
  | { type: "error"; error: ErrorBody; request_id?: string | undefined };

/** One entry of `GET /v1/models`. */
export type ModelInfo = {
  type: "model";
  id: string;
  display_name: string;
  created_at: string;
  max_input_tokens: number | null;
  max_tokens: number | null;
};
