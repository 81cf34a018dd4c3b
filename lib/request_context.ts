/**
 * One request on its way through the routes, and what the routes may use.
 * @module
 */

import type { ByteBudget, ByteShare } from "./byte_budget.ts";
import type { TokenCalibration } from "./translate/token_calibration.ts";
import type { Config } from "./config.ts";
import type { Metrics } from "./metrics/metrics.ts";
import type { RequestTimeline } from "./metrics/request_timeline.ts";
import type { Log, RequestRecord } from "./log.ts";
import type { Catalog } from "./openrouter/catalog.ts";
import type { Client } from "./openrouter/client.ts";
import type { LearnedLimits } from "./openrouter/learned_limits.ts";
import type { UnavailableDefaults } from "./openrouter/model_mapping.ts";
import type { OpenStream } from "./stream/response_stream.ts";
import type { ReportSpan } from "./cli/telemetry.ts";

/** What the whole server shares. Everything that touches the world comes in here. */
export interface Services {
  config: Config;
  client: Client;
  catalog: Catalog;
  unavailableDefaults: UnavailableDefaults;
  /** What refusals have taught about single targets. */
  learnedLimits: LearnedLimits;
  tokenCalibration: TokenCalibration;
  /** The memory for bodies of all requests. */
  byteBudget: ByteBudget;
  /** What this process has done so far. */
  metrics: Metrics;
  log: Log;
  /** Told of every message that has ended. */
  reportSpan: ReportSpan;
  /** The streams that are open, and the requests that wait for an answer: at the end of the drain they are told. */
  openStreams: Set<OpenStream>;
  /** A monotonic clock, in milliseconds. */
  now: () => number;
  /** A unique id such as `msg_…`. */
  newId: (prefix: "msg" | "req" | "toolu") => string;
  /** Name and version of this program, for `GET /`. */
  about: { name: string; version: string };
}

/** One request, let in. */
export interface RequestContext {
  request: Request;
  url: URL;
  /** The OpenRouter key that pays; null where there is none. */
  upstreamKey: string | null;
  /** What the log line will say; routes fill in what they learn. */
  record: RequestRecord;
  /** The memory that the body takes, until upstream has answered or the request has failed. */
  bodyShare: ByteShare;
  /** The moments of this request, for who watches. */
  timeline: RequestTimeline;
  /** When the request came, by the services' clock. */
  startedAt: number;
  redact: (text: string) => string;
}

/** What a route answers with. */
export interface RouteResult {
  response: Response;
  /** Settles when the body has gone out, where that is later than the head. */
  finished?: Promise<void>;
}
