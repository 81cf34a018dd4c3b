/**
 * Fills the log record and the timeline of a request while it is sent and its response arrives, and records its end;
 * used by both the translated and the passthrough route.
 * @module
 */

import { classifyRequest } from "../anthropic/request_kind.ts";
import { findSessionId } from "../anthropic/session_id.ts";
import { type ApiError, toApiError } from "../errors.ts";
import { isJsonObject, toText } from "../json.ts";
import { toSessionKey } from "../metrics/sessions.ts";
import type { RequestContext, Services } from "../request_context.ts";
import { recordHistory } from "./history.ts";
import type { StreamEnd } from "../stream/response_stream.ts";
import type { IdleTimer } from "../stream/stream_timer.ts";

/** A header of Claude Code, which tells what a request belongs to. */
function readClientHeader(
  request: Request,
  name: "session-id" | "agent-id" | "request-class",
): string | undefined {
  return request.headers.get(`x-claude-code-${name}`) ?? undefined;
}

/** The session of Claude Code; undefined for other clients. */
export function readSessionHeader({ request }: RequestContext): string | undefined {
  return readClientHeader(request, "session-id");
}

/** Records the client's session and the kind of the request, from an unchecked body. */
export function recordSession(context: RequestContext, body: unknown): void {
  if (!isJsonObject(body)) return;
  const { request, timeline, redact } = context;
  const { metadata } = body;
  const header = readSessionHeader(context);
  const userId = isJsonObject(metadata) ? toText(metadata["user_id"]) : undefined;
  const sessionId = findSessionId(userId, header);
  timeline.session = {
    kind: classifyRequest(body, {
      isClaudeCode: header !== undefined,
      agentId: readClientHeader(request, "agent-id"),
      requestClass: readClientHeader(request, "request-class"),
    }),
    ...(sessionId !== undefined && { sessionId: toSessionKey(redact(sessionId)) }),
  };
}

/** Records the models, just before the request is sent. */
export function recordModels(
  { record, timeline }: RequestContext,
  models: readonly [string, ...string[]],
): void {
  record.upstreamModel = models[0];
  timeline.sentModel = models[0];
  if (models.length > 1) record.sentModels = models;
}

/** Records the time to the first event of the response. */
export function recordFirstEvent({ record, startedAt, services }: RequestContext): void {
  record.firstEventMs = Math.round(services.now() - startedAt);
}

/** Reports how long upstream has been idle, for as long as the stream is open. */
export function trackIdle(
  { timeline }: RequestContext,
): (timer: IdleTimer) => void {
  return (timer) => {
    timeline.idleTimer = timer;
  };
}

/** Adds a content block to the timeline: its type, and the name of the tool. */
export function recordBlock(
  { timeline }: RequestContext,
  { type, name }: { type?: unknown; name?: unknown },
): void {
  timeline.add("block", [type, name].filter((word) => typeof word === "string").join(" "));
}

/** Usage in Anthropic's format; from an Anthropic upstream its values are not checked yet. */
export interface ReportedUsage {
  input_tokens?: unknown;
  output_tokens?: unknown;
  cache_read_input_tokens?: unknown;
  cache_creation_input_tokens?: unknown;
}

/** Records usage. Later reports replace earlier ones; a value that is not reported again stays. */
export function recordUsage(
  { record }: RequestContext,
  usage: ReportedUsage,
  costUsd: number | undefined,
): void {
  const { input_tokens: input, output_tokens: output } = usage;
  const { cache_read_input_tokens: cached, cache_creation_input_tokens: written } = usage;
  if (typeof input === "number") record.inputTokens = input;
  if (typeof output === "number") record.outputTokens = output;
  if (typeof cached === "number") record.cachedTokens = cached;
  // Most requests write nothing to a cache.
  if (typeof written === "number" && written !== 0) record.writtenTokens = written;
  if (costUsd !== undefined) record.costUsd = costUsd;
}

/**
 * Records the end of a stream, after `onEnd`. `finished` resolves even if one of them throws: otherwise the request
 * would stay in flight.
 */
export function trackEnd(
  context: RequestContext,
  onEnd: (end: StreamEnd) => void = () => {},
): { finished: Promise<void>; onEnd: (end: StreamEnd) => void } {
  const { promise: finished, resolve } = Promise.withResolvers<void>();
  return {
    finished,
    onEnd: (end) => {
      try {
        onEnd(end);
        recordEnd(context, end);
      } finally {
        resolve();
      }
    },
  };
}

function recordEnd(context: RequestContext, end: StreamEnd): void {
  const { record, redact } = context;
  // Deno 2.5 aborts the upstream call through the request's signal before it cancels the response.
  if (end.how === "failed" && context.disconnect.signal.aborted) end = { how: "client_gone" };
  record.outcome = end.how === "failed" ? end.error.type : end.how;
  if (end.how === "failed") record.error = redact(end.error.message);
}

/** Records an error before the response; internal ones go to the log with their stack. @returns the client's error */
export function recordError(
  { record, redact, services: { log } }: RequestContext,
  error: unknown,
): ApiError {
  const apiError = toApiError(error);
  record.outcome = apiError.status === 499 ? "client_gone" : apiError.type;
  record.error = redact(apiError.message);
  if (apiError.cause !== undefined) {
    const isInternal = apiError !== error;
    const level = isInternal ? "error" : "debug";
    log.write(level, `${record.requestId} ${describeCause(apiError.cause)}`);
  }
  return apiError;
}

/** With the stack; for the log only, never for clients. */
function describeCause(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.stack ?? `${cause.name}: ${cause.message}`;
}

/** Records a sent response: metrics, span, log line. Never rejects: a failure here must not end the process. */
export async function recordFinished(
  context: RequestContext,
  finished?: Promise<void>,
): Promise<void> {
  try {
    await finished;
    recordCompleted(context);
  } catch (cause) {
    const message = `${context.record.requestId} was not recorded: ${describeCause(cause)}`;
    writeSafely(context.services.log, message);
  }
}

function recordCompleted(context: RequestContext): void {
  const { record, startedAt, timeline, services } = context;
  record.totalMs = Math.round(services.now() - startedAt);
  const finished = services.metrics.finish(timeline);
  if (finished !== null) {
    services.reportSpan(finished);
    recordHistory(context, finished);
  }
  services.log.request(record);
}

function writeSafely(log: Services["log"], message: string): void {
  try {
    log.write("error", message);
  } catch {
    // There is no other place to report it.
  }
}
