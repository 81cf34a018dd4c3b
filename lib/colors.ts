/**
 * Words for a terminal: in colour, and such that they cannot steer it. Whether there is one, the caller knows.
 * @module
 */

export type Color = "red" | "green" | "yellow" | "dim";

/** Text in a colour, or the text as it is where colours are off. */
export type Colorizer = (color: Color, text: string) => string;

/** Color → the codes that turn it on and off. */
const CODES: Record<Color, readonly [on: number, off: number]> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  dim: [2, 22],
};

/** @param isOn whether the text goes to a terminal whose owner has not set NO_COLOR */
export function createColorizer(isOn: boolean): Colorizer {
  if (!isOn) return (_color, text) => text;
  return (color, text) => {
    const [on, off] = CODES[color];
    return text === "" ? "" : `\x1b[${on}m${text}\x1b[${off}m`;
  };
}

/** Controls (C0, C1), what turns the direction of text or is not seen, and the line ends that are no controls. */
const STEERING = /[\p{Cc}\p{Cf}\u2028\u2029]+/gu;

/** One text, one line: nothing a client or upstream sends can start another, or steer a terminal. */
export function stripControlChars(text: string): string {
  return text.replace(STEERING, " ");
}

/** The same for a line of JSON, which loses nothing by it: `JSON.stringify` itself escapes C0 only. */
export function escapeControls(json: string): string {
  return json.replace(
    STEERING,
    (found) =>
      found.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
  );
}
