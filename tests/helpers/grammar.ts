/**
 * What every answer stream must look like, whatever it says: the grammar of Anthropic's streaming API.
 * Knows events only, nothing of how they came about.
 * @module
 */

import { AssertionError } from "@std/assert";
import type {
  BlockDelta,
  ContentBlock,
  MessageDelta,
  StreamEvent,
} from "../../lib/anthropic/types.ts";

const CALL_ID = /^[a-zA-Z0-9_-]+$/;

/** Delta type → the block types it belongs in. */
const BLOCKS_OF: Record<BlockDelta["type"], ContentBlock["type"][]> = {
  text_delta: ["text"],
  citations_delta: ["text"],
  thinking_delta: ["thinking"],
  signature_delta: ["thinking"],
  input_json_delta: ["tool_use", "server_tool_use"],
};

/**
 * Checks a whole stream: head once and first, one block open at a time with index 0, 1, 2 …, an ending once,
 * or an error last.
 * @throws {AssertionError} with a sentence that says what is wrong, and where
 */
export function checkGrammar(events: readonly StreamEvent[]): void {
  const checker = new GrammarChecker();
  events.forEach((event, position) => {
    try {
      checker.read(event);
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error;
      throw new AssertionError(`${error.message} (event ${position}: ${JSON.stringify(event)})`);
    }
  });
  checker.end();
}

/**
 * Merges consecutive deltas of the same kind of the same block, and leaves out pings, so that two streams that
 * say the same are equal however they were cut. Signatures are whole values and stay as they are.
 */
export function collapse(events: readonly StreamEvent[]): StreamEvent[] {
  const collapsed: StreamEvent[] = [];
  for (const event of events) {
    if (event.type === "ping") continue;
    const last = collapsed.at(-1);
    const isSameBlock = event.type === "content_block_delta" &&
      last?.type === "content_block_delta" && last.index === event.index;
    const merged = isSameBlock ? mergeDeltas(last.delta, event.delta) : null;
    if (merged === null || !isSameBlock) collapsed.push(event);
    else collapsed.splice(-1, 1, { ...last, delta: merged });
  }
  return collapsed;
}

function mergeDeltas(a: BlockDelta, b: BlockDelta): BlockDelta | null {
  if (a.type === "text_delta" && b.type === "text_delta") {
    return { type: "text_delta", text: a.text + b.text };
  }
  if (a.type === "thinking_delta" && b.type === "thinking_delta") {
    return { type: "thinking_delta", thinking: a.thinking + b.thinking };
  }
  if (a.type === "input_json_delta" && b.type === "input_json_delta") {
    return { type: "input_json_delta", partial_json: a.partial_json + b.partial_json };
  }
  return null;
}

class GrammarChecker {
  #place: "before the head" | "among the blocks" | "after the ending" | "at the end" =
    "before the head";
  #open: { block: ContentBlock; json: string; isSigned: boolean } | null = null;
  #nextIndex = 0;
  #hasTool = false;
  /** A call whose arguments end inside a bracket or a string. */
  #hasCutCall = false;
  readonly #ids = new Set<string>();

