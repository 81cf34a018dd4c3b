/**
 * The blocks of an answer that are not finished, in order. Pure.
 * Only the first is open to the client; the others wait behind it. So "start, deltas, stop, never overlapping,
 * index + 1" holds by construction, however upstream interleaves what it sends.
 * @module
 */

import type { BlockDelta, ContentBlock, StreamEvent } from "../anthropic/types.ts";
import type { Draft, ToolUseDraft } from "./drafts.ts";

/** Told of every block that begins, once. */
export type OnBlock = (block: ContentBlock) => void;

/** A queue of drafts that yields the events of the first. */
export class BlockQueue {
  readonly #onBlock: OnBlock | undefined;
  #drafts: Draft[] = [];
  /** The first draft, once its start has been sent. */
  #open: Draft | null = null;
  #nextIndex = 0;
  #hasSentCall = false;

  constructor(onBlock?: OnBlock) {
    this.#onBlock = onBlock;
  }

  /** The block the client sees grow. */
  get open(): Draft | null {
    return this.#open;
  }

  /** The block that came last, if it is not finished. */
  get last(): Draft | undefined {
    return this.#drafts.at(-1);
  }

  /** The calls that are not finished. */
  get calls(): ToolUseDraft[] {
    return this.#drafts.filter((draft) => draft.type === "tool_use");
  }

  /** Whether the answer has a call, finished or not. */
  get hasCall(): boolean {
    return this.#hasSentCall || this.calls.length > 0;
  }

  add<T extends Draft>(draft: T): T {
    this.#drafts.push(draft);
    return draft;
  }

  includes(draft: Draft): boolean {
    return this.#drafts.includes(draft);
  }

  /** Takes out a block that the client has not seen. */
  remove(draft: Draft): void {
    this.#drafts = this.#drafts.filter((one) => one !== draft);
  }

  /** What can be sent now: the first block's news, and its end where another waits behind it. */
  drain(): StreamEvent[] {
    return this.#send(
      (draft) => draft.canStart,
      (draft) => this.#drafts.length > 1 && draft.canStop(),
    );
  }

  /** All the rest: nothing more will come. */
  flush(): StreamEvent[] {
    return this.#send(() => true, () => true);
  }

  #send(mayStart: (draft: Draft) => boolean, mayStop: (draft: Draft) => boolean): StreamEvent[] {
    const events: StreamEvent[] = [];
    for (let first = this.#drafts[0]; first !== undefined; first = this.#drafts[0]) {
      if (this.#open === null) {
        if (!mayStart(first)) break;
        events.push(this.#start(first));
      }
      for (let delta = first.take(); delta !== null; delta = first.take()) {
        events.push(this.#delta(delta));
      }
      if (!mayStop(first)) break;
      const last = first.last();
      if (last !== null) events.push(this.#delta(last));
      events.push(this.#stop());
    }
    return events;
  }

  #start(draft: Draft): StreamEvent {
    this.#open = draft;
    this.#hasSentCall ||= draft.type === "tool_use";
    const block = draft.start();
    this.#onBlock?.(block);
    return { type: "content_block_start", index: this.#nextIndex, content_block: block };
  }

  #delta(delta: BlockDelta): StreamEvent {
    return { type: "content_block_delta", index: this.#nextIndex, delta };
  }

  #stop(): StreamEvent {
    this.#drafts.shift();
    this.#open = null;
    return { type: "content_block_stop", index: this.#nextIndex++ };
  }
}
