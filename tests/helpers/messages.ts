/**
 * Messages and content blocks of Anthropic requests.
 * @module
 */

/** An image of one pixel, as a base64 PNG. */
export const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** A text block, with more fields. */
export function text<More extends object = object>(content: string, more?: More) {
  return { type: "text", text: content, ...more };
}

/** A user message. */
export function user(...content: unknown[]) {
  return { role: "user", content };
}

/** An assistant message. */
export function assistant(...content: unknown[]) {
  return { role: "assistant", content };
}

/** A tool_use block. */
export function toolUse(id: string, name = "Read") {
  return { type: "tool_use", id, name, input: {} };
}

/** A tool_result block, with more fields. */
export function toolResult(id: string, more: Record<string, unknown> = {}) {
  return { type: "tool_result", tool_use_id: id, ...more };
}
