/**
 * Colors for a terminal, and removal of control characters from untrusted text. The caller knows whether output is a
 * terminal.
 * @module
 */

export type Color = "red" | "green" | "yellow" | "dim";

/** Colors a text; returns it unchanged if colors are off. */
export type Colorizer = (color: Color, text: string) => string;

/** ANSI codes (SGR) that turn a color on and off. */
const CODES: Record<Color, readonly [on: number, off: number]> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  dim: [2, 22],
};

/** @param isOn whether output is a terminal and NO_COLOR is not set */
export function createColorizer(isOn: boolean): Colorizer {
  if (!isOn) return (_color, text) => text;
  return (color, text) => {
    const [on, off] = CODES[color];
    return text === "" ? "" : `\x1b[${on}m${text}\x1b[${off}m`;
  };
}

/** Control characters (C0, C1), invisible and bidirectional formatting characters, and U+2028 and U+2029. */
const CONTROL_CHARS = /[\p{Cc}\p{Cf}\u2028\u2029]+/gu;

/** Makes text from clients or upstream a single line that cannot control a terminal. */
export function stripControlChars(text: string): string {
  return text.replace(CONTROL_CHARS, " ");
}

/** Escapes them in a line of JSON, where `JSON.stringify` escapes only C0. */
export function escapeControls(json: string): string {
  return json.replace(
    CONTROL_CHARS,
    (found) =>
      found.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
  );
}
