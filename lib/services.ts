/**
 * Creates the services of a server. The command line and embedding programs bring their own `fetch`, log and spans.
 * @module
 */

import { ByteBudget } from "./byte_budget.ts";
import { TokenCalibration } from "./translate/token_calibration.ts";
import type { Config } from "./config.ts";
import type { Services } from "./request_context.ts";
import { Metrics } from "./metrics/metrics.ts";
import { Catalog } from "./openrouter/catalog.ts";
import { createClient } from "./openrouter/client.ts";
import { KeyCredit } from "./openrouter/key_credit.ts";
import { LearnedLimits } from "./openrouter/learned_limits.ts";
import { UnavailableDefaults } from "./openrouter/model_mapping.ts";
import { SharedCache } from "./shared_cache.ts";
import { findLimits } from "./routes/budget.ts";

/**
 * Concurrent request bodies of MAX_BODY_MB that fit. Until upstream responds, a body takes six to nine times its
 * size: as it was read, as it is sent, and the runtime's copies.
 */
const MAX_LARGE_BODIES = 4;
const MIN_BYTE_BUDGET = 128 * 1024 * 1024;

/** Of a session with hundreds of images; a description has at most 32,000 characters. */
const MAX_DESCRIPTIONS = 1000;
const MAX_DESCRIPTION_CHARS = 4_000_000;

/** The services that callers bring. */
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
  const { openrouterApiKey: key, dialect } = config;
  // Other servers have no such endpoint.
  const fetchKey = key === null || dialect === "openai" ? null : () => client.fetchKey(key);
  return {
    config,
    about,
    client,
    now,
    log,
    catalog,
    keyCredit: new KeyCredit({ fetchKey, now }),
    unavailableDefaults: new UnavailableDefaults(),
    learnedLimits: new LearnedLimits(),
    tokenCalibration: new TokenCalibration(),
    imageDescriptions: new SharedCache({
      maxEntries: MAX_DESCRIPTIONS,
      maxSize: MAX_DESCRIPTION_CHARS,
      now,
    }),
    byteBudget: new ByteBudget(Math.max(MIN_BYTE_BUDGET, MAX_LARGE_BODIES * config.maxBodyBytes)),
    metrics: new Metrics({
      about,
      date: () => new Date(),
      ...findLimits(config),
      keyCount: config.proxyApiKeys.length,
      onUncounted: (model) =>
        log.write(
          "warn",
          `The cost of ${model} is unknown: upstream reported none and lists no prices. ` +
            "Daily limits cannot count such requests; GET /stats shows them as today.uncounted",
        ),
      capturesBodies: config.capturesBodies,
      findPrices: (model) => catalog.find(model),
      findContextLength: (model) => catalog.find(model)?.contextLength,
    }),
    reportSpan,
    // Opened when the server starts: a library writes no files.
    history: null,
    openStreams: new Set(),
    unlistedModels: new Set(),
    newId: (prefix) => `${prefix}_${crypto.randomUUID().replaceAll("-", "")}`,
  };
}
