/**
 * Reads responses of the proxy: errors in Anthropic's format, and streams.
 * @module
 */

import { assertEquals } from "@std/assert";
import type { StreamEvent } from "../../lib/anthropic/types.ts";
import { parseSse } from "./sse.ts";

/** Status, type and message of an error response in Anthropic's format. */
export async function readError(
  response: Response,
): Promise<{ status: number; type: string; message: string }> {
  const { status, headers } = response;
  const body = await response.json();
  assertEquals(body.type, "error");
  assertEquals(body.request_id, headers.get("request-id"));
  return { status, type: body.error.type, message: body.error.message };
}

/** All events of a streamed response. */
export async function readEvents(response: Response): Promise<StreamEvent[]> {
  return parseSse(await response.text()).map(({ data }) => JSON.parse(data));
}

/** Type and message of a stream's last event, if it is an error. */
export function lastError(events: readonly StreamEvent[]): string {
  const last = events.at(-1);
  return last?.type === "error"
    ? `${last.error.type}: ${last.error.message}`
    : `no error: ${last?.type}`;
}
