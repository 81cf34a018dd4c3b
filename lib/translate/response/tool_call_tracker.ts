/**
 * Assigns tool-call deltas to their calls. Pure.
 * Upstreams disagree on what identifies a call: an index that may be missing, always 0, or contradict the id;
 * an id that may be late, repeated on every delta, or used twice. The rules, strongest first:
 * a known id; a new id; an index; a new name; else the call of the previous delta.
 * @module
 */

import type { ToolCallDelta } from "../../openrouter/types.ts";
import { type ToolCallOptions, ToolUseBlockBuilder } from "./block_builders.ts";

/** A delta with the call it belongs to. */
export interface AssignedDelta {
  call: ToolUseBlockBuilder;
  /** Whether the call begins with this delta. */
  isNew: boolean;
  /** Arguments to add; "" for none. */
  text: string;
}

/** Longer than any tool name. Bounds the cost of joining names, as each result is compared with all tools. */
const MAX_TOOL_NAME_CHARS = 256;

/** Tracks the tool calls of one response. */
export class ToolCallTracker {
  /** The newest call of each index and id; searching a list for each delta is quadratic. */
  readonly #byIndex = new Map<number, ToolUseBlockBuilder>();
  readonly #byId = new Map<string, ToolUseBlockBuilder>();
  readonly #options: ToolCallOptions;
  #last: ToolUseBlockBuilder | undefined;

  constructor(options: ToolCallOptions) {
    this.#options = options;
  }

  /** Finds or creates the call of a delta, and records the delta's id and name in it. */
  assign(delta: ToolCallDelta): AssignedDelta {
    const fragment: ToolCallFragment = {
      index: delta.index ?? null,
      id: stringify(delta.id),
      name: stringify(delta.function?.name),
      text: stringify(delta.function?.arguments),
    };
    const found = this.#find(fragment);
    const isRepeat = found !== undefined && repeatsArguments(found, fragment);
    const isNew = found === undefined || (!isRepeat && beginsAnother(found, fragment));
    const call = isNew ? this.#begin(fragment.index) : found;
    if (call.upstreamId === "" && fragment.id !== "") {
      call.upstreamId = fragment.id;
      this.#byId.set(fragment.id, call);
    }
    call.upstreamName = this.#joinName(call, fragment.name || (found?.upstreamName ?? ""));
    this.#last = call;
    return { call, isNew, text: isRepeat ? "" : fragment.text };
  }

  #find({ index, id, name }: ToolCallFragment): ToolUseBlockBuilder | undefined {
    const atIndex = index === null ? undefined : this.#byIndex.get(index);
    if (id !== "") {
      if (atIndex?.upstreamId === id) return atIndex;
      const known = this.#byId.get(id);
      // The same id at another index, with its own name: two calls that share an id.
      const isTwin = name !== "" && index !== null && typeof known?.index === "number";
      if (known !== undefined && !isTwin) return known;
      return atIndex?.upstreamId === "" ? atIndex : this.#lastWithoutId(index);
    }
    if (atIndex !== undefined) return atIndex;
    // A named head without an id begins a call; a nameless tail continues the last one.
    if (name === "") return this.#last;
    return index === null && this.#continuesLast(name) ? this.#last : undefined;
  }

  /**
   * The first name counts: gateways repeat it on every delta, or send "" on the tails. A name is joined only if it is
   * not one of the request's tools so far, and only before arguments arrive.
   */
  #joinName(call: ToolUseBlockBuilder, name: string): string {
    if (call.upstreamName === "") return name;
    const isPart = !call.isKnown && call.arguments.text === "" &&
      call.upstreamName.length < MAX_TOOL_NAME_CHARS && !call.upstreamName.endsWith(name);
    return isPart ? call.upstreamName + name : call.upstreamName;
  }

  /** Without indexes, a late id belongs to the last call, if that has none. */
  #lastWithoutId(index: number | null): ToolUseBlockBuilder | undefined {
    return index === null && this.#last?.upstreamId === "" ? this.#last : undefined;
  }

  /** Some gateways repeat the name on each delta and send neither id nor index. */
  #continuesLast(name: string): boolean {
    return this.#last?.upstreamName === name && !this.#last.isReadyToStop();
  }

  #begin(index: number | null): ToolUseBlockBuilder {
    const call = new ToolUseBlockBuilder(index, this.#options);
    if (index !== null) this.#byIndex.set(index, call);
    return call;
  }
}

/** The fields of a tool-call delta. "" and null stand for missing ones. */
interface ToolCallFragment {
  index: number | null;
  id: string;
  name: string;
  text: string;
}

/** Some servers send the complete arguments once more at the end. */
function repeatsArguments(call: ToolUseBlockBuilder, { name, text }: ToolCallFragment): boolean {
  const isSameTool = name === "" || name === call.upstreamName;
  return isSameTool && isArgumentsStart(text) && call.isReadyToStop() &&
    text.trim() === call.arguments.text.trim();
}

/** Whether a delta for a call with complete arguments begins the next call with the same index or id. */
function beginsAnother(call: ToolUseBlockBuilder, fragment: ToolCallFragment): boolean {
  const hasNewName = fragment.name !== "" && call.upstreamName !== "" &&
    fragment.name !== call.upstreamName;
  return (hasNewName || isArgumentsStart(fragment.text)) && call.isReadyToStop();
}

/** Whether a text can be the beginning of arguments. */
function isArgumentsStart(text: string): boolean {
  return /^\s*\{/.test(text);
}

/** Arguments are a string; some servers send the object itself. */
function stringify(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : JSON.stringify(value);
}
