/**
 * The translators alone, for programs with their own transport: requests of Anthropic's Messages API to OpenRouter's
 * chat completions, and the responses back, complete or streamed. No network, clock or environment; IDs are random
 * unless you pass your own.
 *
 * A request and its complete response:
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import {
 *   createTranslator,
 *   parseMessagesRequest,
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
 * const message = translateResponse(completion, createTranslator(response));
 * assertEquals(message.content, [{ type: "text", text: "Hi!" }]);
 * assertEquals(message.stop_reason, "end_turn");
 * ```
 *
 * A streamed response: the bytes that upstream sends become events, and the events become the bytes that a client of
 * Anthropic reads:
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { encodeEvents, translateStream } from "@claudeproxy/openrouter/translate";
 *
 * const upstream = new Response(
 *   'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n' +
 *     'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
 * );
 * if (upstream.body === null) throw new Error("No body");
 * const events = translateStream(upstream.body, { model: "claude-sonnet-4-5" });
 * const text = await new Response(encodeEvents(events)).text();
 * assertEquals(text.match(/^event: .+$/gm), [
 *   "event: message_start",
 *   "event: content_block_start",
 *   "event: content_block_delta",
 *   "event: content_block_stop",
 *   "event: message_delta",
 *   "event: message_stop",
 * ]);
 * ```
 *
 * The same, chunk by chunk:
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createTranslator } from "@claudeproxy/openrouter/translate";
 *
 * const translator = createTranslator({ model: "claude-sonnet-4-5" });
 * const events = [
 *   ...translator.push({ choices: [{ delta: { content: "Hi" } }] }),
 *   ...translator.push({ choices: [{ delta: {}, finish_reason: "stop" }] }),
 *   ...translator.finish(),
 * ];
 * assertEquals(events.at(2), {
 *   type: "content_block_delta",
 *   index: 0,
 *   delta: { type: "text_delta", text: "Hi" },
 * });
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
export {
  createTranslator,
  encodeEvents,
  translateStream,
  type TranslatorOptions,
} from "./streams.ts";
