/**
 * A StreamTranslator with the same message id, model and input tokens in every test.
 * @module
 */

import type { ContextManagement, Message, StreamEvent } from "../../lib/anthropic/types.ts";
import type { Chunk } from "../../lib/openrouter/types.ts";
import { ToolNames } from "../../lib/translate/tool_names.ts";
import { collectMessage } from "../../lib/translate/response/message.ts";
import { StreamTranslator } from "../../lib/translate/response/stream_translator.ts";

/** The options that a test can set. */
export interface TranslatorOptions {
  /** The tool names of the request. */
  names?: string[];
  takenCallIds?: string[];
  stopSequences?: string[];
  /** The client's max_tokens, if the upstream request has more. */
  visibleTokens?: number;
  /** The request had `safeguards`. */
  reportsSafeguards?: boolean;
  /** The request had a web search tool. */
  searchesWeb?: boolean;
  /** The applied edits, if the request has `context_management`. */
  contextManagement?: ContextManagement;
  /** The request had `thinking.display: "omitted"`. */
  hidesThinking?: boolean;
  cacheTtl?: "5m" | "1h";
  /** Text that is redacted from errors. */
  secret?: string;
}

/** The first event of every stream. */
export const MESSAGE_START: StreamEvent = {
  type: "message_start",
  message: {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-test",
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    usage: {
      input_tokens: 10,
      output_tokens: 1,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
      service_tier: "standard",
    },
  },
};

/** A translator whose generated tool call ids count from `toolu_made_1`. */
export function createTranslator(options: TranslatorOptions = {}): StreamTranslator {
  const { names, secret, ...rest } = options;
  let made = 0;
  return new StreamTranslator({
    messageId: "msg_1",
    model: "claude-test",
    inputTokens: 10,
    newCallId: () => `toolu_made_${++made}`,
    ...(names === undefined ? {} : { names: new ToolNames(names) }),
    ...(secret === undefined ? {} : { redact: (text: string) => text.replaceAll(secret, "***") }),
    ...rest,
  });
}

/** The message that a stream of these chunks is translated to. The request has the stop sequence "END". */
export function translateChunks(...chunks: Chunk[]): Message {
  const translator = createTranslator({ stopSequences: ["END"] });
  const events = chunks.flatMap((chunk) => translator.push(chunk));
  return collectMessage([...events, ...translator.finish()]);
}
