/**
 * The heart: OpenRouter chunks in, Anthropic stream events out. Pure: no I/O, no clock, no random ids.
 * The order of blocks is the queue's, which fragment belongs to which call the router's. Here is what a chunk
 * says, and when an answer is whole. `message_delta` waits for the very end, because upstreams repeat the finish
 * reason and send usage after it.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import { ApiError, toErrorBody } from "../../errors.ts";
import { isJsonObject, toText } from "../../json.ts";
import { parseErrorObject } from "../../openrouter/errors.ts";
import type * as openrouter from "../../openrouter/types.ts";
import { describeImages } from "./images.ts";
import { CHARS_PER_TOKEN } from "../token_calibration.ts";
import { ToolCallBlocks } from "./tool_call_blocks.ts";
import { CompleteBlockBuilder } from "./block_builders.ts";
import { FinishState } from "./stop_reason.ts";
import type { ToolNames } from "../tool_names.ts";
import {
  countSearches,
  estimateUsage,
  translateTier,
  translateUsage,
  type UpstreamMetadata,
} from "./usage.ts";
import { BlockQueue, type OnBlock } from "./block_queue.ts";
import { vendorOf } from "../reasoning.ts";
import { ReasoningBlocks } from "./reasoning_blocks.ts";
import { TextBlocks } from "./text_blocks.ts";
import { readName, readText } from "./text_parts.ts";
import { SearchResults } from "../web_search.ts";

/** What an answer needs to know of its request. */
export interface StreamOptions {
  /** `msg_…` */
  messageId: string;
  /** The model the client asked for; it gets that name back. */
  model: string;
  /** Estimated tokens of the request, for `message_start`. */
  inputTokens: number;
  /** Makes an id for a call that upstream gave none. */
  newCallId: () => string;
  /** The model that was sent; who reasoned is known from it where upstream does not say. */
  target?: string;
  /** The client asked not to see thinking (`display: "omitted"`). */
  hidesThinking?: boolean;
  /** The way back for tool names, from the translated request. */
  names?: ToolNames;
  /** Ids of the calls already in the conversation. */
  takenCallIds?: Iterable<string>;
  /** The request's own: the answer ends at the first of them, whether upstream stops there or not. */
  stopSequences?: readonly string[];
  /** The client's `max_tokens`, where upstream got more so that there is room for thinking. */
  visibleTokens?: number | undefined;
  /** The client asked for `safeguards`, and so for word of them. */
  reportsSafeguards?: boolean;
  /** How long the request's cache writes are kept. */
  cacheTtl?: "5m" | "1h";
  /** The client asked for web search, and so for blocks that say what was found. */
  searchesWeb?: boolean;
  /** What was done to the context, for a client that manages it. */
  contextManagement?: anthropic.ContextManagement | undefined;
  /** Called when a content block begins. */
  onBlock?: OnBlock;
  /** Takes secrets out of error texts. */
  redact?: (text: string) => string;
}

/** Translates one answer. Feed it every chunk, then call `finish`, or `fail` where the stream broke. */
export class StreamTranslator {
  /** What upstream has said so far. */
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
  /** The answer is one body, not a stream. */
  #isWhole = false;
  #hasEnded = false;

