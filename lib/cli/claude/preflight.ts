/**
 * Checks upstream, the API key and the models before Claude Code starts: its retries would hide an error for a minute.
 * The checks are those of the command `check`.
 * @module
 */

import { stripControlChars } from "../../colors.ts";
import type { Config } from "../../config.ts";
import { ApiError } from "../../errors.ts";
import type { Catalog } from "../../openrouter/catalog.ts";
import { createClient } from "../../openrouter/client.ts";
import { createRedactor, listSecrets } from "../../redact.ts";
import type { Services } from "../../request_context.ts";
import { checkTargets } from "../check/models.ts";
import type { Finding } from "../check/report.ts";
import {
  checkKey,
  checkUpstream,
  correctBaseUrl,
  type UpstreamResponses,
} from "../check/upstream.ts";
import { isOpenRouter } from "../startup_message.ts";
import { StartError } from "../terminal.ts";

/** Unknown models beyond this number are not listed. */
const MAX_MODELS = 3;
/** Upstream's messages may be long. */
const MAX_CHARS = 400;

/**
 * Waits for the model list and the report on the key, in parallel.
 * @returns warnings, one line each: no response in time, an error that may pass, models that are not listed
 * @throws {StartError} if no request can succeed: upstream cannot be reached, or rejects the key
 */
export async function checkBeforeStart(
  { config, catalog }: Pick<Services, "config" | "catalog">,
  timeoutMs: number,
): Promise<string[]> {
  const { openrouterApiKey } = config;
  const client = createClient({ ...config, timeoutMs }, fetch);
  const [[key]] = await Promise.all([
    Promise.allSettled([openrouterApiKey === null ? null : client.fetchKey(openrouterApiKey)]),
    catalog.list(timeoutMs),
  ]);
  const responses: UpstreamResponses = {
    models: catalog.lastFetch ?? { status: "rejected", reason: noResponseError() },
    key: openrouterApiKey === null ? null : key,
  };
  const redact = createRedactor(listSecrets(config));
  const toLine = (text: string) => stripControlChars(redact(text)).slice(0, MAX_CHARS);
  const problem = findProblem(responses, config);
  if (problem !== null) throw new StartError(`Claude Code was not started: ${toLine(problem)}`);
  return findWarnings(responses, { config, catalog }).map(toLine);
}

/** The reason why no request can succeed; null if one may. */
export function findProblem(responses: UpstreamResponses, config: Config): string | null {
  const { models, key } = responses;
  const reasons = [models, key].flatMap((one) => one?.status === "rejected" ? [one.reason] : []);
  const isUnreachable = reasons.length === (key === null ? 1 : 2) &&
    reasons.every(isConnectionError);
  if (isUnreachable || isWrongAddress(responses, config)) {
    return describe(checkUpstream(responses, config));
  }
  // Other servers may have no report on keys, and reject such a request whatever its key.
  const isRejected = key?.status === "rejected" && hasStatus(key.reason, 401) &&
    config.dialect !== "openai";
  return isRejected ? describe(checkKey(key, config)) : null;
}

/** What may go wrong, one line each. */
export function findWarnings(
  responses: UpstreamResponses,
  { config, catalog }: { config: Config; catalog: Catalog },
): string[] {
  const { models, key } = responses;
  const isLoaded = models.status === "fulfilled" && models.value.count > 0;
  const targets = isLoaded ? checkTargets(config, catalog) : [];
  // A default that is not listed is replaced when upstream rejects it.
  const wrong = targets.filter(({ state, facts }) =>
    state === "failed" || facts?.["tools"] === false
  );
  const rest = wrong.length - MAX_MODELS;
  return [
    ...[checkUpstream(responses, config), checkKey(key, config)]
      .filter(({ state }) => state === "failed")
      .filter(({ topic }) => topic !== "upstream" || isUnusual(responses, config)),
    ...wrong.slice(0, MAX_MODELS),
  ].map(describe).concat(
    rest > 0 ? [`${rest} more models have problems; run check to see all`] : [],
  );
}

/** Other servers often have no model list, or one that needs a key. */
function isUnusual({ models }: UpstreamResponses, { dialect }: Config): boolean {
  return dialect !== "openai" ||
    (models.status === "rejected" && models.reason instanceof ApiError &&
      models.reason.cause !== undefined);
}

/** Whether the base URL lacks a part, and upstream therefore has no model list. */
function isWrongAddress({ models, key }: UpstreamResponses, { baseUrl }: Config): boolean {
  if (models.status === "fulfilled" || correctBaseUrl(baseUrl) === null) return false;
  if (key?.status === "fulfilled" && key.value !== undefined) return false;
  return isOpenRouter(new URL(baseUrl).hostname) || hasStatus(models.reason, 404) ||
    hasStatus(models.reason, 405);
}

/** Refused, unknown host, invalid certificate: not a timeout, and not an error that upstream has sent. */
function isConnectionError(reason: unknown): boolean {
  return hasStatus(reason, 502) && reason instanceof ApiError && reason.cause !== undefined;
}

function hasStatus(reason: unknown, status: number): boolean {
  return reason instanceof ApiError && reason.status === status;
}

function describe({ message, hint }: Finding): string {
  // Upstream's messages may end in a full stop.
  return hint === undefined ? message : `${message.replace(/\.$/, "")}; ${hint}`;
}

function noResponseError(): ApiError {
  const cause = new DOMException("No model list in time", "TimeoutError");
  return new ApiError("timeout_error", "No model list in time", { cause });
}
