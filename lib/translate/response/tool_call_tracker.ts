/**
 * Which tool call a fragment belongs to. Pure.
 * Upstreams disagree on what identifies a call: an index that may be missing, always 0, or contradict the id;
 * an id that may be late, repeated on every fragment, or used twice. The rules, strongest first:
 * a known id; a new id; an index; a new name; else the call of the fragment before.
 * @module
 */

import type { ToolCallDelta } from "../../openrouter/types.ts";
import { type ToolCallOptions, ToolUseBlockBuilder } from "./block_builders.ts";

/** A fragment with the call it belongs to. */
export interface AssignedDelta {
  call: ToolUseBlockBuilder;
  /** Whether the call begins with this fragment. */
  isNew: boolean;
  /** Arguments to add; "" for none. */
  text: string;
}

/** No tool has a longer name. Each part that is added is compared with all names. */
const MAX_NAME_CHARS = 256;

/** The tool calls of one answer. */
export class ToolCallTracker {
  /** The newest call of each index and id: a list searched for each fragment is quadratic. */
  readonly #byIndex = new Map<number, ToolUseBlockBuilder>();
  readonly #byId = new Map<string, ToolUseBlockBuilder>();
  readonly #options: ToolCallOptions;
  #last: ToolUseBlockBuilder | undefined;

  constructor(options: ToolCallOptions) {
    this.#options = options;
  }

  /** Finds or begins the call of a fragment, and notes the id and name it brings. */
  assign(delta: ToolCallDelta): AssignedDelta {
    const fragment: ToolCallFragment = {
      index: delta.index ?? null,
      id: toText(delta.id),
      name: toText(delta.function?.name),
      text: toText(delta.function?.arguments),
    };
    const found = this.#find(fragment);
    const isRepeat = found !== undefined && repeats(found, fragment);
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
      // The same id at another index, with a name of its own: two calls that share an id.
      const isTwin = name !== "" && index !== null && typeof known?.index === "number";
      if (known !== undefined && !isTwin) return known;
      return atIndex?.upstreamId === "" ? atIndex : this.#unidentified(index);
    }
    if (atIndex !== undefined) return atIndex;
    // A named head without an id begins a call; a nameless tail goes on with the last one.
    if (name === "") return this.#last;
    return index === null && this.#continuesLast(name) ? this.#last : undefined;
  }

  /**
   * Set once: gateways repeat the name on every fragment, or send "" on the tails. Only what is no tool of the
   * request can be the first part of a name, and only before arguments come.
   */
  #joinName(call: ToolUseBlockBuilder, name: string): string {
    if (call.upstreamName === "") return name;
    const isPart = !call.isKnown && call.arguments.text === "" &&
      call.upstreamName.length < MAX_NAME_CHARS && !call.upstreamName.endsWith(name);
    return isPart ? call.upstreamName + name : call.upstreamName;
  }

  /** Without indexes, an id that comes late belongs to the last call, if that has none. */
  #unidentified(index: number | null): ToolUseBlockBuilder | undefined {
    return index === null && this.#last?.upstreamId === "" ? this.#last : undefined;
  }

  /** Some gateways repeat the name on each fragment and send neither id nor index. */
  #continuesLast(name: string): boolean {
    return this.#last?.upstreamName === name && !this.#last.isReadyToStop();
  }

  #begin(index: number | null): ToolUseBlockBuilder {
    const call = new ToolUseBlockBuilder(index, this.#options);
    if (index !== null) this.#byIndex.set(index, call);
    return call;
  }
}

/** What a delta says of its call. "" and null stand for "not said". */
interface ToolCallFragment {
  index: number | null;
  id: string;
  name: string;
  text: string;
}

/** Some servers send the whole arguments once more at the end. */
function repeats(call: ToolUseBlockBuilder, { name, text }: ToolCallFragment): boolean {
  const isSameTool = name === "" || name === call.upstreamName;
  return isSameTool && isHead(text) && call.isReadyToStop() &&
    text.trim() === call.arguments.text.trim();
}

/** Whether a fragment for a call that is already whole is the head of the next one in the same place. */
function beginsAnother(call: ToolUseBlockBuilder, fragment: ToolCallFragment): boolean {
  const isNamedAnew = fragment.name !== "" && call.upstreamName !== "" &&
    fragment.name !== call.upstreamName;
  return (isNamedAnew || isHead(fragment.text)) && call.isReadyToStop();
}

/** Whether a text can be the beginning of arguments. */
function isHead(text: string): boolean {
  return /^\s*\{/.test(text);
}

/** Arguments are a string; some servers send the object itself. */
function toText(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : JSON.stringify(value);
}
