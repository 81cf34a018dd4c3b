/**
 * `statusline`: the status line of Claude Code, which runs this command after every response with its session as JSON
 * on standard input. It has to be fast: it imports nothing of the server, and no package. What is slow at first use
 * in a process (`fetch`, `Intl`, `setTimeout`, streams) is avoided.
 * @module
 */

import { isJsonObject, type JsonObject, parseJson, toText } from "../../json.ts";
import { readGranted } from "../read_granted.ts";
import { formatStatusLine } from "./format_line.ts";
import { requestSession } from "./request_session.ts";

/** Claude Code passes them on to the commands it runs. */
export const STATUS_LINE_VARIABLES = [
  "ANTHROPIC_BASE_URL",
  "ANTHROPIC_AUTH_TOKEN",
  "ANTHROPIC_API_KEY",
] as const;

/** For the whole line; the next one is a few seconds away. */
export const STATUS_LINE_MS = 300;
/** Claude Code's input has some 2 KB. */
const MAX_INPUT_BYTES = 256 * 1024;

/** Reads bytes like `Deno.stdin.read`: null at the end. */
export type Read = (buffer: Uint8Array) => Promise<number | null>;

/**
 * Reads the input, and returns the status line. Never throws; a problem is part of the line.
 * @param signal aborts when the time is over
 */
export async function readStatusLine(signal: AbortSignal, read: Read): Promise<string> {
  const input = await readInput(signal, read);
  const baseUrl = readGranted("ANTHROPIC_BASE_URL");
  if (baseUrl === undefined) return formatStatusLine(input, "unset");
  const sessionId = toText(input["session_id"]);
  if (sessionId === "") return formatStatusLine(input, "unknown");
  const key = readGranted("ANTHROPIC_AUTH_TOKEN") ?? readGranted("ANTHROPIC_API_KEY") ?? null;
  return formatStatusLine(input, await requestSession({ baseUrl, key, sessionId }, signal));
}

/** Empty if the input is not a JSON object, too long, or does not end. */
async function readInput(signal: AbortSignal, read: Read): Promise<JsonObject> {
  const { promise: aborted, resolve } = Promise.withResolvers<null>();
  signal.addEventListener("abort", () => resolve(null), { once: true });
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(16 * 1024);
  let text = "";
  try {
    while (text.length < MAX_INPUT_BYTES) {
      const count = await Promise.race([aborted, read(buffer)]);
      if (count === null) break;
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
  } catch {
    // Standard input is closed.
  }
  const input = parseJson(text);
  return isJsonObject(input) ? input : {};
}
