/**
 * The input of a tool call whose arguments were not a JSON object.
 * @module
 */

/** The key that Anthropic's documentation suggests for such text. */
const INVALID_JSON = "INVALID_JSON";

/** An input that says what the model wrote instead of an object. */
export function toInvalidInput(text: string): Record<string, unknown> {
  return { [INVALID_JSON]: text };
}
