/**
 * Fits a log line into 4 KB: shortens texts and lists, with a mark where something is missing. Knows no format.
 * @module
 */

/** With its line break a line has 4,096 bytes, which are written to a pipe atomically. */
const MAX_BYTES = 4095;
const MAX_CHARS = 2000;
const MAX_ITEMS = 40;
/** At 1/128 texts have 15 characters and lists are empty: every line fits. */
const MIN_SHARE = 1 / 128;

const encoder = new TextEncoder();

/** How fields become a line. */
export interface FitOptions<Fields> {
  redact: (text: string) => string;
  format: (fields: Fields) => string;
}

/** Formats a line without secrets, with shorter and shorter texts until it fits. */
export function fitLine<Fields extends object>(
  fields: Fields,
  { redact, format }: FitOptions<Fields>,
): string {
  for (let share = 1;; share /= 2) {
    const line = redact(format(shorten(fields, { share, redact })));
    if (share <= MIN_SHARE || isShort(line)) return line;
  }
}

function isShort(line: string): boolean {
  // A UTF-16 unit takes at most three bytes in UTF-8: most lines need not be encoded.
  return line.length * 3 <= MAX_BYTES || encoder.encode(line).length <= MAX_BYTES;
}

/** Texts are redacted before they are cut: half a key is a secret too. The others are redacted in the line. */
function shorten<Fields extends object>(
  fields: Fields,
  { share, redact }: { share: number; redact: (text: string) => string },
): Fields {
  const maxChars = Math.floor(MAX_CHARS * share);
  const maxItems = Math.floor(MAX_ITEMS * share);
  const isLong = (value: unknown): boolean =>
    typeof value === "string" ? value.length > maxChars : Array.isArray(value) &&
      (value.length > maxItems || value.some(isLong));
  if (!Object.values(fields).some(isLong)) return fields;
  return JSON.parse(JSON.stringify(fields, (_name, value: unknown) => {
    if (typeof value === "string" && value.length > maxChars) {
      return cutText(redact(value), maxChars);
    }
    if (Array.isArray(value) && value.length > maxItems) return cutList(value, maxItems);
    return value;
  }));
}

function cutText(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars)}…`;
}

function cutList(items: readonly unknown[], maxItems: number): unknown[] {
  return [...items.slice(0, maxItems), `… and ${items.length - maxItems} more`];
}
