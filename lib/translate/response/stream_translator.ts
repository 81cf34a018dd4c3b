/**
 * Translates chat-completion chunks to Anthropic stream events. Pure: no I/O, no clock, no random ids.
 * BlockQueue orders blocks, ToolCallTracker assigns tool-call deltas; this class interprets chunks and decides when the
 * response is complete. `message_delta` is sent last, because upstreams repeat the finish reason and send usage after it.
 * @module
 */

import { UNSUPPORTED_SAFEGUARDS } from "../../anthropic/safeguards.ts";
import type * as anthropic from "../../anthropic/types.ts";
import { ApiError, toErrorBody } from "../../errors.ts";
import { isJsonObject, toText } from "../../json.ts";
import { parseErrorObject } from "../../openrouter/errors.ts";
import type * as openrouter from "../../openrouter/types.ts";
import { CHARS_PER_TOKEN } from "../token_calibration.ts";
import { describeImages, readText } from "./content_text.ts";
import { ToolCallBlocks } from "./tool_call_blocks.ts";
import { CompleteBlockBuilder } from "./block_builders.ts";
import { FinishState } from "./stop_reason.ts";
import type { ToolNames } from "../tool_names.ts";
import {
  countSearches,
  estimateUsage,
  readName,
  translateTier,
  translateUsage,
  type UpstreamMetadata,
} from "./usage.ts";
import { BlockQueue, type OnBlock } from "./block_queue.ts";
import { vendorOf } from "../../openrouter/model_mapping.ts";
import { ReasoningBlocks } from "./reasoning_blocks.ts";
import { TextBlocks } from "./text_blocks.ts";
import { SearchResults } from "../web_search.ts";

/** What the translation of a response needs from its request. */
export interface StreamOptions {
  /** `msg_…` */
  messageId: string;
  /** The requested model, returned to the client. */
  model: string;
  /** Estimated tokens of the request, for `message_start`. */
  inputTokens: number;
  /** Creates an id for a tool call without one. */
  newCallId: () => string;
  /** The upstream model; it identifies the vendor of the reasoning if upstream does not. */
  target?: string;
  /** The client requested hidden thinking (`display: "omitted"`). */
  hidesThinking?: boolean;
  /** Maps upstream's tool names back to the client's; from the translated request. */
  names?: ToolNames;
  /** Ids of the calls already in the conversation. */
  takenCallIds?: Iterable<string>;
  /** The request's stop sequences: the response ends at the first one, even if upstream continues. */
  stopSequences?: readonly string[];
  /** The client's `max_tokens`, if upstream got more to leave room for thinking. */
  visibleTokens?: number | undefined;
  /** The request has `safeguards`, so the response reports on them. */
  reportsSafeguards?: boolean;
  /** How long the request's cache writes are kept. */
  cacheTtl?: "5m" | "1h";
  /** The request has web search, so the response has blocks with its results. */
  searchesWeb?: boolean;
  /** The applied context edits, if the request has `context_management`. */
  contextManagement?: anthropic.ContextManagement | undefined;
  /** Called when a content block starts. */
  onBlock?: OnBlock;
  /** Removes secrets from error messages. */
  redact?: (text: string) => string;
}

/** Translates one response. Call `push` for every chunk, then `finish`, or `fail` if the stream broke. */
export class StreamTranslator {
  /** The upstream metadata so far. */
  readonly metadata: UpstreamMetadata = {
    model: null,
    provider: null,
    usage: null,
    serviceTier: null,
  };
  readonly #options: StreamOptions;
  readonly #queue: BlockQueue;
  readonly #reasoning: ReasoningBlocks;
  readonly #findings = new SearchResults();
  readonly #text: TextBlocks;
  readonly #calls: ToolCallBlocks;
  readonly #finish: FinishState;
  #hasStarted = false;
  #hasContent = false;
  /** The response is one completion, not a stream. */
  #isCompletion = false;
  #hasEnded = false;

