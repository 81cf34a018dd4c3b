/**
 * Content blocks in the making: what has arrived and what of it has not been sent. Pure.
 * A draft knows its own events; the order among drafts is stream.ts's.
 * @module
 */

import type { BlockDelta, ContentBlock } from "../../anthropic/types.ts";
import type { Citation } from "../../anthropic/server_tools.ts";
import { continues, mergeReasoning, type Reasoning, visibleText } from "../reasoning.ts";
import { ToolArguments } from "./tool_arguments.ts";

/** One block of the answer, from its first delta to its stop. */
export type BlockBuilder =
  | TextBlockBuilder
  | ThinkingBlockBuilder
  | CompleteBlockBuilder
  | ToolUseBlockBuilder;

/** What every draft can tell. */
interface BlockBuilderMethods {
  readonly type: ContentBlock["type"];
  /** Set by the queue when `content_block_stop` has been sent. */
  isFinished: boolean;
  /** Whether enough is known to send `content_block_start`. */
  readonly isReadyToStart: boolean;
  /** Whether the block may be stopped though more may come: what comes later opens another block. */
  isReadyToStop(): boolean;
  /** The block as `content_block_start` carries it. */
  start(): ContentBlock;
  /** What came since the last call; null for nothing. */
  nextDelta(): BlockDelta | null;
  /** Sent just before `content_block_stop`. */
  finalDelta(): BlockDelta | null;
}

/** Text, and what it cites. */
export class TextBlockBuilder implements BlockBuilderMethods {
  readonly type = "text";
  isFinished = false;
  readonly isReadyToStart = true;
  readonly #citations: Citation[] = [];
  /** How many were sent: to take each out of a long list is quadratic. */
  #sentCitations = 0;
  #pending = "";

  add(text: string): void {
    this.#pending += text;
  }

  addCitation(citation: Citation): void {
    this.#citations.push(citation);
  }

  isReadyToStop(): boolean {
    return true;
  }

  start(): ContentBlock {
    return { type: "text", text: "" };
  }

  nextDelta(): BlockDelta | null {
    if (this.#pending !== "") {
      const text = this.#pending;
      this.#pending = "";
      return { type: "text_delta", text };
    }
    const citation = this.#citations[this.#sentCitations];
    if (citation === undefined) return null;
    this.#sentCitations++;
    return { type: "citations_delta", citation };
  }

  finalDelta(): null {
    return null;
  }
}

/** Turns the reasoning of a block into what its `signature` or `data` holds. */
export type EncodeSignature = (pieces: readonly Reasoning[]) => string;

/**
 * Thinking. What comes back for it is one whole value that clients assign, so it waits for the end of the block.
 * Hidden thinking shows no text: its block is a start, a signature and a stop.
 */
export class ThinkingBlockBuilder implements BlockBuilderMethods {
  readonly type = "thinking";
  isFinished = false;
  readonly isReadyToStart = true;
  readonly #seal: EncodeSignature;
  readonly #isHidden: boolean;
  readonly #reasoning: Reasoning;
  /** Encrypted entries that have no text to show. */
  readonly #attached: Reasoning[] = [];
  #pending = "";

  constructor(first: Reasoning, options: { seal: EncodeSignature; isHidden: boolean }) {
    this.#seal = options.seal;
    this.#isHidden = options.isHidden;
    this.#reasoning = "detail" in first ? { detail: { ...first.detail } } : { ...first };
    this.#show(first);
  }

  /** What grows as more text comes. */
  get reasoning(): Reasoning {
    return this.#reasoning;
  }

  /** Whether a piece of a stream goes on with this block: the same kind, and not signed yet. */
  accepts(next: Reasoning): boolean {
    return this.#attached.length === 0 && continues(this.#reasoning, next);
  }

  /** Adds an entry that comes back in this block's signature. */
  attach(entry: Reasoning): void {
    this.#attached.push(entry);
  }

  add(next: Reasoning): void {
    this.#show(next);
    mergeReasoning(this.#reasoning, next);
  }

  isReadyToStop(): boolean {
    return true;
  }

  start(): ContentBlock {
    return { type: "thinking", thinking: "", signature: "" };
  }

  nextDelta(): BlockDelta | null {
    if (this.#pending === "") return null;
    const thinking = this.#pending;
    this.#pending = "";
    return { type: "thinking_delta", thinking };
  }

  finalDelta(): BlockDelta {
    return { type: "signature_delta", signature: this.#seal([this.#reasoning, ...this.#attached]) };
  }

  #show(piece: Reasoning): void {
    if (this.#isHidden) return;
    if ("detail" in piece) this.#pending += visibleText(piece.detail);
    else if ("field" in piece) this.#pending += piece.text;
  }
}

type Whole = Extract<
  ContentBlock,
  { type: "redacted_thinking" | "server_tool_use" | "web_search_tool_result" }
>;

/** A block that is whole when it is made. Clients expect an input as JSON text behind the start all the same. */
export class CompleteBlockBuilder implements BlockBuilderMethods {
  readonly type: Whole["type"];
  isFinished = false;
  readonly isReadyToStart = true;
  readonly #block: Whole;
  #input: string | null;

  constructor(block: Whole) {
    this.type = block.type;
    this.#block = block;
    this.#input = block.type === "server_tool_use" ? JSON.stringify(block.input) : null;
  }

  isReadyToStop(): boolean {
    return true;
  }

  start(): ContentBlock {
    return this.#block.type === "server_tool_use" ? { ...this.#block, input: {} } : this.#block;
  }

  nextDelta(): BlockDelta | null {
    const input = this.#input;
    this.#input = null;
    return input === null ? null : { type: "input_json_delta", partial_json: input };
  }

  finalDelta(): null {
    return null;
  }
}

/** A tool call. Its facts may come in any order; the block starts when its id and name are known. */
export class ToolUseBlockBuilder implements BlockBuilderMethods {
  readonly type = "tool_use";
  isFinished = false;
  /** Upstream's id; "" until it comes. */
  upstreamId = "";
  /** Upstream's name; "" until it comes. */
  upstreamName = "";
  /** Upstream's key for the call, where it gave one. */
  readonly index: number | null;
  readonly arguments = new ToolArguments();
  readonly #options: ToolCallOptions;

  constructor(index: number | null, options: ToolCallOptions) {
    this.index = index;
    this.#options = options;
  }

  /** Whether the name is one of the request's tools, and so surely whole. */
  get isKnown(): boolean {
    return this.#options.isKnownName(this.upstreamName);
  }

  get isReadyToStart(): boolean {
    const hasName = this.upstreamName !== "" && (this.isKnown || this.arguments.text !== "");
    // An id that has not come with complete arguments will not come at all; one is made up then.
    return hasName && (this.upstreamId !== "" || this.isReadyToStop());
  }

  isReadyToStop(): boolean {
    return this.arguments.isObject();
  }

  start(): ContentBlock {
    return { type: "tool_use", ...this.#options.identify(this), input: {} };
  }

  nextDelta(): BlockDelta | null {
    return toInputDelta(this.arguments.take());
  }

  finalDelta(): BlockDelta | null {
    return toInputDelta(this.arguments.takeLast());
  }
}

function toInputDelta(fragment: string): BlockDelta | null {
  return fragment === "" ? null : { type: "input_json_delta", partial_json: fragment };
}

/** What a call cannot know by itself. */
export interface ToolCallOptions {
  /** Decides, once and at the start, the id and name that clients see. */
  identify: (draft: ToolUseBlockBuilder) => { id: string; name: string };
  /** Whether a name is one of the request's tools. */
  isKnownName: (name: string) => boolean;
}