  read(event: StreamEvent): void {
    check(this.#place !== "at the end", "Nothing may follow message_stop or an error");
    switch (event.type) {
      case "ping":
        return;
      case "message_start":
        return this.#readHead(event);
      case "content_block_start":
        return this.#readStart(event);
      case "content_block_delta":
        return this.#readDelta(event);
      case "content_block_stop":
        return this.#readStop(event);
      case "message_delta":
        return this.#readEnding(event);
      case "message_stop":
        check(this.#place === "after the ending", "message_stop must follow message_delta");
        this.#place = "at the end";
        return;
      case "error":
        check(event.error.type.length > 0, "An error needs a type");
        check(event.error.message.length > 0, "An error needs a message");
        this.#place = "at the end";
        return;
      default:
        event satisfies never;
        throw new AssertionError("The type of the event is unknown");
    }
  }

  end(): void {
    check(this.#place === "at the end", "A stream must end in message_stop or an error");
  }

  #readHead({ message }: StreamEvent & { type: "message_start" }): void {
    check(this.#place === "before the head", "message_start must come once and first");
    check(message.content.length === 0, "message_start must have no content");
    check(message.stop_reason === null, "message_start must have no stop reason");
    check(message.stop_sequence === null, "message_start must have no stop sequence");
    check(message.type === "message", 'message_start must have the type "message"');
    check(message.role === "assistant", 'message_start must have the role "assistant"');
    checkUsage(message.usage);
    check(message.usage.input_tokens > 0, "message_start must have input tokens");
    this.#place = "among the blocks";
  }

  #readStart({ index, content_block }: StreamEvent & { type: "content_block_start" }): void {
    check(this.#place === "among the blocks", "A block must start between head and ending");
    check(this.#open === null, "A block must not start while another is open");
    check(index === this.#nextIndex, `The block must have the index ${this.#nextIndex}`);
    checkStart(content_block);
    if (content_block.type === "tool_use") {
      check(CALL_ID.test(content_block.id), "A tool call id may hold only a-z A-Z 0-9 _ -");
      check(!this.#ids.has(content_block.id), "Two tool calls must not share an id");
      check(content_block.name !== "", "A tool call needs a name");
      this.#ids.add(content_block.id);
      this.#hasTool = true;
    }
    this.#open = { block: content_block, json: "", isSigned: false };
  }

  #readDelta({ index, delta }: StreamEvent & { type: "content_block_delta" }): void {
    const open = this.#open;
    check(open !== null && index === this.#nextIndex, "A delta must belong to the open block");
    check(Object.hasOwn(BLOCKS_OF, delta.type), "The type of the delta is unknown");
    const isFitting = BLOCKS_OF[delta.type].includes(open.block.type);
    check(isFitting, "The delta must fit the type of its block");
    check(!open.isSigned, "Nothing may follow the signature of a thinking block");
    const texts = Object.values(delta.type === "citations_delta" ? delta.citation : delta);
    check(texts.every((text) => typeof text === "string"), "A delta must hold only strings");
    if (delta.type === "signature_delta") open.isSigned = true;
    if (delta.type === "input_json_delta") open.json += delta.partial_json;
  }

  #readStop({ index }: StreamEvent & { type: "content_block_stop" }): void {
    const open = this.#open;
    check(open !== null && index === this.#nextIndex, "A stop must belong to the open block");
    if (open.block.type === "thinking") {
      check(open.isSigned, "A thinking block must be signed just before its stop");
    }
    if ("input" in open.block) {
      const end = judgeInput(open.json);
      check(
        end !== "not an object",
        "A closed tool call must have no input that is JSON but not an object",
      );
      this.#hasCutCall ||= end === "cut";
    }
    this.#open = null;
    this.#nextIndex++;
  }

  #readEnding({ delta, usage }: StreamEvent & { type: "message_delta" }): void {
    check(this.#place === "among the blocks", "message_delta must come once, after message_start");
    check(this.#open === null, "message_delta must not come while a block is open");
    checkUsage(usage);
    checkEnding(delta, this.#hasTool);
    const isRun = delta.stop_reason === "tool_use" || delta.stop_reason === "end_turn";
    check(!(this.#hasCutCall && isRun), "A cut call must not end in a stop reason that runs it");
    this.#place = "after the ending";
  }
}

function checkStart(block: ContentBlock): void {
  for (const [key, value] of Object.entries(block)) {
    check(value !== undefined && value !== null, `The block must leave ${key} out, or fill it`);
    check(key !== "citations" && key !== "caller", `The block must leave ${key} out`);
  }
  switch (block.type) {
    case "text":
      return check(block.text === "", 'A text block must start with text ""');
    case "thinking":
      check(block.thinking === "", 'A thinking block must start with thinking ""');
      return check(block.signature === "", 'A thinking block must start with signature ""');
    case "web_search_tool_result":
      return check(Array.isArray(block.content), "A search result must start with its content");
    case "server_tool_use":
    case "tool_use":
      return check(JSON.stringify(block.input) === "{}", "A tool call must start with input {}");
    case "redacted_thinking":
      return check(block.data.length > 0, "A redacted thinking block must start with its data");
    default:
      block satisfies never;
      throw new AssertionError("The type of the block is unknown");
  }
}

function checkEnding(ending: MessageDelta, hasTool: boolean): void {
  check(typeof ending.stop_reason === "string", "message_delta must have a stop reason");
  check(ending.stop_sequence !== undefined, "message_delta must have a stop sequence, or null");
  if (ending.stop_reason === "tool_use") {
    check(hasTool, "Stop reason tool_use needs a tool call");
  }
  const isRefusal = ending.stop_reason === "refusal";
  check(isRefusal === (ending.stop_details !== null), "Stop details must come with a refusal only");
}

function checkUsage(usage: object): void {
  for (const [key, value] of Object.entries(usage)) {
    if (key === "service_tier") continue;
    if (typeof value === "object" && value !== null) checkUsage(value);
    else check(Number.isInteger(value) && value >= 0, `${key} must be a whole number from 0 up`);
  }
}

/** What a client makes of the arguments of a closed call. */
function judgeInput(json: string): "object" | "not an object" | "cut" | "invalid" {
  if (json === "") return "object";
  try {
    const input: unknown = JSON.parse(json);
    const isObject = typeof input === "object" && input !== null && !Array.isArray(input);
    return isObject ? "object" : "not an object";
  } catch {
    return isCut(json) ? "cut" : "invalid";
  }
}

/** Whether more brackets open than close, outside strings, or the last string does not end. */
function isCut(json: string): boolean {
  const outside = json.replace(/"(?:[^"\\]|\\.)*"/gs, "");
  if (outside.includes('"')) return true;
  const opened = outside.match(/[[{]/g)?.length ?? 0;
  return opened > (outside.match(/[\]}]/g)?.length ?? 0);
}

function check(isTrue: boolean, sentence: string): asserts isTrue {
  if (!isTrue) throw new AssertionError(sentence);
}