  /** Creates the translator of one response; it cannot be reused. */
  constructor(options: StreamOptions) {
    this.#options = options;
    this.#queue = new BlockQueue(options.onBlock);
    this.#text = new TextBlocks(this.#queue, options);
    this.#finish = new FinishState(options.stopSequences ?? []);
    this.#reasoning = new ReasoningBlocks(this.#queue, {
      isHidden: options.hidesThinking ?? false,
      model: () => this.#reasoningModel(),
      beforeBlock: () => this.#text.endBlock(),
    });
    this.#calls = new ToolCallBlocks(this.#queue, options);
  }

  /** Whether the finish reason has arrived: the response is then complete, even if the connection breaks. */
  get isComplete(): boolean {
    return this.#finish.isKnown;
  }

  /** Whether the proxy ended the response, at a stop sequence or limit; later chunks are ignored. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** A warning about the end of the response, for the log, or null. */
  get warning(): string | null {
    const reason = this.#finish.unknownReason;
    if (reason !== null) return `unknown finish reason ${JSON.stringify(reason)}`;
    return this.isComplete ? null : "no finish reason";
  }

  /** Output tokens so far, estimated from the characters; upstream sends its count at the end. */
  get outputTokens(): number {
    return Math.ceil(
      (this.#text.chars + this.#calls.chars + this.#reasoning.chars) / CHARS_PER_TOKEN,
    );
  }

  /** Buffered characters: thinking until its signature is sent, arguments until they are complete. */
  get keptChars(): number {
    return this.#calls.chars + this.#reasoning.keptChars;
  }

  /** `message_start`, unless it has been sent. */
  start(): anthropic.StreamEvent[] {
    if (this.#hasStarted) return [];
    this.#hasStarted = true;
    const { messageId: id, model, inputTokens } = this.#options;
    const message: anthropic.Message = {
      id,
      type: "message",
      role: "assistant",
      model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      stop_details: null,
      usage: {
        ...estimateUsage(inputTokens, 1),
        cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
        service_tier: translateTier(this.metadata.serviceTier) ?? "standard",
      },
    };
    return [{ type: "message_start", message }];
  }

  /**
   * The events of one chunk. Chunks without content (role only, `choices: []`, usage) yield none.
   * @throws {ApiError} if the chunk reports an error, or continues a tool call whose block is finished
   */
  push(chunk: openrouter.Chunk): anthropic.StreamEvent[] {
    if (chunk.error !== undefined && chunk.error !== null) throw parseErrorObject(chunk.error);
    const choice = findChoice(chunk);
    this.#recordMetadata(chunk, choice);
    if (choice === null || this.#hasEnded) return [];
    if (choice.error !== undefined && choice.error !== null) throw parseErrorObject(choice.error);
    this.#finish.add(choice);
    const { delta, message } = choice;
    // Perplexity sends both: a chunk's message is all of the text so far, a completion's delta is empty.
    const isMessage = isJsonObject(message) && (this.#isCompletion || !isJsonObject(delta));
    const content = isMessage ? message : delta;
    const hasContent = isJsonObject(content) &&
      this.#add(content, isMessage || this.#isCompletion);
    this.#hasContent ||= hasContent;
    // After the finish reason the blocks wait for `finish`, which decides on cut tool calls.
    if (this.isComplete) return this.start();
    if (!hasContent) return [];
    return this.#hasStarted
      ? this.#queue.nextEvents()
      : [...this.start(), ...this.#queue.nextEvents()];
  }

  /** Like `push`, for a response that is one completion. Some of these have an empty delta beside the message. */
  pushWhole(completion: openrouter.Chunk): anthropic.StreamEvent[] {
    this.#isCompletion = true;
    return this.push(completion);
  }

  /**
   * The events at the end of the upstream response.
   * @param options `isDone`: upstream sent `[DONE]`, or a complete JSON body
   * @throws {ApiError} if the response has no finish reason, and no content or no `isDone`
   */
  finish({ isDone = false }: { isDone?: boolean } = {}): anthropic.StreamEvent[] {
    if (!this.isComplete && !(isDone && this.#hasContent)) {
      const message = "Upstream ended the response before it was complete";
      throw new ApiError("api_error", message, { status: 502 });
    }
    this.#text.endBlock();
    const isCut = this.#finish.isCut;
    const hasCutCall = this.#calls.end({ isCut, isCompletion: this.#isCompletion });
    const delta = this.#finish.translate({ hasToolUse: this.#queue.hasCall, hasCutCall });
    this.#reasoning.finish();
    const { contextManagement, reportsSafeguards, searchesWeb } = this.#options;
    if (searchesWeb) this.#addSearches();
    return [
      ...this.#queue.flush(),
      {
        type: "message_delta",
        delta: reportsSafeguards ? { ...delta, safeguard_results: UNSUPPORTED_SAFEGUARDS } : delta,
        usage: this.#usage(),
        context_management: contextManagement,
      },
      { type: "message_stop" },
    ];
  }

  /** The end of a response that broke after its headers were sent. The open block is not stopped. */
  fail(error: ApiError): anthropic.StreamEvent[] {
    const redact = this.#options.redact ?? ((text: string) => text);
    return [{ type: "error", error: toErrorBody(error, redact) }];
  }

  #recordMetadata(chunk: openrouter.Chunk, choice: openrouter.Choice | null): void {
    this.metadata.model ??= readName(chunk.model) || null;
    this.metadata.provider ??= readName(chunk.provider) || null;
    this.metadata.serviceTier ??= readText(chunk.service_tier) || null;
    // Moonshot sends usage inside the choice.
    const usage = chunk.usage ?? choice?.usage;
    if (isJsonObject(usage)) this.metadata.usage = usage;
  }

  /** Adds a delta to the blocks: open calls, then reasoning, text, new calls. Returns whether it has content. */
  #add(delta: openrouter.Delta, isMessage: boolean): boolean {
    const calls = Array.isArray(delta.tool_calls) ? delta.tool_calls.filter(isJsonObject) : [];
    const begun = this.#calls.add(calls);
    const hasReasoning = this.#reasoning.add(delta, isMessage);
    const refusal = toText(delta.refusal);
    this.#finish.addRefusal(refusal);
    const text = readText(delta.content) + describeImages(delta.images);
    const hasText = this.#addText(text);
    if (delta.annotations) this.#text.addCitations(this.#findings.add(delta.annotations));
    const hasRefusal = this.#addText(refusal);
    if (begun.length > 0) this.#text.endBlock();
    if (!this.#hasEnded) this.#calls.begin(begun);
    return hasReasoning || hasText || hasRefusal || calls.length > 0;
  }

  #addText(text: string): boolean {
    if (text === "") return false;
    const end = this.#hasEnded ? undefined : this.#text.add(text);
    if (end !== undefined) {
      this.#hasEnded = true;
      this.#finish.endEarly(end);
    }
    return true;
  }

  /** Searches come last, because upstream reports results during or after the text. */
  #addSearches(): void {
    const newId = () => `srv${this.#options.newCallId()}`;
    const blocks = this.#findings.listBlocks(countSearches(this.metadata.usage), newId);
    for (const block of blocks) this.#queue.add(new CompleteBlockBuilder(block));
  }

  /** Servers other than OpenRouter may report a model under their own name for it. */
  #reasoningModel(): string {
    const { target = "" } = this.#options;
    const { model } = this.metadata;
    if (target === "") return model ?? "";
    // A name without a vendor, or a path, is less precise than the requested one.
    return target.includes("/") && model?.includes("/") && vendorOf(model) !== "" ? model : target;
  }

  #usage(): anthropic.Usage {
    const { usage, serviceTier } = this.metadata;
    const counted = usage === null
      ? estimateUsage(this.#options.inputTokens, this.outputTokens)
      : translateUsage(usage, this.#options.cacheTtl);
    return { ...counted, service_tier: translateTier(serviceTier) };
  }
}

/** The choice with index 0; responses to `n` > 1 have others. */
function findChoice({ choices }: openrouter.Chunk): openrouter.Choice | null {
  if (!Array.isArray(choices)) return null;
  return choices.find((choice) => isJsonObject(choice) && (choice.index ?? 0) === 0) ?? null;
}
