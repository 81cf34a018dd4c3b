/**
 * Decodes and parses the text of a settings file. Mistakes that would lose a setting without a word end the start,
 * naming the line. Values are never shown: one of them is a key.
 * @module
 */

import { parse } from "@std/dotenv/parse";
import { StartError } from "./terminal.ts";
import { SETTING_NAMES } from "./unknown_variables.ts";

/** Replaces `$` while a file is parsed; a private-use character. */
const DOLLAR = "\uE024";
/** A colon instead of the equals sign, as in YAML. */
const COLON = /^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)\s*:/;
const KNOWN_NAMES: ReadonlySet<string> = new Set(SETTING_NAMES);

/**
 * Decodes UTF-8, with or without a byte order mark.
 * @throws {StartError} for UTF-16, which PowerShell writes with `>`, and for other encodings
 */
export function decodeEnvFile(bytes: Uint8Array, path: string): string {
  const [first, second] = bytes;
  const isUtf16 = first === 0xff && second === 0xfe || first === 0xfe && second === 0xff ||
    bytes.includes(0);
  if (isUtf16) {
    throw new StartError(`${path} is in UTF-16: save it again as UTF-8`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new StartError(`${path} is not valid UTF-8: save it again as UTF-8`, { cause });
  }
}

/**
 * Parses the values literally. The parser would expand an unquoted `$NAME`, so that the file of an untrusted repository
 * could send any secret in the user's environment to its own server.
 * @throws {StartError} naming the line with a colon instead of `=`, or with an unquoted `$`
 */
export function parseEnvText(text: string, path: string): Record<string, string> {
  const lines = text.split(/\r\n|\r|\n/);
  const colon = lines.findIndex(hasColon);
  // Before the parser, which would print such a line with its value.
  if (colon !== -1) {
    throw new StartError(`${path} line ${colon + 1}: write NAME=value, with = instead of a colon`);
  }
  const entries = Object.entries(parse(text.replaceAll("$", DOLLAR)))
    .map(([name, value]) => [name, value.replaceAll(DOLLAR, "$")] as const);
  // A shell that reads the same file would expand an unquoted one.
  const isQuoted = (value: string) => text.includes(`'${value}'`) || text.includes(`"${value}"`);
  const unquoted = entries.find(([, value]) => value.includes("$") && !isQuoted(value));
  if (unquoted !== undefined) {
    const line = findLine(lines, unquoted[0]);
    throw new StartError(
      `${path} line ${line} cannot be used: put values that contain $ into single quotes`,
    );
  }
  return Object.fromEntries(entries);
}

function hasColon(line: string): boolean {
  return KNOWN_NAMES.has(COLON.exec(line)?.[1] ?? "");
}

/** The number of the last line that sets a variable, from 1. */
function findLine(lines: readonly string[], name: string): number {
  const isOf = (line: string) =>
    line.replace(/^\s*(export\s+)?/, "").split("=")[0]?.trim() === name;
  return lines.findLastIndex(isOf) + 1;
}
