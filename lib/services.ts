/**
 * Creates the services of a server. The command line and embedding programs bring their own `fetch`, log and spans.
 * @module
 */

import { ActiveSet } from "./active_set.ts";
import { ByteBudget } from "./byte_budget.ts";
import { TokenCalibration } from "./translate/token_calibration.ts";
import type { Config } from "./config.ts";
import { InFlightCounter } from "./in_flight.ts";
import { createLearned, type Fact, type Learned, toLearnedLimits } from "./learned.ts";
import type { Services } from "./request_context.ts";
import type { Collect } from "./metrics/collected_metrics.ts";
import { Metrics } from "./metrics/metrics.ts";
import type { SharedRow } from "./shared_row.ts";
import { Catalog } from "./openrouter/catalog.ts";
import { createClient } from "./openrouter/client.ts";
import { KeyCredit } from "./openrouter/key_credit.ts";
import { findLimits } from "./routes/budget.ts";

/**
 * Concurrent request bodies of MAX_BODY_MB that fit. Until upstream responds, a body takes six to nine times its
 * size: as it was read, as it is sent, and the runtime's copies.
 */
const MAX_LARGE_BODIES = 4;
const MIN_BYTE_BUDGET = 128 * 1024 * 1024;

/** The services that callers bring. */
export interface ServiceOptions extends Pick<Services, "about" | "log" | "reportSpan"> {
  fetcher: typeof fetch;
  /** How it works together with other workers; missing for a server that works alone. */
  shared?: SharedOptions | undefined;
}

/** What one of several workers shares with the others. */
export interface SharedOptions {
  /** Limits over all workers. */
  row: SharedRow;
  /** Receives completed requests; missing for the worker that collects them. */
  collect?: Collect | undefined;
  /** Receives each fact that this worker learns. */
  onLearn?: ((fact: Fact) => void) | undefined;
}

/** Creates the services of one server. */
export function createServices(
  config: Config,
  { about, log, reportSpan, fetcher, shared }: ServiceOptions,
): Services {
  const client = createClient(config, fetcher);
  const now = () => performance.now();
  const catalog = new Catalog({ fetchModels: () => client.fetchModels(), now });
  const { openrouterApiKey: key, dialect } = config;
  // Other servers have no such endpoint.
  const fetchKey = key === null || dialect === "openai" ? null : () => client.fetchKey(key);
  const learned = createLearned(now, shared?.onLearn);
  const row = shared?.row ?? null;
  const maxBytes = Math.max(MIN_BYTE_BUDGET, MAX_LARGE_BODIES * config.maxBodyBytes);
  const metrics = createMetrics(config, { about, log, catalog, learned, shared });
  return {
    config,
    about,
    client,
    now,
    log,
    catalog,
    keyCredit: new KeyCredit({ fetchKey, now }),
    learned,
    unavailableDefaults: learned.targets.unavailableDefaults,
    learnedLimits: toLearnedLimits(learned),
    tokenCalibration: new TokenCalibration(learned.means.tokenRatio),
    imageDescriptions: learned.descriptions,
    inFlight: new InFlightCounter(row),
    byteBudget: new ByteBudget(maxBytes, row),
    metrics,
    figures: metrics,
    reportSpan,
    // Opened when the server starts: a library writes no files.
    history: null,
    openStreams: new ActiveSet(),
    unlistedModels: new Set(),
    newId: (prefix) => `${prefix}_${crypto.randomUUID().replaceAll("-", "")}`,
  };
}

/** What the metrics of a server need of its other services. */
interface MetricsSources extends Pick<Services, "about" | "log" | "catalog"> {
  learned: Learned;
  shared: SharedOptions | undefined;
}

function createMetrics(
  config: Config,
  { about, log, catalog, learned, shared }: MetricsSources,
): Metrics {
  return new Metrics({
    about,
    date: () => new Date(),
    ...findLimits(config),
    keyCount: config.proxyApiKeys.length,
    means: learned.means,
    sharedRow: shared?.row,
    collect: shared?.collect,
    onUncounted: (model) =>
      log.write(
        "warn",
        `The cost of ${model} is unknown: upstream reported none and lists no prices. ` +
          "Daily limits cannot count such requests; GET /stats shows them as today.uncounted",
      ),
    capturesBodies: config.capturesBodies,
    findPrices: (model) => catalog.find(model),
    findContextLength: (model) => catalog.find(model)?.contextLength,
  });
}
