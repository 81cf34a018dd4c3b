/**
 * Queue of the content blocks that are not finished. Pure.
 * Only the first block is open; the others wait behind it. Blocks therefore never overlap and indexes are consecutive,
 * however upstream interleaves its deltas.
 * @module
 */

import type { BlockDelta, ContentBlock, StreamEvent } from "../../anthropic/types.ts";
import type { BlockBuilder, ToolUseBlockBuilder } from "./block_builders.ts";

/** Called once for each block, when it starts. */
export type OnBlock = (block: ContentBlock) => void;

/** Yields the events of its first block, then those of the next. */
export class BlockQueue {
  readonly #onBlock: OnBlock | undefined;
  #builders: BlockBuilder[] = [];
  /** The first builder, once its start has been sent. */
  #open: BlockBuilder | null = null;
  #nextIndex = 0;
  #hasSentCall = false;

  constructor(onBlock?: OnBlock) {
    this.#onBlock = onBlock;
  }

  /** The block whose start has been sent and whose stop has not. */
  get open(): BlockBuilder | null {
    return this.#open;
  }

  /** The newest block that is not finished. */
  get last(): BlockBuilder | undefined {
    return this.#builders.at(-1);
  }

  /** The tool calls that are not finished. */
  get calls(): ToolUseBlockBuilder[] {
    return this.#builders.filter((builder) => builder.type === "tool_use");
  }

  /** Whether the response has a tool call, finished or not. */
  get hasCall(): boolean {
    return this.#hasSentCall || this.calls.length > 0;
  }

  add<T extends BlockBuilder>(builder: T): T {
    this.#builders.push(builder);
    return builder;
  }

  /** Removes a block that has not been started. */
  remove(builder: BlockBuilder): void {
    this.#builders = this.#builders.filter((one) => one !== builder);
  }

  /** The events that can be sent now; a block is stopped when another one waits behind it. */
  nextEvents(): StreamEvent[] {
    return this.#takeEvents({ isEnd: false });
  }

  /** The events of all remaining blocks, at the end of the response. */
  flush(): StreamEvent[] {
    return this.#takeEvents({ isEnd: true });
  }

  #takeEvents({ isEnd }: { isEnd: boolean }): StreamEvent[] {
    const events: StreamEvent[] = [];
    let finished = 0;
    for (const builder of this.#builders) {
      if (this.#open === null) {
        if (!isEnd && !builder.isReadyToStart) break;
        events.push(this.#start(builder));
      }
      for (let delta = builder.nextDelta(); delta !== null; delta = builder.nextDelta()) {
        events.push(this.#delta(delta));
      }
      const mayStop = isEnd || (builder !== this.last && builder.isReadyToStop());
      if (!mayStop) break;
      const last = builder.finalDelta();
      if (last !== null) events.push(this.#delta(last));
      events.push(this.#stop(builder));
      finished++;
    }
    // All at once: removing them one by one is quadratic.
    if (finished > 0) this.#builders.splice(0, finished);
    return events;
  }

  #start(builder: BlockBuilder): StreamEvent {
    this.#open = builder;
    this.#hasSentCall ||= builder.type === "tool_use";
    const block = builder.start();
    this.#onBlock?.(block);
    return { type: "content_block_start", index: this.#nextIndex, content_block: block };
  }

  #delta(delta: BlockDelta): StreamEvent {
    return { type: "content_block_delta", index: this.#nextIndex, delta };
  }

  #stop(builder: BlockBuilder): StreamEvent {
    builder.isFinished = true;
    this.#open = null;
    return { type: "content_block_stop", index: this.#nextIndex++ };
  }
}
