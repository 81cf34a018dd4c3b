/**
 * Content blocks under construction: each builder buffers upstream's data and yields the deltas that have not been
 * sent yet. Pure. The order among blocks is up to BlockQueue.
 * @module
 */

import type { BlockDelta, ContentBlock } from "../../anthropic/types.ts";
import type { Citation } from "../../anthropic/server_tools.ts";
import { continues, mergeReasoning, type Reasoning, visibleText } from "../reasoning.ts";
import { ToolArguments } from "./tool_arguments.ts";

/** One content block of the response, from its first delta to its stop. */
export type BlockBuilder =
  | TextBlockBuilder
  | ThinkingBlockBuilder
  | CompleteBlockBuilder
  | ToolUseBlockBuilder;

/** The members that all builders have in common. */
abstract class BlockBuilderBase {
  abstract readonly type: ContentBlock["type"];
  /** Set by the queue when `content_block_stop` has been sent. */
  isFinished = false;

  /** Whether enough is known to send `content_block_start`. */
  get isReadyToStart(): boolean {
    return true;
  }

  /** Whether the block may be stopped early; data that arrives later then opens another block. */
  isReadyToStop(): boolean {
    return true;
  }

  /** The block as sent in `content_block_start`. */
  abstract start(): ContentBlock;

  /** The next unsent delta, or null. */
  abstract nextDelta(): BlockDelta | null;

  /** The delta sent just before `content_block_stop`, or null. */
  finalDelta(): BlockDelta | null {
    return null;
  }
}

/** Text and its citations. */
export class TextBlockBuilder extends BlockBuilderBase {
  readonly type = "text";
  readonly #citations: Citation[] = [];
  /** A counter, because removing each citation from a long list is quadratic. */
  #sentCitations = 0;
  #pending = "";

  add(text: string): void {
    this.#pending += text;
  }

  addCitation(citation: Citation): void {
    this.#citations.push(citation);
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
}

/** Encodes the reasoning of a block for its `signature` or `data`. */
export type EncodeSignature = (pieces: readonly Reasoning[]) => string;

/**
 * Thinking. Clients assign the signature rather than append to it, so it is sent once, at the end of the block.
 * Hidden thinking sends no text: its block is a start, a signature and a stop.
 */
export class ThinkingBlockBuilder extends BlockBuilderBase {
  readonly type = "thinking";
  readonly #encodeSignature: EncodeSignature;
  readonly #isHidden: boolean;
  readonly #reasoning: Reasoning;
  /** Encrypted entries, which have no visible text. */
  readonly #attached: Reasoning[] = [];
  #pending = "";

  constructor(first: Reasoning, options: { encodeSignature: EncodeSignature; isHidden: boolean }) {
    super();
    this.#encodeSignature = options.encodeSignature;
    this.#isHidden = options.isHidden;
    this.#reasoning = "detail" in first ? { detail: { ...first.detail } } : { ...first };
    this.#addVisible(first);
  }

  /** The reasoning so far; it grows with `add`. */
  get reasoning(): Reasoning {
    return this.#reasoning;
  }

  /** Whether a piece continues this block: it is of the same kind, and the block has no signature yet. */
  accepts(next: Reasoning): boolean {
    return this.#attached.length === 0 && continues(this.#reasoning, next);
  }

  /** Adds an entry that is replayed through this block's signature. */
  attach(entry: Reasoning): void {
    this.#attached.push(entry);
  }

  add(next: Reasoning): void {
    this.#addVisible(next);
    mergeReasoning(this.#reasoning, next);
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

  override finalDelta(): BlockDelta {
    const signature = this.#encodeSignature([this.#reasoning, ...this.#attached]);
    return { type: "signature_delta", signature };
  }

  #addVisible(piece: Reasoning): void {
    if (this.#isHidden) return;
    if ("detail" in piece) this.#pending += visibleText(piece.detail);
    else if ("field" in piece) this.#pending += piece.text;
  }
}

type CompleteBlock = Extract<
  ContentBlock,
  { type: "redacted_thinking" | "server_tool_use" | "web_search_tool_result" }
>;

/** A block that is complete from the start. Clients still expect its input as an `input_json_delta`. */
export class CompleteBlockBuilder extends BlockBuilderBase {
  readonly type: CompleteBlock["type"];
  readonly #block: CompleteBlock;
  #input: string | null;

  constructor(block: CompleteBlock) {
    super();
    this.type = block.type;
    this.#block = block;
    this.#input = block.type === "server_tool_use" ? JSON.stringify(block.input) : null;
  }

  start(): ContentBlock {
    return this.#block.type === "server_tool_use" ? { ...this.#block, input: {} } : this.#block;
  }

  nextDelta(): BlockDelta | null {
    const input = this.#input;
    this.#input = null;
    return input === null ? null : { type: "input_json_delta", partial_json: input };
  }
}

/** A tool call. Its id, name and arguments may arrive in any order; it starts once its id and name are known. */
export class ToolUseBlockBuilder extends BlockBuilderBase {
  readonly type = "tool_use";
  /** Upstream's id; "" until it arrives. */
  upstreamId = "";
  /** Upstream's name; "" until it arrives. */
  upstreamName = "";
  /** Upstream's index of the call; null if it sent none. */
  readonly index: number | null;
  readonly arguments = new ToolArguments();
  readonly #options: ToolCallOptions;

  constructor(index: number | null, options: ToolCallOptions) {
    super();
    this.index = index;
    this.#options = options;
  }

  /** Whether the name is one of the request's tools, and therefore complete. */
  get isKnown(): boolean {
    return this.#options.isKnownName(this.upstreamName);
  }

  override get isReadyToStart(): boolean {
    const hasName = this.upstreamName !== "" && (this.isKnown || this.arguments.text !== "");
    // An id that is missing when the arguments are complete will not arrive; one is generated.
    return hasName && (this.upstreamId !== "" || this.isReadyToStop());
  }

  override isReadyToStop(): boolean {
    return this.arguments.isObject();
  }

  start(): ContentBlock {
    return { type: "tool_use", ...this.#options.identify(this), input: {} };
  }

  nextDelta(): BlockDelta | null {
    return toInputDelta(this.arguments.takePending());
  }

  override finalDelta(): BlockDelta | null {
    return toInputDelta(this.arguments.takeRest());
  }
}

function toInputDelta(fragment: string): BlockDelta | null {
  return fragment === "" ? null : { type: "input_json_delta", partial_json: fragment };
}

/** What a tool call needs from its request. */
export interface ToolCallOptions {
  /** Returns the id and name that clients see; called once, when the block starts. */
  identify: (call: ToolUseBlockBuilder) => { id: string; name: string };
  /** Whether a name is one of the request's tools. */
  isKnownName: (name: string) => boolean;
}
