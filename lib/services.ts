/**
 * Connects what the server shares: client, catalog, metrics, clock and ids. Whoever starts the server, the
 * command line or a program that embeds it, brings what differs: `fetch`, the log and the spans.
 * @module
 */

import { ByteBudget } from "./byte_budget.ts";
import { TokenCalibration } from "./translate/token_calibration.ts";
import type { Config } from "./config.ts";
import type { Services } from "./request_context.ts";
import { Metrics } from "./metrics/metrics.ts";
import { Catalog } from "./openrouter/catalog.ts";
import { createClient } from "./openrouter/client.ts";
import { LearnedLimits } from "./openrouter/learned_limits.ts";
import { UnavailableDefaults } from "./openrouter/model_mapping.ts";
import { findLimit } from "./routes/budget.ts";

/**
 * Bodies of the largest size that may be under way at once. Until upstream answers, a body takes six to nine times its size:
 * as it was read, as it is sent, and what the runtime keeps of it.
 */
const LARGEST_BODIES = 4;
const LEAST_BUDGET = 128 * 1024 * 1024;

/** What differs between those who start a server. */
export interface ServiceOptions extends Pick<Services, "about" | "log" | "reportSpan"> {
  fetcher: typeof fetch;
}

/** Creates the services of one server. */
export function createServices(
  config: Config,
  { about, log, reportSpan, fetcher }: ServiceOptions,
): Services {
  const client = createClient(config, fetcher);
  const now = () => performance.now();
  const catalog = new Catalog({ fetchModels: () => client.fetchModels(), now });
  return {
    config,
    about,
    client,
    now,
    log,
    catalog,
    unavailableDefaults: new UnavailableDefaults(),
    learnedLimits: new LearnedLimits(),
    tokenCalibration: new TokenCalibration(),
    byteBudget: new ByteBudget(Math.max(LEAST_BUDGET, LARGEST_BODIES * config.maxBodyBytes)),
    metrics: new Metrics({
      about,
      date: () => new Date(),
      maxCostUsd: findLimit(config),
      onUncounted: (model) =>
        log.write(
          "warn",
          `The cost of ${model} is unknown: upstream reported none and lists no prices. ` +
            "MAX_COST_USD cannot limit such requests; GET /stats counts them as today.uncounted",
        ),
      capturesBodies: config.capturesBodies,
      findPrices: (model) => catalog.find(model),
    }),
    reportSpan,
    openStreams: new Set(),
    newId: (prefix) => `${prefix}_${crypto.randomUUID().replaceAll("-", "")}`,
  };
}
