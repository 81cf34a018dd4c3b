/**
 * Upstream's replies with the text "Hi", for tests whose subject is something else.
 * @module
 */

import { completion, sseAnswer } from "./chunks.ts";
import { eventStream, type Reply } from "./upstream.ts";

type Json = Record<string, unknown>;

export const replyJson: Reply = () => Response.json(completion("Hi"));
export const replyStream: Reply = () => eventStream(sseAnswer("Hi"));
/** A stream if the request has `stream`, otherwise JSON. */
export const replyEither: Reply = (request) =>
  request.body["stream"] ? replyStream(request) : replyJson(request);
/** Sends no headers until the proxy disconnects. */
export const replyNever: Reply = ({ disconnected }) =>
  disconnected.then(() => new Response(null, { status: 500 }));

/** A completion with more fields in its message and beside its choices. */
export function replyWith(message: Json, more: Json = {}): Reply {
  const choice = { message: { role: "assistant", content: "Hi", ...message } };
  return () => Response.json({ choices: [{ ...choice, finish_reason: "stop" }], ...more });
}