  /** Creates the translator of one answer; it cannot be used for a second. */
  constructor(options: StreamOptions) {
    this.#options = options;
    this.#queue = new BlockQueue(options.onBlock);
    this.#text = new TextBlocks(this.#queue, options);
    this.#finish = new FinishState(options.stopSequences ?? []);
    this.#reasoning = new ReasoningBlocks(this.#queue, {
      isHidden: options.hidesThinking ?? false,
      model: () => this.#whoReasoned(),
      beforeBlock: () => this.#text.endBlock(),
    });
    this.#calls = new ToolCallBlocks(this.#queue, options);
  }

  /** Whether the finish reason has come: whatever breaks from now on, the answer is whole. */
  get isComplete(): boolean {
    return this.#finish.isKnown;
  }

  /** Whether the answer was ended here, at a stop sequence or limit: what upstream still says is not read. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** What was odd about the end of the answer, for the log; null for nothing. */
  get warning(): string | null {
    const word = this.#finish.unknownWord;
    if (word !== null) return `unknown finish reason ${JSON.stringify(word)}`;
    return this.isComplete ? null : "no finish reason";
  }

  /** Output tokens so far, estimated from the text; what upstream counts comes at the end. */
  get outputTokens(): number {
    return Math.ceil(
      (this.#text.chars + this.#calls.chars + this.#reasoning.chars) / CHARS_PER_TOKEN,
    );
  }

  /** Characters that are kept until the answer ends: thinking for its signature, arguments until they are whole. */
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
   * One chunk. Chunks without content (role only, `choices: []`, usage) yield no events.
   * @throws {ApiError} where the chunk reports an error, or continues a call that was already closed
   */
  push(chunk: openrouter.Chunk): anthropic.StreamEvent[] {
    if (chunk.error !== undefined && chunk.error !== null) throw parseErrorObject(chunk.error);
    const choice = findChoice(chunk);
    this.#noteFacts(chunk, choice);
    if (choice === null || this.#hasEnded) return [];
    if (choice.error !== undefined && choice.error !== null) throw parseErrorObject(choice.error);
    this.#finish.note(choice);
    const { delta, message } = choice;
    // Perplexity sends both: the message of a chunk is all of the text so far, the delta of an answer is empty.
    const isMessage = isJsonObject(message) && (this.#isWhole || !isJsonObject(delta));
    const content = isMessage ? message : delta;
    const isReal = isJsonObject(content) && this.#add(content, isMessage || this.#isWhole);
    this.#hasContent ||= isReal;
    // From the finish reason on the rest waits for `finish`, which knows whether a cut call has been seen.
    if (this.isComplete) return this.start();
    if (!isReal) return [];
    return this.#hasStarted
      ? this.#queue.finishAll()
      : [...this.start(), ...this.#queue.finishAll()];
  }

  /** A whole answer in one body, as `push` takes a chunk. Some have an empty delta beside the message. */
  pushWhole(completion: openrouter.Chunk): anthropic.StreamEvent[] {
    this.#isWhole = true;
    return this.push(completion);
  }

  /**
   * The end of upstream's answer.
   * @param options `isDone`: upstream said so, by `[DONE]` or because its body is whole JSON
   * @throws {ApiError} where the answer is not whole: without content, or cut before upstream said that it is over
   */
  finish({ isDone = false }: { isDone?: boolean } = {}): anthropic.StreamEvent[] {
    if (!this.isComplete && !(isDone && this.#hasContent)) {
      const message = "OpenRouter ended the answer before it was complete";
      throw new ApiError("api_error", message, { status: 502 });
    }
    this.#text.endBlock();
    const hasCutCall = this.#calls.end({ isCut: this.#finish.isCut, isWhole: this.#isWhole });
    const ending = this.#finish.translate({ hasToolUse: this.#queue.hasCall, hasCutCall });
    this.#reasoning.finish();
    if (this.#options.searchesWeb) this.#addSearches();
    const { contextManagement: context, reportsSafeguards } = this.#options;
    return [
      ...this.start(),
      ...this.#queue.flush(),
      {
        type: "message_delta",
        delta: reportsSafeguards ? { ...ending, safeguard_results: UNSUPPORTED } : ending,
        usage: this.#usage(),
        ...(context && { context_management: context }),
      },
      { type: "message_stop" },
    ];
  }

  /** The end of an answer that broke after its head was sent. The open block stays open: it is not whole. */
  fail(error: ApiError): anthropic.StreamEvent[] {
    const redact = this.#options.redact ?? ((text: string) => text);
    return [{ type: "error", error: toErrorBody(error, redact) }];
  }

  #noteFacts(chunk: openrouter.Chunk, choice: openrouter.Choice | null): void {
    this.metadata.model ??= readName(chunk.model) || null;
    this.metadata.provider ??= readName(chunk.provider) || null;
    this.metadata.serviceTier ??= readText(chunk.service_tier) || null;
    // Moonshot reports usage inside the choice.
    const usage = chunk.usage ?? choice?.usage;
    if (isJsonObject(usage)) this.metadata.usage = usage;
  }

  /** Adds what a delta carries; false where it carries nothing. Open call first, then reasoning, text, calls. */
  #add(delta: openrouter.Delta, isWhole: boolean): boolean {
    const calls = Array.isArray(delta.tool_calls) ? delta.tool_calls.filter(isJsonObject) : [];
    const begun = this.#calls.add(calls);
    const hasReasoning = this.#reasoning.add(delta, isWhole);
    const refusal = toText(delta.refusal);
    this.#finish.addRefusal(refusal);
    const text = readText(delta.content) + describeImages(delta.images);
    const hasText = this.#addText(text);
    if (delta.annotations) this.#text.addCitation(this.#findings.add(delta.annotations));
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
      this.#finish.endHere(end);
    }
    return true;
  }

  /** Searches stand at the end, because upstream names what it found while or after it writes. */
  #addSearches(): void {
    const newId = () => `srv${this.#options.newCallId()}`;
    const blocks = this.#findings.listBlocks(countSearches(this.metadata.usage), newId);
    for (const block of blocks) this.#queue.add(new CompleteBlockBuilder(block));
  }

  /** Other servers than OpenRouter have names of their own for what they were asked for by another. */
  #whoReasoned(): string {
    const { target = "" } = this.#options;
    const { model } = this.metadata;
    if (target === "") return model ?? "";
    // A name without a vendor, or a path, tells less than the one that was asked for.
    return target.includes("/") && model?.includes("/") && vendorOf(model) !== "" ? model : target;
  }

  #usage(): anthropic.Usage {
    const tier = translateTier(this.metadata.serviceTier);
    return { ...this.#countTokens(), ...(tier && { service_tier: tier }) };
  }

  #countTokens(): anthropic.Usage {
    const { cacheTtl } = this.#options;
    if (this.metadata.usage !== null) return translateUsage(this.metadata.usage, cacheTtl);
    return estimateUsage(this.#options.inputTokens, this.outputTokens);
  }
}

/** The proxy runs no classifier, and says so: the client then uses its own. Never a verdict. */
const UNSUPPORTED: anthropic.SafeguardResult[] = [
  { type: "dangerous_tool_use", status: { type: "unsupported" } },
];

/** The one answer that was asked for; others (`n` > 1) have another index. */
function findChoice({ choices }: openrouter.Chunk): openrouter.Choice | null {
  if (!Array.isArray(choices)) return null;
  const [first] = choices;
  if (choices.length === 1 && isJsonObject(first) && !first.index) return first;
  return choices.find((choice) => isJsonObject(choice) && (choice.index ?? 0) === 0) ?? null;
}
