/**
 * The blocks of an answer that are not finished, in order. Pure.
 * Only the first is open to the client; the others wait behind it. So "start, deltas, stop, never overlapping,
 * index + 1" holds by construction, however upstream interleaves what it sends.
 * @module
 */

import type { BlockDelta, ContentBlock, StreamEvent } from "../../anthropic/types.ts";
import type { BlockBuilder, ToolUseBlockBuilder } from "./block_builders.ts";

/** Told of every block that begins, once. */
export type OnBlock = (block: ContentBlock) => void;

/** A queue of drafts that yields the events of the first. */
export class BlockQueue {
  readonly #onBlock: OnBlock | undefined;
  #drafts: BlockBuilder[] = [];
  /** The first draft, once its start has been sent. */
  #open: BlockBuilder | null = null;
  #nextIndex = 0;
  #hasSentCall = false;

  constructor(onBlock?: OnBlock) {
    this.#onBlock = onBlock;
  }

  /** The block the client sees grow. */
  get open(): BlockBuilder | null {
    return this.#open;
  }

  /** The block that came last, if it is not finished. */
  get last(): BlockBuilder | undefined {
    return this.#drafts.at(-1);
  }

  /** The calls that are not finished. */
  get calls(): ToolUseBlockBuilder[] {
    return this.#drafts.filter((draft) => draft.type === "tool_use");
  }

  /** Whether the answer has a call, finished or not. */
  get hasCall(): boolean {
    return this.#hasSentCall || this.calls.length > 0;
  }

  add<T extends BlockBuilder>(draft: T): T {
    this.#drafts.push(draft);
    return draft;
  }

  /** Takes out a block that the client has not seen. */
  remove(draft: BlockBuilder): void {
    this.#drafts = this.#drafts.filter((one) => one !== draft);
  }

  /** What can be sent now: the first block's news, and its end where another waits behind it. */
  finishAll(): StreamEvent[] {
    return this.#send(
      (draft) => draft.isReadyToStart,
      (draft) => draft !== this.#drafts.at(-1) && draft.isReadyToStop(),
    );
  }

  /** All the rest: nothing more will come. */
  flush(): StreamEvent[] {
    return this.#send(() => true, () => true);
  }

  #send(
    mayStart: (draft: BlockBuilder) => boolean,
    mayStop: (draft: BlockBuilder) => boolean,
  ): StreamEvent[] {
    const events: StreamEvent[] = [];
    let finished = 0;
    for (const draft of this.#drafts) {
      if (this.#open === null) {
        if (!mayStart(draft)) break;
        events.push(this.#start(draft));
      }
      for (let delta = draft.nextDelta(); delta !== null; delta = draft.nextDelta()) {
        events.push(this.#delta(delta));
      }
      if (!mayStop(draft)) break;
      const last = draft.finalDelta();
      if (last !== null) events.push(this.#delta(last));
      events.push(this.#stop(draft));
      finished++;
    }
    // At once: to take each out by itself would be quadratic.
    if (finished > 0) this.#drafts.splice(0, finished);
    return events;
  }

  #start(draft: BlockBuilder): StreamEvent {
    this.#open = draft;
    this.#hasSentCall ||= draft.type === "tool_use";
    const block = draft.start();
    this.#onBlock?.(block);
    return { type: "content_block_start", index: this.#nextIndex, content_block: block };
  }

  #delta(delta: BlockDelta): StreamEvent {
    return { type: "content_block_delta", index: this.#nextIndex, delta };
  }

  #stop(draft: BlockBuilder): StreamEvent {
    draft.isFinished = true;
    this.#open = null;
    return { type: "content_block_stop", index: this.#nextIndex++ };
  }
}
