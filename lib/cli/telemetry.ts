/**
 * Creates a span for each message if the runtime collects telemetry (`OTEL_DENO=true`). The runtime's own request span
 * ends with the response headers; this one lasts until the stream ends and has the usage. Uses the runtime's API
 * without a package.
 * @module
 */

import type { RequestRecord } from "../log.ts";
import type { ReportSpan } from "../request_context.ts";

type Attributes = Record<string, string | number>;

/** The subset of OpenTelemetry's tracer that is used. Times in milliseconds since the epoch. */
export interface Tracer {
  startSpan(name: string, options: { startTime: number }): Span;
}

/** The subset of OpenTelemetry's span that is used. */
export interface Span {
  /** False if the span is not collected. */
  isRecording(): boolean;
  setAttributes(attributes: Attributes): void;
  setStatus(status: { code: number; message: string }): void;
  end(time: number): void;
}

/** OpenTelemetry's code for a span that failed. */
const FAILED = 2;

/** @param tracer the runtime's; null if it collects nothing */
export function createReportSpan(tracer: Tracer | null, date: () => Date): ReportSpan {
  if (tracer === null) return () => {};
  return (record) => {
    const endTime = date().getTime();
    const startTime = endTime - record.totalMs;
    const span = tracer.startSpan(`chat ${record.model ?? "unknown"}`, { startTime });
    if (!span.isRecording()) return;
    span.setAttributes(listAttributes(record));
    if (record.error !== undefined) span.setStatus({ code: FAILED, message: record.error });
    span.end(endTime);
  };
}

/** Names of OpenTelemetry's conventions for generative AI where there is one. Unknown values are omitted. */
function listAttributes(record: RequestRecord): Attributes {
  const { inputTokens, cachedTokens = 0, writtenTokens = 0, firstEventMs } = record;
  const known: Record<string, string | number | undefined> = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": record.model,
    "gen_ai.response.model": record.upstreamModel,
    "gen_ai.usage.input_tokens": inputTokens === undefined
      ? undefined
      : inputTokens + cachedTokens + writtenTokens,
    "gen_ai.usage.cache_read.input_tokens": record.cachedTokens,
    "gen_ai.usage.cache_creation.input_tokens": record.writtenTokens,
    "gen_ai.usage.output_tokens": record.outputTokens,
    "http.response.status_code": record.status,
    "error.type": record.error === undefined ? undefined : record.outcome,
    "claudeproxy.request_id": record.requestId,
    "claudeproxy.provider": record.provider,
    "claudeproxy.cost_usd": record.costUsd,
    "claudeproxy.first_event_ms": firstEventMs,
    "claudeproxy.end": record.outcome,
  };
  const entries = Object.entries(known);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string | number] => entry[1] !== undefined),
  );
}
