/**
 * Checks the grammar of Anthropic's streaming API: the order and form of the events of any stream.
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

/** Delta type → the types of its block. */
const BLOCKS_OF: Record<BlockDelta["type"], ContentBlock["type"][]> = {
  text_delta: ["text"],
  citations_delta: ["text"],
  thinking_delta: ["thinking"],
  signature_delta: ["thinking"],
  input_json_delta: ["tool_use", "server_tool_use"],
};

/**
 * Checks a complete stream: message_start once and first, one open block at a time with index 0, 1, 2 …, and one
 * message_delta with message_stop, or an error last.
 * @throws {AssertionError} that says what is wrong, and in which event
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
 * Merges consecutive deltas of the same type and block, and drops pings, so that streams of the same content are
 * equal however they were chunked. Signatures are complete values and are not merged.
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
  #place: "before message_start" | "in the content" | "after message_delta" | "at the end" =
    "before message_start";
  #open: { block: ContentBlock; json: string; isSigned: boolean } | null = null;
  #nextIndex = 0;
  #hasTool = false;
  /** A call whose arguments end within brackets or a string. */
  #hasCutCall = false;
  readonly #ids = new Set<string>();

  read(event: StreamEvent): void {
    check(this.#place !== "at the end", "Nothing may follow message_stop or an error");
    switch (event.type) {
      case "ping":
        return;
      case "message_start":
        return this.#readMessageStart(event);
      case "content_block_start":
        return this.#readBlockStart(event);
      case "content_block_delta":
        return this.#readBlockDelta(event);
      case "content_block_stop":
        return this.#readBlockStop(event);
      case "message_delta":
        return this.#readMessageDelta(event);
      case "message_stop":
        check(this.#place === "after message_delta", "message_stop must follow message_delta");
        this.#place = "at the end";
        return;
      case "error":
        check(event.error.type.length > 0, "An error must have a type");
        check(event.error.message.length > 0, "An error must have a message");
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

  #readMessageStart({ message }: StreamEvent & { type: "message_start" }): void {
    check(this.#place === "before message_start", "message_start must come once and first");
    check(message.content.length === 0, "message_start must have no content");
    check(message.stop_reason === null, "message_start must have no stop reason");
    check(message.stop_sequence === null, "message_start must have no stop sequence");
    check(message.type === "message", 'message_start must have the type "message"');
    check(message.role === "assistant", 'message_start must have the role "assistant"');
    checkUsage(message.usage);
    check(message.usage.input_tokens > 0, "message_start must have input tokens");
    this.#place = "in the content";
  }

  #readBlockStart({ index, content_block }: StreamEvent & { type: "content_block_start" }): void {
    check(
      this.#place === "in the content",
      "A block must start between message_start and message_delta",
    );
    check(this.#open === null, "A block must not start while another is open");
    check(index === this.#nextIndex, `The block must have the index ${this.#nextIndex}`);
    checkStart(content_block);
    if (content_block.type === "tool_use") {
      check(CALL_ID.test(content_block.id), "A tool call id may contain only a-z A-Z 0-9 _ -");
      check(!this.#ids.has(content_block.id), "Two tool calls must not share an id");
      check(content_block.name !== "", "A tool call must have a name");
      this.#ids.add(content_block.id);
      this.#hasTool = true;
    }
    this.#open = { block: content_block, json: "", isSigned: false };
  }

  #readBlockDelta({ index, delta }: StreamEvent & { type: "content_block_delta" }): void {
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

  #readBlockStop({ index }: StreamEvent & { type: "content_block_stop" }): void {
    const open = this.#open;
    check(open !== null && index === this.#nextIndex, "A stop must belong to the open block");
    if (open.block.type === "thinking") {
      check(open.isSigned, "A thinking block must be signed just before its stop");
    }
    if ("input" in open.block) {
      const end = parseInput(open.json);
      check(
        end !== "not an object",
        "A closed tool call must have no input that is JSON but not an object",
      );
      this.#hasCutCall ||= end === "cut";
    }
    this.#open = null;
    this.#nextIndex++;
  }

  #readMessageDelta({ delta, usage }: StreamEvent & { type: "message_delta" }): void {
    check(this.#place === "in the content", "message_delta must come once, after message_start");
    check(this.#open === null, "message_delta must not come while a block is open");
    checkUsage(usage);
    checkMessageDelta(delta, this.#hasTool);
    const isRun = delta.stop_reason === "tool_use" || delta.stop_reason === "end_turn";
    check(!(this.#hasCutCall && isRun), "A cut call must not end in a stop reason that runs it");
    this.#place = "after message_delta";
  }
}

function checkStart(block: ContentBlock): void {
  for (const [key, value] of Object.entries(block)) {
    check(value !== undefined && value !== null, `The block must omit ${key} or set it`);
    check(key !== "citations" && key !== "caller", `The block must omit ${key}`);
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

function checkMessageDelta(delta: MessageDelta, hasTool: boolean): void {
  check(typeof delta.stop_reason === "string", "message_delta must have a stop reason");
  check(delta.stop_sequence !== undefined, "message_delta must have a stop sequence, or null");
  if (delta.stop_reason === "tool_use") {
    check(hasTool, "Stop reason tool_use needs a tool call");
  }
  const isRefusal = delta.stop_reason === "refusal";
  check(isRefusal === (delta.stop_details !== null), "Stop details must come with a refusal only");
}

function checkUsage(usage: object): void {
  for (const [key, value] of Object.entries(usage)) {
    if (key === "service_tier") continue;
    if (typeof value === "object" && value !== null) checkUsage(value);
    else check(Number.isInteger(value) && value >= 0, `${key} must be a non-negative integer`);
  }
}

/** How a client parses the arguments of a closed call. */
function parseInput(json: string): "object" | "not an object" | "cut" | "invalid" {
  if (json === "") return "object";
  try {
    const input: unknown = JSON.parse(json);
    const isObject = typeof input === "object" && input !== null && !Array.isArray(input);
    return isObject ? "object" : "not an object";
  } catch {
    return isCut(json) ? "cut" : "invalid";
  }
}

/** Whether brackets or the last string are not closed. */
function isCut(json: string): boolean {
  const outside = json.replace(/"(?:[^"\\]|\\.)*"/gs, "");
  if (outside.includes('"')) return true;
  const opened = outside.match(/[[{]/g)?.length ?? 0;
  return opened > (outside.match(/[\]}]/g)?.length ?? 0);
}

function check(isTrue: boolean, message: string): asserts isTrue {
  if (!isTrue) throw new AssertionError(message);
}
