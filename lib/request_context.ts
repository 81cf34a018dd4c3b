/**
 * The context of one request, and the services that all requests share.
 * @module
 */

import type { ActiveSet } from "./active_set.ts";
import type { ByteBudget, ByteShare } from "./byte_budget.ts";
import type { TokenCalibration } from "./translate/token_calibration.ts";
import type { Config } from "./config.ts";
import type { DashboardLink } from "./dashboard_link.ts";
import type { Disconnect } from "./disconnect_signal.ts";
import type { History } from "./history/types.ts";
import type { InFlightCounter } from "./in_flight.ts";
import type { Learned } from "./learned.ts";
import type { Eventually, Figures } from "./metrics/figures.ts";
import type { Metrics } from "./metrics/metrics.ts";
import type { RequestTimeline } from "./metrics/request_timeline.ts";
import type { Log, RequestRecord } from "./log.ts";
import type { Catalog } from "./openrouter/catalog.ts";
import type { Client } from "./openrouter/client.ts";
import type { Credit } from "./openrouter/key_credit.ts";
import type { LearnedLimits } from "./openrouter/learned_limits.ts";
import type { UnavailableDefaults } from "./openrouter/model_mapping.ts";
import type { SharedCache } from "./shared_cache.ts";
import type { OpenStream } from "./stream/response_stream.ts";
import type { ImageDescription } from "./translate/request/placeholders.ts";

/** Receives the record of a completed message. Called in the request's async context, so that spans nest. */
export type ReportSpan = (record: RequestRecord) => void;

/** The dependencies of a server, and the state that its requests share. */
export interface Services {
  config: Config;
  client: Client;
  catalog: Catalog;
  keyCredit: { read(): Eventually<Credit | null> };
  /** All that responses have taught; the next four are parts of it. */
  learned: Learned;
  unavailableDefaults: UnavailableDefaults;
  /** Limits of single models, learned from upstream's errors. */
  learnedLimits: LearnedLimits;
  tokenCalibration: TokenCalibration;
  /** Descriptions of images (IMAGE_MODEL), by hash. */
  imageDescriptions: SharedCache<ImageDescription>;
  /** Memory for the bodies of all requests. */
  byteBudget: ByteBudget;
  /** The requests in flight, for MAX_INFLIGHT. */
  inFlight: InFlightCounter;
  /** Metrics of the requests that this process handles. */
  metrics: Metrics;
  /** The figures that clients read; with several workers those of all. */
  figures: Figures;
  log: Log;
  reportSpan: ReportSpan;
  /** The one-time link to the dashboard, if one was printed. */
  dashboardLink?: DashboardLink;
  /** Stores completed requests; null unless HISTORY is set and its file can be used. */
  history: History | null;
  /** Open streams, and requests without a response yet: they get an error when the drain period ends. */
  openStreams: ActiveSet<OpenStream>;
  /** A monotonic clock, in milliseconds. */
  now: () => number;
  /** IDs that `GET /v1/models` leaves out, because the launcher's client lists them itself. */
  unlistedModels: Set<string>;
  /** Creates a unique ID such as `msg_…`. */
  newId: (prefix: "msg" | "req" | "toolu") => string;
  /** Name and version of this program, for `GET /`. */
  about: { name: string; version: string };
}

/** One request, from its arrival to the end of its response. */
export interface RequestContext {
  readonly request: Request;
  /** @throws {ApiError} 400 for a request target or Host that does not make a valid URL */
  readonly readUrl: () => URL;
  readonly disconnect: Disconnect;
  readonly services: Services;
  /** The key sent upstream, set by the authorization; null for none. */
  upstreamKey: string | null;
  /** The fields of the log line; routes fill them in. */
  readonly record: RequestRecord;
  readonly timeline: RequestTimeline;
  /** Memory for the request body, until upstream has responded or the request has failed. */
  readonly bodyShare: ByteShare;
  /** When the request arrived, by the services' clock. */
  readonly startedAt: number;
  readonly redact: (text: string) => string;
}

/** The result of a route. */
export interface RouteResult {
  response: Response;
  /** Settles when the body has been sent, if that is later than the headers. */
  finished?: Promise<void>;
}
