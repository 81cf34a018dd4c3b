// Stand-in for `@std/dotenv/parse`, used where JSR cannot be reached. It reads text, and the
// environment only for `$NAME` references of unquoted values.

interface Value {
  text: string;
  end: number;
  quoted: boolean;
}

interface Reference {
  name: string;
  fallback: string | undefined;
  length: number;
}

/**
 * Parses the text of a `.env` file into an object without prototype. Double quotes support escapes;
 * unquoted values end at `#` and expand references, which become "undefined" if nothing sets them.
 * A value that refers to itself throws a RangeError; std loops forever.
 */
export function parse(text: string): Record<string, string> {
  const values: Record<string, string> = Object.create(null);
  const unquotedKeys: string[] = [];
  const assignment = /^(?:\s*export(?=\s))?\s*([^\s#=]+)\s*=[\t ]*/gm;
  for (let match = assignment.exec(text); match; match = assignment.exec(text)) {
    const [, key = ""] = match;
    const value = readValue(text, assignment.lastIndex);
    assignment.lastIndex = value.end;
    if (!/^[a-z_]\w*$/i.test(key)) {
      // deno-lint-ignore no-console -- std warns in the same way
      console.warn(`Ignored the key "${key}" as it is not a valid identifier`);
      continue;
    }
    values[key] = value.text;
    if (!value.quoted) unquotedKeys.push(key);
  }
  // References see the values as written, so that the order of the keys does not matter.
  const written = { ...values };
  for (const key of unquotedKeys) values[key] = expandValue(values[key] ?? "", written);
  return values;
}

function readValue(text: string, start: number): Value {
  const close = findClose(text, start);
  const quoted = close === -1 ? undefined : readQuoted(text.slice(start, close));
  const from = quoted === undefined ? start : close;
  const end = from + text.slice(from).search(/[\r\n]|$/);
  if (quoted !== undefined) return { text: quoted, end, quoted: true };
  const [unquoted = ""] = text.slice(start, end).split("#", 1);
  return { text: unquoted.trim(), end, quoted: false };
}

function findClose(text: string, open: number): number {
  if (text[open] === "'") return text.indexOf("'", open + 1);
  if (text[open] !== '"') return -1;
  for (let at = open + 1; at < text.length; at++) {
    if (text[at] === '"') return at;
    if (text[at] === "\\") at++;
  }
  return -1;
}

// One line break next to each quote is not part of the value.
function readQuoted(opened: string): string | undefined {
  const inner = opened.slice(1).replace(/^\r?\n?/, "");
  if (opened.startsWith('"')) return unescapeValue(inner);
  const literal = inner.replace(/\r?\n?$/, "");
  // A lone CR makes single quotes a part of an unquoted value.
  return /\r(?!\n)/.test(literal) ? undefined : literal;
}

// A last line break after a backslash stays: a single pass distinguishes it from an escaped backslash.
function unescapeValue(text: string): string {
  const escapes: Record<string, string> = { n: "\n", r: "\r", t: "\t" };
  return text.replace(/\\([^])|\r?\n?$/g, (whole, escaped?: string) => {
    if (escaped === undefined) return "";
    return /["'\\]/.test(escaped) ? escaped : escapes[escaped] ?? whole;
  });
}

// Expands whole passes, until no reference is left: an expanded value may refer to others.
function expandValue(text: string, written: Record<string, string>): string {
  let expanded = "";
  let done = 0;
  for (let at = text.indexOf("$"); at !== -1; at = text.indexOf("$", Math.max(at + 1, done))) {
    const reference = readReference(text, at);
    if (!reference) continue;
    const { name, fallback, length } = reference;
    expanded += text.slice(done, at) + (written[name] ?? Deno.env.get(name) ?? fallback);
    done = at + length;
  }
  return done === 0 ? text : expandValue(expanded + text.slice(done), written);
}

// A fallback is greedy: to the last brace of the line, or without braces to the line's end.
function readReference(text: string, at: number): Reference | undefined {
  const [line = ""] = text.slice(at).split(/[\r\n\u2028\u2029]/, 1);
  if (line[1] !== "{") {
    const name = /^\w+/.exec(line.slice(1))?.[0];
    if (name === undefined || text[at - 1] === "\\") return undefined;
    const rest = line.slice(1 + name.length);
    const fallback = /^:-./.test(rest) ? rest.slice(2) : undefined;
    return { name, fallback, length: fallback === undefined ? 1 + name.length : line.length };
  }
  // Names hold at least one character, whichever it is.
  const close = line.indexOf("}", 3);
  const dash = line.indexOf(":-", 3);
  const last = line.lastIndexOf("}");
  if (dash !== -1 && last > dash + 2 && (close === -1 || dash < close)) {
    return { name: line.slice(2, dash), fallback: line.slice(dash + 2, last), length: last + 1 };
  }
  if (close === -1) return undefined;
  return { name: line.slice(2, close), fallback: undefined, length: close + 1 };
}
