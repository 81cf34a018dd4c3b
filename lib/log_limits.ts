/**
 * Fits a log line into 4 KB, whatever clients and upstream send: texts and lists are cut, and what is left out is
 * said. Knows no format.
 * @module
 */

/** With its end a line is 4,096 bytes: what a pipe takes in one piece. */
const MAX_BYTES = 4095;
const MAX_CHARS = 2000;
const MAX_ITEMS = 40;
/** At 1/128, texts of 15 characters and no lists, every line is short. */
const SMALLEST_SHARE = 1 / 128;

const encoder = new TextEncoder();

/** What becomes of the fields of a line. */
export interface FitOptions<Fields> {
  redact: (text: string) => string;
  /** Makes the line. */
  format: (fields: Fields) => string;
}

/** The line for these fields, without secrets. It is made anew with shorter texts until it fits. */
export function fitLine<Fields extends object>(
  fields: Fields,
  { redact, format }: FitOptions<Fields>,
): string {
  for (let share = 1;; share /= 2) {
    const line = redact(format(shorten(fields, { share, redact })));
    if (share <= SMALLEST_SHARE || isShort(line)) return line;
  }
}

function isShort(line: string): boolean {
  // A UTF-16 unit is at most three bytes of UTF-8: most lines need no count.
  return line.length * 3 <= MAX_BYTES || encoder.encode(line).length <= MAX_BYTES;
}

/** Texts are cut after redaction: half a key is a secret too. Those that stay whole are redacted in the line. */
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
