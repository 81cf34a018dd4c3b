/**
 * Types of the Anthropic Messages API, as far as this proxy reads or writes it; the SDK checks them in the tests.
 * @module
 */

import type { Citation, ServerTools, WebSearchBlock, WebSearchResult } from "./server_tools.ts";

/** A breakpoint of the prompt cache. */
export type CacheControl = { type: "ephemeral"; ttl?: "5m" | "1h" };

/** What every cacheable request block may carry. */
export type Cacheable = { cache_control?: CacheControl | null | undefined };

/** Text, from either side. */
export type TextBlock = Cacheable & { type: "text"; text: string };

/** Where the bytes of an image are: in the request, or at an address. */
export type ImageSource =
  | { type: "base64"; media_type: string; data: string }
  | { type: "url"; url: string };

/** An image in a user turn or a tool result. */
export type ImageBlock = Cacheable & { type: "image"; source: ImageSource };

/** Where a document is: in the request, or at an address. */
export type DocumentSource =
  | { type: "base64"; media_type: "application/pdf"; data: string }
  | { type: "url"; url: string }
  | { type: "text"; media_type: "text/plain"; data: string }
  | { type: "content"; content: (TextBlock | ImageBlock)[] };

/** A document: a PDF, or text and images that belong together. */
export type DocumentBlock = Cacheable & {
  type: "document";
  source: DocumentSource;
  title?: string | undefined;
  context?: string | undefined;
};

/** Something found, with the place it was found at. */
export type SearchResultBlock = Cacheable & {
  type: "search_result";
  source: string;
  title: string;
  content: TextBlock[];
};

/** A call of a tool, as the client sends it back in the history. */
export type ToolUseBlock = Cacheable & {
  type: "tool_use";
  id: string;
  name: string;
  input: Record<string, unknown>;
};

/** What a tool gave back. `content` may be absent; it is never nested deeper than one list. */
export type ToolResultBlock = Cacheable & {
  type: "tool_result";
  tool_use_id: string;
  content?: string | ToolResultContent[] | undefined;
  is_error?: boolean | undefined;
};

/** What both a user and a tool can show. */
export type InputBlock = TextBlock | ImageBlock | DocumentBlock | SearchResultBlock;

/** What a tool result may hold. */
export type ToolResultContent = InputBlock | ToolReferenceBlock | UnsupportedBlock;

/** What a client's tool search found, or a system turn makes known. */
export type ToolReferenceBlock = { type: "tool_reference"; tool_name: string };

/** Reasoning of an earlier answer, sent back unchanged. */
export type ThinkingBlock = {
  type: "thinking";
  thinking: string;
  /** Opaque proof of origin; "" where upstream gave none. */
  signature: string;
};

/** Reasoning that nobody may read but the model that made it. */
export type RedactedThinkingBlock = { type: "redacted_thinking"; data: string };

/**
 * A block that has no counterpart upstream, e.g. `code_execution_tool_result` in history, or that is newer than
 * this proxy. `foreign` holds the wire type, for the report of dropped fields.
 */
export type UnsupportedBlock = Cacheable & { type: "foreign"; foreign: string };

/** What a user's turn may hold. */
export type UserContent = InputBlock | ToolResultBlock | UnsupportedBlock;
/** What an earlier answer may hold. */
export type AssistantContent =
  | TextBlock
  | ToolUseBlock
  | ThinkingBlock
  | RedactedThinkingBlock
  | WebSearchBlock
  | UnsupportedBlock;
/** What a system turn may hold. */
export type SystemContent = TextBlock | ToolReferenceBlock | UnsupportedBlock;

/** One turn. String content on the wire arrives here as one text block. */
export type MessageParam =
  | { role: "user"; content: UserContent[] }
  | { role: "assistant"; content: AssistantContent[] }
  /** `effort` counts from this turn on, in place of the request's. */
  | { role: "system"; content: SystemContent[]; effort?: Effort };

/** A tool that the client runs. Anthropic-only keys that nobody reads are not listed. */
export type Tool = Cacheable & {
  name: string;
  /** Its place in the client's list, for messages. */
  position: number;
  description?: string | undefined;
  input_schema: Record<string, unknown>;
  strict?: boolean | undefined;
  /** Hidden from the model until a tool search has found it. */
  defer_loading?: boolean | undefined;
};

/** A named choice is a tool of the client's, or one that upstream runs. */
export type ToolChoice =
  | { type: "auto" | "any" | keyof ServerTools; disable_parallel_tool_use?: boolean }
  | { type: "tool"; name: string; disable_parallel_tool_use?: boolean }
  | { type: "none" };

/** How much reasoning is wanted, and whether the client wants to see it. */
export type Thinking =
  | { type: "enabled"; budget_tokens: number; display?: "omitted" }
  | { type: "adaptive" | "disabled" | "between_tools"; display?: "omitted" };

/** How hard the model should try. */
export type Effort = "low" | "medium" | "high" | "xhigh" | "max";

