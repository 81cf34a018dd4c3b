/**
 * The tool calls of one answer as blocks in its queue, and what becomes of those that are not whole. Pure.
 * @module
 */

import { ApiError } from "../../errors.ts";
import type { ToolCallDelta } from "../../openrouter/types.ts";
import { ClientCallIds } from "../tool_call_ids.ts";
import { type AssignedDelta, ToolCallTracker } from "./tool_call_tracker.ts";
import type { ToolUseBlockBuilder } from "./block_builders.ts";
import type { ToolNames } from "../tool_names.ts";
import type { BlockQueue } from "./block_queue.ts";

/** What calls need to know of their request. */
export interface ToolCallBlockOptions {
  /** Makes an id for a call that upstream gave none. */
  newCallId: () => string;
  /** The way back for tool names. */
  names?: ToolNames;
  /** Ids of the calls already in the conversation. */
  takenCallIds?: Iterable<string>;
}

/** Adds tool calls to a queue of blocks. */
export class ToolCallBlocks {
  readonly #queue: BlockQueue;
  readonly #options: ToolCallBlockOptions;
  readonly #ids: ClientCallIds;
  readonly #router: ToolCallTracker;
  #chars = 0;

  constructor(queue: BlockQueue, options: ToolCallBlockOptions) {
    this.#queue = queue;
    this.#options = options;
    this.#ids = new ClientCallIds(options.takenCallIds);
    this.#router = new ToolCallTracker({
      identify: (call) => this.#identify(call),
      // Without a list of tools every name is taken as it comes.
      isKnownName: (name) => options.names?.isUpstream(name) ?? true,
    });
  }

  /** How many characters of arguments there were. */
  get chars(): number {
    return this.#chars;
  }

  /**
   * Adds the fragments of a delta to their calls.
   * @returns the calls that begin with them, which wait for `begin`
   * @throws {ApiError} for a fragment of a call that was already closed
   */
  add(deltas: readonly ToolCallDelta[]): ToolUseBlockBuilder[] {
    // One by one: whether a fragment begins another call can depend on the arguments just before it.
    const begun: ToolUseBlockBuilder[] = [];
    for (const delta of deltas) this.#addFragment(this.#router.assign(delta), begun);
    return begun;
  }

  /** Puts new calls behind the blocks that are there. */
  begin(calls: readonly ToolUseBlockBuilder[]): void {
    for (const call of calls) this.#queue.add(call);
  }

  /**
   * Decides on calls whose arguments are not a JSON object: clients run what is closed.
   * @param options `isCut`: the token limit ended the answer; `isWhole`: it is not a stream, and a cut call is left out
   * @returns whether a call was cut off
   * @throws {ApiError} for a call without a name
   */
  end({ isCut: isCutByLimit, isWhole }: { isCut: boolean; isWhole: boolean }): boolean {
    const { calls } = this.#queue;
    const ends = calls.map((call) => call.arguments.judge());
    const isCut = isCutByLimit || ends.includes("unclosed");
    for (const [place, call] of calls.entries()) {
      // A tool without parameters may get no arguments at all, unless they were cut off.
      const isEmptyCut = isCut && ends[place] === "empty" && place === calls.length - 1;
      const isBroken = isEmptyCut || ends[place] === "unclosed";
      const isSeen = this.#queue.open === call;
      if (isBroken && (isWhole || call.upstreamName === "" || (isEmptyCut && !isSeen))) {
        this.#queue.remove(call);
      } else if (call.upstreamName === "") throw createNamelessCall();
      // Closed without any, they would count as `{}`.
      else if (isEmptyCut) call.arguments.add("{");
    }
    return isCut;
  }

  #addFragment({ call, isNew, text }: AssignedDelta, begun: ToolUseBlockBuilder[]): void {
    if (isNew) begun.push(call);
    if (text === "") return;
    if (call.isFinished) {
      if (text.trim() === "") return;
      throw new ApiError("api_error", "OpenRouter continued a tool call that had ended", {
        status: 502,
      });
    }
    this.#chars += text.length;
    call.arguments.add(text);
  }

  #identify(call: ToolUseBlockBuilder): { id: string; name: string } {
    const id = this.#ids.claim(call.upstreamId || this.#options.newCallId());
    return { id, name: this.#options.names?.toClient(call.upstreamName) ?? call.upstreamName };
  }
}

function createNamelessCall(): ApiError {
  return new ApiError("api_error", "The model called a tool without a name", { status: 502 });
}
