/**
 * The translators alone, for programs with their own transport: requests of Anthropic's Messages API to OpenRouter's
 * chat completions, and the responses back, complete or streamed. Pure: no network, clock or environment; IDs are
 * options.
 *
 * A request and its complete response:
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import {
 *   parseMessagesRequest,
 *   StreamTranslator,
 *   translateRequest,
 *   translateResponse,
 * } from "@claudeproxy/openrouter/translate";
 *
 * const request = parseMessagesRequest({
 *   model: "claude-sonnet-4-5",
 *   max_tokens: 100,
 *   messages: [{ role: "user", content: "Hello" }],
 * });
 * const { body, response } = translateRequest(request, { models: ["openai/gpt-5"] });
 * assertEquals(body.messages, [{ role: "user", content: "Hello" }]);
 *
 * // OpenRouter's response to `body`:
 * const completion = {
 *   choices: [{ message: { role: "assistant", content: "Hi!" }, finish_reason: "stop" }],
 *   usage: { prompt_tokens: 8, completion_tokens: 2 },
 * };
 * const translator = new StreamTranslator({
 *   ...response,
 *   messageId: "msg_1",
 *   newCallId: () => `toolu_${crypto.randomUUID()}`,
 * });
 * const message = translateResponse(completion, translator);
 * assertEquals(message.content, [{ type: "text", text: "Hi!" }]);
 * assertEquals(message.stop_reason, "end_turn");
 * ```
 *
 * A streamed response, chunk by chunk:
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { StreamTranslator } from "@claudeproxy/openrouter/translate";
 *
 * const translator = new StreamTranslator({
 *   messageId: "msg_1",
 *   model: "claude-sonnet-4-5",
 *   inputTokens: 8,
 *   newCallId: () => `toolu_${crypto.randomUUID()}`,
 * });
 * const events = [
 *   ...translator.push({ choices: [{ delta: { content: "Hi" } }] }),
 *   ...translator.push({ choices: [{ delta: {}, finish_reason: "stop" }] }),
 *   ...translator.finish(),
 * ];
 * assertEquals(events.map((event) => event.type), [
 *   "message_start",
 *   "content_block_start",
 *   "content_block_delta",
 *   "content_block_stop",
 *   "message_delta",
 *   "message_stop",
 * ]);
 * ```
 * @module
 */

export type {
  AssistantContent,
  BlockDelta,
  Cacheable,
  CacheControl,
  ContentBlock,
  ContextManagement,
  DocumentBlock,
  DocumentSource,
  Effort,
  ImageBlock,
  ImageSource,
  InputBlock as Showable,
  Message,
  MessageDelta as Ending,
  MessageParam,
  MessagesRequest,
  RedactedThinkingBlock,
  SafeguardResult,
  SearchResultBlock,
  StopDetails,
  StopReason,
  StreamEvent,
  SystemContent,
  TextBlock,
  Thinking,
  ThinkingBlock,
  Tool,
  ToolChoice,
  ToolReferenceBlock,
  ToolResultBlock,
  ToolResultContent,
  ToolUseBlock,
  UnsupportedBlock as ForeignBlock,
  Usage,
  UserContent,
} from "./anthropic/types.ts";
export { parseMessagesRequest } from "./anthropic/parse_request.ts";
export type {
  Advisor,
  Citation,
  SearchHit,
  ServerTools,
  UserLocation,
  WebFetch,
  WebSearch,
  WebSearchBlock,
  WebSearchResult,
} from "./anthropic/server_tools.ts";
export { ApiError, type ApiErrorOptions, type ErrorBody, type ErrorType } from "./errors.ts";
export type {
  AdvisorTool,
  Annotation,
  ChatMessage,
  ChatRequest,
  Choice,
  Chunk,
  ContentPart,
  Delta,
  FilePart,
  FunctionTool,
  ImagePart,
  OpenAiToolChoice as GenericToolChoice,
  Reasoning,
  ReasoningDetail,
  ServerTool,
  ServerToolUse,
  TextPart,
  Tool as ChatTool,
  ToolCall,
  ToolCallDelta,
  ToolChoice as ChatToolChoice,
  Usage as ChatUsage,
  WebFetchTool,
  WebSearchTool,
} from "./openrouter/types.ts";
export type { ToolNames } from "./translate/tool_names.ts";
export type { UpstreamMetadata as UpstreamFacts } from "./translate/response/usage.ts";
export type { OnBlock } from "./translate/response/block_queue.ts";
export {
  type RequestOptions,
  type TranslatedRequest,
  translateRequest,
} from "./translate/request/request.ts";
export type { ResponseContext } from "./translate/request/response_context.ts";
export { translateResponse } from "./translate/response/message.ts";
export { type StreamOptions, StreamTranslator } from "./translate/response/stream_translator.ts";
export type {
  ImageDescription,
  ImageDescriptions,
  InputKind,
} from "./translate/request/placeholders.ts";
export type { LengthLimits, ReasoningLimits } from "./translate/request/reasoning_options.ts";
