/**
 * Content blocks in the making: what has arrived and what of it has not been sent. Pure.
 * A draft knows its own events; the order among drafts is stream.ts's.
 * @module
 */

import type { BlockDelta, ContentBlock } from "../anthropic/types.ts";
import { isJsonObject, parseJson } from "../json.ts";

/** One block of the answer, from its first delta to its stop. */
export type Draft = TextDraft | ThinkingDraft | RedactedDraft | ToolUseDraft;

/** What every draft can tell. */
interface DraftLike {
  readonly type: ContentBlock["type"];
  /** Whether enough is known to send `content_block_start`. */
  readonly canStart: boolean;
  /** Whether the block may be stopped though more may come: what comes later opens another block. */
  canStop(): boolean;
  /** The block as `content_block_start` carries it. */
  start(): ContentBlock;
  /** What came since the last call; null for nothing. */
  take(): BlockDelta | null;
  /** Sent just before `content_block_stop`. */
  last(): BlockDelta | null;
}

/** Text. */
export class TextDraft implements DraftLike {
  readonly type = "text";
  readonly canStart = true;
  #pending = "";

  add(text: string): void {
    this.#pending += text;
  }

  canStop(): boolean {
    return true;
  }

  start(): ContentBlock {
    return { type: "text", text: "" };
  }

  take(): BlockDelta | null {
    if (this.#pending === "") return null;
    const text = this.#pending;
    this.#pending = "";
    return { type: "text_delta", text };
  }

  last(): null {
    return null;
  }
}

/** Thinking. The signature is one whole value that clients assign, so it waits for the end of the block. */
export class ThinkingDraft implements DraftLike {
  readonly type = "thinking";
  readonly canStart = true;
  signature = "";
  #pending = "";

  add(thinking: string): void {
    this.#pending += thinking;
  }

  canStop(): boolean {
    return true;
  }

  start(): ContentBlock {
    return { type: "thinking", thinking: "", signature: "" };
  }

  take(): BlockDelta | null {
    if (this.#pending === "") return null;
    const thinking = this.#pending;
    this.#pending = "";
    return { type: "thinking_delta", thinking };
  }

  last(): BlockDelta {
    return { type: "signature_delta", signature: this.signature };
  }
}

/** Encrypted thinking: whole at its start. */
export class RedactedDraft implements DraftLike {
  readonly type = "redacted_thinking";
  readonly canStart = true;
  readonly #data: string;

  constructor(data: string) {
    this.#data = data;
  }

  canStop(): boolean {
    return true;
  }

  start(): ContentBlock {
    return { type: "redacted_thinking", data: this.#data };
  }

  take(): null {
    return null;
  }

  last(): null {
    return null;
  }
}

/** A tool call. Its facts may come in any order; the block starts when its id and name are known. */
export class ToolUseDraft implements DraftLike {
  readonly type = "tool_use";
  /** Upstream's id; "" until it comes. */
  upstreamId = "";
  /** Upstream's name; "" until it comes. */
  upstreamName = "";
  /** Upstream's key for the call, where it gave one. */
  readonly index: number | null;
  readonly #options: CallOptions;
  readonly #shape = new JsonShape();
  #arguments = "";
  #pending = "";
  #hasBegun = false;
  #unread = "";
  /** The verdict, once the brackets have closed. */
  #isObject: boolean | null = null;

  constructor(index: number | null, options: CallOptions) {
    this.index = index;
    this.#options = options;
  }

  /** Whether the name is one of the request's tools, and so surely whole. */
  get isKnown(): boolean {
    return this.#options.isKnownName(this.upstreamName);
  }

  /** All of the arguments that came so far. */
  get arguments(): string {
    return this.#arguments;
  }

  get canStart(): boolean {
    const hasName = this.upstreamName !== "" && (this.isKnown || this.#arguments !== "");
    // An id that has not come with complete arguments will not come at all; one is made up then.
    return hasName && (this.upstreamId !== "" || this.isComplete());
  }

  add(fragment: string): void {
    this.#arguments += fragment;
    // White space before the first bracket is held back: alone, clients cannot parse it.
    this.#pending = this.#hasBegun ? this.#pending + fragment : this.#arguments.trimStart();
    this.#hasBegun ||= this.#pending !== "";
    this.#unread += fragment;
    // What follows a whole object makes it broken again.
    if (this.#isObject && fragment.trim() !== "") this.#isObject = null;
  }

  /** Whether the arguments are a whole JSON object: more of them can only be white space. */
  isComplete(): boolean {
    if (this.#isObject !== null) return this.#isObject;
    this.#shape.read(this.#unread);
    this.#unread = "";
    if (!this.#shape.isWhole) return false;
    this.#isObject = isJsonObject(parseJson(this.#arguments));
    return this.#isObject;
  }

  canStop(): boolean {
    return this.isComplete();
  }

  start(): ContentBlock {
    return { type: "tool_use", ...this.#options.identify(this), input: {} };
  }

  take(): BlockDelta | null {
    if (this.#pending === "") return null;
    const fragment = this.#pending;
    this.#pending = "";
    return { type: "input_json_delta", partial_json: fragment };
  }

  last(): null {
    return null;
  }
}

/** What a call cannot know by itself. */
export interface CallOptions {
  /** Decides, once and at the start, the id and name that clients see. */
  identify: (draft: ToolUseDraft) => { id: string; name: string };
  /** Whether a name is one of the request's tools. */
  isKnownName: (name: string) => boolean;
}

/**
 * Follows the brackets of a JSON text, each character once, so that asking again and again whether it is
 * whole costs linear time.
 */
class JsonShape {
  isWhole = false;
  #depth = 0;
  #inString = false;
  #isEscaped = false;

  read(text: string): void {
    for (let i = 0; i < text.length; i++) this.#step(text[i]);
  }

  #step(char: string | undefined): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (this.#inString) {
      if (char === "\\") this.#isEscaped = true;
      else if (char === '"') this.#inString = false;
    } else if (char === '"') this.#inString = true;
    else if (char === "{" || char === "[") this.#depth++;
    else if (char === "}" || char === "]") {
      this.#depth--;
      if (this.#depth === 0) this.isWhole = true;
    }
  }
}
