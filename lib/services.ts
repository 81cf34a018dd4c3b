/**
 * Connects what the server shares: client, catalog, clock and ids. Whoever starts the server, the command line
 * or a program that embeds it, brings what differs: `fetch` and the log.
 * @module
 */

import { Calibration } from "./calibration.ts";
import type { Config } from "./config.ts";
import type { Services } from "./exchange.ts";
import { Catalog } from "./openrouter/catalog.ts";
import { createClient } from "./openrouter/client.ts";
import { RefusedDefaults } from "./openrouter/models.ts";

/** What differs between those who start a server. */
export interface Surroundings extends Pick<Services, "about" | "log"> {
  fetcher: typeof fetch;
}

/** Creates the services of one server. */
export function connectServices(config: Config, { about, log, fetcher }: Surroundings): Services {
  const client = createClient(config, fetcher);
  const now = () => performance.now();
  return {
    config,
    about,
    client,
    now,
    log,
    catalog: new Catalog({ fetchModels: () => client.fetchModels(), now }),
    refused: new RefusedDefaults(),
    calibration: new Calibration(),
    newId: (prefix) => `${prefix}_${crypto.randomUUID().replaceAll("-", "")}`,
  };
}
