/**
 * How the proxy is set up, for the dashboard: upstream, model mapping, access, and the credit of the proxy's own key.
 * @module
 */

import { findAccess } from "../auth.ts";
import type { Setup } from "../metrics/types.ts";
import type { RequestContext } from "../request_context.ts";

/** Reads the set-up, without secrets. */
export async function readSetup(
  { services: { config, keyCredit } }: RequestContext,
): Promise<Setup> {
  const { baseUrl, dialect, targets } = config;
  return {
    baseUrl,
    dialect,
    targets: Object.fromEntries(
      Object.entries(targets).map(([family, { models }]) => [family, models]),
    ),
    access: findAccess(config),
    credit: await keyCredit.read(),
  };
}
