/**
 * The heart: OpenRouter chunks in, Anthropic stream events out. Pure: no I/O, no clock, no random ids.
 * The order of blocks is the queue's, which fragment belongs to which call the router's. Here is what a chunk
 * says, and when an answer is whole. `message_delta` waits for the very end, because upstreams repeat the finish
 * reason and send usage after it.
 * @module
 */

import type * as anthropic from "../anthropic/types.ts";
import type { Citation } from "../anthropic/web_search.ts";
import { ApiError, toErrorBody } from "../errors.ts";
import { isJsonObject } from "../json.ts";
import { parseErrorObject } from "../openrouter/errors.ts";
import type * as openrouter from "../openrouter/types.ts";
import { describeImages } from "./answer_images.ts";
import { CHARS_PER_TOKEN } from "./characters.ts";
import { CallRouter, checkCalls, type RoutedFragment } from "./calls.ts";
import { TextDraft, type ToolUseDraft, WholeDraft } from "./drafts.ts";
import { CallIds, type ToolNames } from "./names.ts";
import {
  countSearches,
  endedInError,
  estimateUsage,
  translateFinish,
  translateTier,
  translateUsage,
  type UpstreamFacts,
} from "./outcome.ts";
import { BlockQueue, type OnBlock } from "./queue.ts";
import { ReasoningBlocks } from "./reasoning_blocks.ts";
import { SearchFindings } from "./web_search.ts";

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
  /** The request's own, of which the answer may name one as its end. */
  stopSequences?: readonly string[];
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
  readonly facts: UpstreamFacts = { model: null, provider: null, usage: null, serviceTier: null };
  readonly #options: StreamOptions;
  readonly #router: CallRouter;
  readonly #ids: CallIds;
  readonly #queue: BlockQueue;
  readonly #reasoning: ReasoningBlocks;
  readonly #findings = new SearchFindings();
  /** Citations that came before any text. */
  #uncited: Citation[] = [];
  #hasStarted = false;
  #finishReason = "";
  #nativeFinishReason = "";
  #matchedStop: string | undefined;
  #refusal = "";
  #outputChars = 0;

  /** Creates the translator of one answer; it cannot be used for a second. */
  constructor(options: StreamOptions) {
    this.#options = options;
    this.#queue = new BlockQueue(options.onBlock);
    this.#ids = new CallIds(options.takenCallIds);
    this.#reasoning = new ReasoningBlocks(this.#queue, {
      isHidden: options.hidesThinking ?? false,
      model: () => this.#whoReasoned(),
    });
    this.#router = new CallRouter({
      identify: (call) => this.#identify(call),
      // Without a list of tools every name is taken as it comes.
      isKnownName: (name) => options.names?.isUpstream(name) ?? true,
    });
  }

  /** Whether the finish reason has come: whatever breaks from now on, the answer is whole. */
  get isComplete(): boolean {
    return this.#finishReason !== "";
  }

  /** Output tokens so far, estimated from the text; what upstream counts comes at the end. */
  get outputTokens(): number {
    return Math.ceil((this.#outputChars + this.#reasoning.chars) / CHARS_PER_TOKEN);
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
      usage: estimateUsage(inputTokens, 1),
    };
    return [{ type: "message_start", message }];
  }

  /**
   * One chunk. Chunks without content (role only, `choices: []`, usage) yield no events.
   * @throws {ApiError} where the chunk reports an error, or continues a call that was already closed
   */
  push(chunk: openrouter.Chunk): anthropic.StreamEvent[] {
    if (chunk.error !== undefined && chunk.error !== null) throw parseErrorObject(chunk.error);
    this.facts.model ??= toText(chunk.model) || null;
    this.facts.provider ??= toText(chunk.provider) || null;
    this.facts.serviceTier ??= toText(chunk.service_tier) || null;
    const choice = Array.isArray(chunk.choices) ? chunk.choices[0] : undefined;
    // Moonshot reports usage inside the choice.
    const usage = chunk.usage ?? choice?.usage;
    if (isJsonObject(usage)) this.facts.usage = usage;
    if (!isJsonObject(choice)) return [];
    if (choice.error !== undefined && choice.error !== null) throw parseErrorObject(choice.error);
    this.#noteFinish(choice);
    const delta = choice.delta ?? choice.message;
    const isWhole = !isJsonObject(choice.delta);
    const isReal = isJsonObject(delta) && this.#add(delta, isWhole);
    // From the finish reason on the rest waits for `finish`, which knows whether a cut call has been seen.
    if (this.isComplete) return this.start();
    if (!isReal) return [];
    return this.#hasStarted ? this.#queue.drain() : [...this.start(), ...this.#queue.drain()];
  }

  /**
   * The end of upstream's stream.
   * @throws {ApiError} where the answer is not whole: no finish reason, or arguments that are no JSON object
   */
  finish(): anthropic.StreamEvent[] {
    if (!this.isComplete) {
      const message = "OpenRouter ended the answer before it was complete";
      throw new ApiError("api_error", message, { status: 502 });
    }
    // A call cut by the length limit that the client has not seen is left out: `max_tokens` says why.
    if (this.#finishReason === "length") this.#queue.dropUnseenCalls();
    checkCalls(this.#queue.calls, {
      isCut: this.#finishReason === "length",
      nameOf: (call) => this.#name(call),
    });
    const delta = translateFinish({
      finishReason: this.#finishReason,
      nativeFinishReason: this.#nativeFinishReason,
      hasToolUse: this.#queue.hasCall,
      refusal: this.#refusal,
      stopSequences: this.#options.stopSequences ?? [],
      ...(this.#matchedStop !== undefined && { matchedStop: this.#matchedStop }),
    });
    this.#reasoning.finish();
    if (this.#options.searchesWeb) this.#addSearches();
    const { contextManagement: context } = this.#options;
    return [
      ...this.start(),
      ...this.#queue.flush(),
      {
        type: "message_delta",
        delta,
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

  #noteFinish(choice: openrouter.Choice): void {
    this.#nativeFinishReason = toText(choice.native_finish_reason) || this.#nativeFinishReason;
    if (choice.finish_reason === "error") throw endedInError(this.#nativeFinishReason);
    // "" is no finish reason; a repeated one changes nothing.
    this.#finishReason = toText(choice.finish_reason) || this.#finishReason;
    const asked = this.#options.stopSequences ?? [];
    this.#matchedStop ??= asked.find((stop) =>
      stop === choice.stop_reason || stop === choice.matched_stop
    );
  }

  /** Adds what a delta carries; false where it carries nothing. Open call first, then reasoning, text, calls. */
  #add(delta: openrouter.Delta, isWhole: boolean): boolean {
    const calls = Array.isArray(delta.tool_calls) ? delta.tool_calls.filter(isJsonObject) : [];
    // One by one: whether a fragment begins another call can depend on the arguments just before it.
    const begun: ToolUseDraft[] = [];
    for (const call of calls) this.#addArguments(this.#router.route(call), begun);
    const hasReasoning = this.#reasoning.add(delta, isWhole);
    const hasText = this.#addText(toText(delta.content) + describeImages(delta.images));
    for (const citation of this.#findings.add(delta.annotations)) this.#cite(citation);
    const refusal = toText(delta.refusal);
    this.#refusal += refusal;
    const hasRefusal = this.#addText(refusal);
    for (const call of begun) this.#queue.add(call);
    return hasReasoning || hasText || hasRefusal || calls.length > 0;
  }

  #addArguments({ call, isNew, text }: RoutedFragment, begun: ToolUseDraft[]): void {
    if (isNew) begun.push(call);
    if (text === "") return;
    if (!begun.includes(call) && !this.#queue.includes(call)) {
      if (text.trim() === "") return;
      throw new ApiError("api_error", "OpenRouter continued a tool call that had ended", {
        status: 502,
      });
    }
    this.#outputChars += text.length;
    call.add(text);
  }

  #addText(text: string): boolean {
    if (text === "") return false;
    this.#outputChars += text.length;
    const { last } = this.#queue;
    const draft = last?.type === "text" ? last : this.#queue.add(new TextDraft());
    draft.add(text);
    for (const citation of this.#uncited.splice(0)) draft.cite(citation);
    return true;
  }

  /** A citation belongs to the text at hand, or to the next. */
  #cite(citation: Citation): void {
    const { last } = this.#queue;
    if (last?.type === "text") last.cite(citation);
    else this.#uncited.push(citation);
  }

  /** Searches stand at the end, because upstream names what it found while or after it writes. */
  #addSearches(): void {
    const newId = () => `srv${this.#options.newCallId()}`;
    const blocks = this.#findings.listBlocks(countSearches(this.facts.usage), newId);
    for (const block of blocks) this.#queue.add(new WholeDraft(block));
  }

  /** Other servers than OpenRouter have names of their own for what they were asked for by another. */
  #whoReasoned(): string {
    const { target = "" } = this.#options;
    const { model } = this.facts;
    if (target === "") return model ?? "";
    // A name without a vendor tells less than the one that was asked for.
    return target.includes("/") && model?.includes("/") ? model : target;
  }

  #identify(call: ToolUseDraft): { id: string; name: string } {
    const id = this.#ids.claim(call.upstreamId || this.#options.newCallId());
    return { id, name: this.#name(call) };
  }

  #name(call: ToolUseDraft): string {
    return this.#options.names?.toClient(call.upstreamName) ?? call.upstreamName;
  }

  #usage(): anthropic.Usage {
    const tier = translateTier(this.facts.serviceTier);
    return { ...this.#countTokens(), ...(tier && { service_tier: tier }) };
  }

  #countTokens(): anthropic.Usage {
    const { cacheTtl } = this.#options;
    if (this.facts.usage !== null) return translateUsage(this.facts.usage, cacheTtl);
    return estimateUsage(this.#options.inputTokens, this.outputTokens);
  }
}

/** Text, which some servers send as a list of text parts. */
function toText(value: unknown): string {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return "";
  return value.map((part) => isJsonObject(part) ? toText(part["text"]) : "").join("");
}
