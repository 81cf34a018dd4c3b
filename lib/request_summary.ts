/**
 * The summary of a completed request for embedding programs.
 * @module
 */

import type { Outcome, RequestRecord } from "./log.ts";

/** Tokens as upstream reports them. Input tokens exclude those read from or written to a cache. */
export interface TokenUsage {
  /** Undefined if upstream did not report them. */
  readonly inputTokens: number | undefined;
  /** Undefined if upstream did not report them. */
  readonly outputTokens: number | undefined;
  /** Read from a cache. */
  readonly cacheReadTokens: number;
  /** Written to a cache. */
  readonly cacheWriteTokens: number;
}

/**
 * A completed request. Contains no prompts, and no keys: texts from clients and upstream are redacted, and at most 300
 * characters long.
 */
export interface RequestSummary {
  /** The `request-id` of the response. */
  readonly requestId: string;
  /** The model in the client's request; undefined if the request could not be read. */
  readonly model: string | undefined;
  /** The model that responded, else the one that was sent; undefined if nothing was sent. */
  readonly upstreamModel: string | undefined;
  /** The provider that upstream reports. */
  readonly provider: string | undefined;
  /** Tokens. */
  readonly usage: TokenUsage;
  /** In USD; undefined if upstream did not report it. */
  readonly costUsd: number | undefined;
  /** The HTTP status. A response that fails later has 200 and an `error`. */
  readonly status: number;
  /** How it ended: `client_gone` if the client disconnected, else the type of the error. */
  readonly outcome: Outcome;
  /** The error message that the client got. */
  readonly error: string | undefined;
  /** Milliseconds from the request to the end of its response. */
  readonly durationMs: number;
  /** Milliseconds to the first event of the response; undefined without one. */
  readonly firstEventMs: number | undefined;
  /** Fields of the request that were not forwarded, as in `x-proxy-dropped`; at most 40. */
  readonly dropped: readonly string[];
  /** The ID of the request whose image this one describes (`IMAGE_MODEL`). */
  readonly imageOf: string | undefined;
}

/** @param record a sanitized one */
export function summarizeRequest(record: RequestRecord): RequestSummary {
  return {
    requestId: record.requestId,
    model: record.model,
    upstreamModel: record.upstreamModel,
    provider: record.provider,
    usage: {
      inputTokens: record.inputTokens,
      outputTokens: record.outputTokens,
      cacheReadTokens: record.cachedTokens ?? 0,
      cacheWriteTokens: record.writtenTokens ?? 0,
    },
    costUsd: record.costUsd,
    status: record.status,
    outcome: record.outcome,
    error: record.error,
    durationMs: record.totalMs,
    firstEventMs: record.firstEventMs,
    dropped: [...record.dropped ?? []],
    imageOf: record.imageOf,
  };
}