/** `POST /v1/messages`, checked. Keys that nobody reads are kept out of the type and listed in `unread`. */
export type MessagesRequest = ServerTools & {
  model: string;
  /** 0 fills the cache and asks for no answer. */
  max_tokens: number;
  messages: MessageParam[];
  system: TextBlock[];
  stream: boolean;
  tools: Tool[];
  tool_choice?: ToolChoice | undefined;
  /** How many of the last turns keep their thinking; absent: all, and nothing was asked. */
  thinking_turns?: number | undefined;
  /** Whether the client asked for edits of the context, and so wants to hear what was done. */
  manages_context: boolean;
  thinking?: Thinking | undefined;
  effort?: Effort | undefined;
  /** JSON schema that the answer's text must fit. */
  output_schema?: Record<string, unknown> | undefined;
  temperature?: number | undefined;
  top_p?: number | undefined;
  top_k?: number | undefined;
  stop_sequences: string[];
  /** Models to try where the first cannot answer. */
  fallbacks: string[];
  /** Whether the client asked for verdicts on dangerous tool calls, which only Anthropic gives. */
  safeguards: boolean;
  user_id?: string | undefined;
  /** How soon: paid-for priority, or never that. */
  service_tier?: "priority" | "standard" | undefined;
  cache_control?: CacheControl | undefined;
  /** Top-level fields that were sent, mean something to Anthropic, and do not travel. */
  droppedFields: string[];
};

/** Blocks of an answer. `citations` and `caller` are left out when there is none: strict readers fail on null. */
export type ContentBlock =
  | { type: "text"; text: string; citations?: Citation[] }
  | { type: "thinking"; thinking: string; signature: string }
  | { type: "redacted_thinking"; data: string }
  | { type: "tool_use"; id: string; name: string; input: Record<string, unknown> }
  | { type: "server_tool_use"; id: string; name: "web_search"; input: Record<string, unknown> }
  | { type: "web_search_tool_result"; tool_use_id: string; content: WebSearchResult[] };

/** Why an answer ended. */
export type StopReason =
  | "end_turn"
  | "max_tokens"
  | "stop_sequence"
  | "tool_use"
  | "refusal"
  | "model_context_window_exceeded";

/** What a refusal says about itself. */
export type StopDetails = { type: "refusal"; category: string | null; explanation: string | null };

/** Tokens. `input_tokens` excludes what was read from or written to the cache. */
export type Usage = {
  input_tokens: number;
  output_tokens: number;
  cache_creation_input_tokens: number;
  cache_read_input_tokens: number;
  output_tokens_details?: { thinking_tokens: number } | undefined;
  /** What was written to the cache, by how long it is kept. */
  cache_creation?: {
    ephemeral_5m_input_tokens: number | undefined;
    ephemeral_1h_input_tokens: number;
  };
  server_tool_use?: { web_search_requests: number | undefined; web_fetch_requests: number };
  service_tier?: "standard" | "priority" | undefined;
};

/** What was done to the context before the model saw it. Tokens are an estimate. */
export type ContextManagement = {
  applied_edits: {
    type: "clear_thinking_20251015";
    cleared_thinking_turns: number;
    cleared_input_tokens: number;
  }[];
};

/** A whole answer. */
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
  /** Only where the request managed its context. */
  context_management?: ContextManagement | undefined;
  /** Only where the request had `safeguards`. */
  safeguard_results?: SafeguardResult[] | undefined;
};

/** What a stream adds to the open block. */
export type BlockDelta =
  | { type: "text_delta"; text: string }
  | { type: "citations_delta"; citation: Citation }
  | { type: "thinking_delta"; thinking: string }
  | { type: "signature_delta"; signature: string }
  | { type: "input_json_delta"; partial_json: string };

/** How an answer ended: the body of `message_delta`. */
export type MessageDelta = {
  stop_reason: StopReason;
  stop_sequence: string | null;
  stop_details: StopDetails | null;
  /** Only where the request had `safeguards`. */
  safeguard_results?: SafeguardResult[] | undefined;
};

/** What became of a safeguard that the client asked for. Upstream has none. */
export type SafeguardResult = {
  type: "dangerous_tool_use";
  status: { type: "unsupported" };
};

/** The error types of the API; their HTTP status stands in errors.ts. */
export type ErrorType =
  | "invalid_request_error"
  | "authentication_error"
  | "billing_error"
  | "permission_error"
  | "not_found_error"
  | "request_too_large"
  | "rate_limit_error"
  | "timeout_error"
  | "api_error"
  | "overloaded_error";

/** `details` is sent only where a client acts on it. */
export type ErrorBody = {
  type: ErrorType;
  message: string;
  details?: Record<string, unknown> | undefined;
};

/** The events of an answer stream, in the grammar of the API: one block open at a time. */
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
  | { type: "error"; error: ErrorBody; request_id?: string };

/** One entry of `GET /v1/models`. */
export type ModelInfo = {
  type: "model";
  id: string;
  display_name: string;
  created_at: string;
  max_input_tokens: number | null;
  max_tokens: number | null;
};
