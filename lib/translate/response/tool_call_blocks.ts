/**
 * Adds the tool calls of a response to its block queue, and decides what happens to incomplete ones. Pure.
 * @module
 */

import { ApiError } from "../../errors.ts";
import type { ToolCallDelta } from "../../openrouter/types.ts";
import { ClientCallIds } from "../tool_call_ids.ts";
import { type AssignedDelta, ToolCallTracker } from "./tool_call_tracker.ts";
import type { ToolUseBlockBuilder } from "./block_builders.ts";
import type { ToolNames } from "../tool_names.ts";
import type { BlockQueue } from "./block_queue.ts";

/** What tool calls need from their request. */
export interface ToolCallBlockOptions {
  /** Creates an id for a call without one. */
  newCallId: () => string;
  /** Maps upstream's tool names back to the client's. */
  names?: ToolNames;
  /** Ids of the calls already in the conversation. */
  takenCallIds?: Iterable<string>;
}

/** Adds tool calls to a queue of blocks. */
export class ToolCallBlocks {
  readonly #queue: BlockQueue;
  readonly #options: ToolCallBlockOptions;
  readonly #ids: ClientCallIds;
  readonly #tracker: ToolCallTracker;
  #chars = 0;

  constructor(queue: BlockQueue, options: ToolCallBlockOptions) {
    this.#queue = queue;
    this.#options = options;
    this.#ids = new ClientCallIds(options.takenCallIds);
    this.#tracker = new ToolCallTracker({
      identify: (call) => this.#identify(call),
      // Without a list of tools every name counts as complete.
      isKnownName: (name) => options.names?.isUpstream(name) ?? true,
    });
  }

  /** Characters of arguments. */
  get chars(): number {
    return this.#chars;
  }

  /**
   * Adds deltas to their calls.
   * @returns the calls that begin with them; `begin` puts these into the queue
   * @throws {ApiError} for a delta of a call whose block is finished
   */
  add(deltas: readonly ToolCallDelta[]): ToolUseBlockBuilder[] {
    // One by one: whether a delta begins another call can depend on the arguments just before it.
    const begun: ToolUseBlockBuilder[] = [];
    for (const delta of deltas) this.#addAssigned(this.#tracker.assign(delta), begun);
    return begun;
  }

  /** Puts new calls at the end of the queue. */
  begin(calls: readonly ToolUseBlockBuilder[]): void {
    for (const call of calls) this.#queue.add(call);
  }

  /**
   * Removes or completes calls whose arguments are not a JSON object: clients run every call that is closed.
   * @param options `isCut`: the token limit ended the response; `isCompletion`: it is not a stream, so a cut call is
   * omitted
   * @returns whether a call was cut off
   * @throws {ApiError} for a call without a name
   */
  end(
    { isCut: isCutByLimit, isCompletion }: { isCut: boolean; isCompletion: boolean },
  ): boolean {
    const { calls } = this.#queue;
    const states = calls.map((call) => call.arguments.finalState());
    const isCut = isCutByLimit || states.includes("unclosed");
    for (const [position, call] of calls.entries()) {
      // No arguments at all are valid for a tool without parameters, unless they were cut off.
      const isEmptyCut = isCut && states[position] === "empty" && position === calls.length - 1;
      const isBroken = isEmptyCut || states[position] === "unclosed";
      const isStarted = this.#queue.open === call;
      if (isBroken && (isCompletion || call.upstreamName === "" || (isEmptyCut && !isStarted))) {
        this.#queue.remove(call);
      } else if (call.upstreamName === "") {
        const message = "The model called a tool without a name";
        throw new ApiError("api_error", message, { status: 502 });
      } else if (isEmptyCut) {
        // Clients would read an empty input as `{}`.
        call.arguments.add("{");
      }
    }
    return isCut;
  }

  #addAssigned({ call, isNew, text }: AssignedDelta, begun: ToolUseBlockBuilder[]): void {
    if (isNew) begun.push(call);
    if (text === "") return;
    if (call.isFinished) {
      if (text.trim() === "") return;
      const message = "Upstream continued a tool call that had already ended";
      throw new ApiError("api_error", message, { status: 502 });
    }
    this.#chars += text.length;
    call.arguments.add(text);
  }

  #identify(call: ToolUseBlockBuilder): { id: string; name: string } {
    const id = this.#ids.claim(call.upstreamId || this.#options.newCallId());
    return { id, name: this.#options.names?.toClient(call.upstreamName) ?? call.upstreamName };
  }
}
