/**
 * Checks whether upstream responds, and what it reports about the API key.
 * @module
 */

import type { Config } from "../../config.ts";
import { ApiError } from "../../errors.ts";
import { formatUsd } from "../../format.ts";
import { isJsonObject, type JsonObject } from "../../json.ts";
import { requiresClientKeys } from "../../auth.ts";
import { isOpenRouter } from "../startup_message.ts";
import type { Finding } from "./report.ts";

/** Upstream's responses; `key` is null if no API key is set. */
export interface UpstreamResponses {
  models: PromiseSettledResult<{ count: number }>;
  key: PromiseSettledResult<unknown> | null;
}

const CREDITS_PAGE = "https://openrouter.ai/settings/credits";
const KEYS_PAGE = "https://openrouter.ai/settings/keys";
const OPENROUTER_URL = "https://openrouter.ai/api/v1";
/** Endpoints that are often copied with the base URL; the proxy appends them. */
const ENDPOINT = /\/(chat\/completions|completions|messages|responses|embeddings|models|key)\/?$/;
/** Fields of `GET /key` that the report contains. */
const KEY_FACTS = [
  "label",
  "limit",
  "limit_remaining",
  "limit_reset",
  "usage",
  "is_free_tier",
  "expires_at",
] as const;

/** Whether upstream responds with a model list. */
export function checkUpstream({ models, key }: UpstreamResponses, { baseUrl }: Config): Finding {
  const topic = "upstream";
  if (models.status === "fulfilled") {
    const { count } = models.value;
    const message = `${baseUrl} responds and has ${count} ${count === 1 ? "model" : "models"}`;
    return { topic, state: "ok", message, facts: { models: count } };
  }
  const reason = explain(models.reason);
  const isReachable = [models, key].some((response) =>
    response?.status === "fulfilled" || isErrorResponse(response?.reason)
  );
  if (!isReachable) {
    const message = `${baseUrl} cannot be reached: ${reason}`;
    const hint = "check the network, OPENROUTER_BASE_URL, and HTTPS_PROXY if you need one";
    return { topic, state: "failed", message, hint };
  }
  const message = `${baseUrl} returned no model list: ${reason}`;
  const corrected = correctBaseUrl(baseUrl);
  if (corrected !== null) {
    return { topic, state: "failed", message, hint: `set OPENROUTER_BASE_URL=${corrected}` };
  }
  const hint = supportsKeys(key)
    ? "try again: the models could not be checked"
    : `check OPENROUTER_BASE_URL; OpenRouter's is ${OPENROUTER_URL}`;
  return { topic, state: "failed", message, hint };
}

/**
 * The base URL that was probably meant: without the path of an endpoint, for OpenRouter with `/api/v1`, for other
 * servers with `/v1` if there is no path. Null if the URL looks right.
 */
export function correctBaseUrl(baseUrl: string): string | null {
  const url = new URL(baseUrl);
  if (isOpenRouter(url.hostname)) {
    return baseUrl === OPENROUTER_URL ? null : OPENROUTER_URL;
  }
  const path = url.pathname.replace(ENDPOINT, "").replace(/\/$/, "");
  const corrected = `${url.origin}${path === "" ? "/v1" : path}`;
  return corrected === baseUrl ? null : corrected;
}

/** Whether the API key is valid and has credit. */
export function checkKey(response: UpstreamResponses["key"], config: Config): Finding {
  const topic = "key";
  if (response === null) return describeMissingKey(config);
  if (response.status === "rejected") {
    const { reason } = response;
    if (isInvalidKey(reason)) {
      const { host, hostname } = new URL(config.baseUrl);
      const message = `${host} rejects OPENROUTER_API_KEY: ${explain(reason)}`;
      const hint = isOpenRouter(hostname)
        ? `create a new one at ${KEYS_PAGE}`
        : `use a key of ${host}`;
      return { topic, state: "failed", message, hint };
    }
    const is404 = reason instanceof ApiError && reason.status === 404;
    const message = is404 ? "upstream does not report on keys" : explain(reason);
    return { topic, state: "unchecked", message: `not checked: ${message}` };
  }
  const data = isJsonObject(response.value) ? response.value["data"] : undefined;
  if (!isJsonObject(data)) {
    return { topic, state: "unchecked", message: "not checked: unexpected response of upstream" };
  }
  const facts = Object.fromEntries(KEY_FACTS.map((name) => [name, data[name] ?? null]));
  return { topic, ...checkKeyData(data), facts };
}

function describeMissingKey(config: Config): Finding {
  if (!requiresClientKeys(config)) {
    const message = "not checked: OPENROUTER_API_KEY is not set, requests are sent without a key";
    return { topic: "key", state: "unchecked", message };
  }
  const how = config.proxyApiKeys.length > 0
    ? "in addition to one of PROXY_API_KEYS, in the other header"
    : "as ANTHROPIC_AUTH_TOKEN";
  return {
    topic: "key",
    state: "warning",
    message: `OPENROUTER_API_KEY is not set: each client must send its own sk-or-… key, ${how}`,
    hint: `put OPENROUTER_API_KEY into .env; create keys at ${KEYS_PAGE}`,
  };
}

function checkKeyData(data: JsonObject): Pick<Finding, "state" | "message" | "hint"> {
  const message = describeKey(data);
  if (data["is_management_key"] === true || data["is_provisioning_key"] === true) {
    const hint = `management keys cannot call models: create an ordinary one at ${KEYS_PAGE}`;
    return { state: "failed", message, hint };
  }
  const left = data["limit_remaining"];
  if (typeof left === "number" && left <= 0) {
    return { state: "failed", message, hint: `its limit is used up: raise it at ${KEYS_PAGE}` };
  }
  if (data["is_free_tier"] === true) {
    return { state: "warning", message, hint: `paid models need credit: ${CREDITS_PAGE}` };
  }
  return { state: "ok", message };
}

function describeKey(data: JsonObject): string {
  const { label, limit, limit_remaining: left, limit_reset: reset, usage, expires_at: end } = data;
  const parts = [`valid${typeof label === "string" && label !== "" ? ` (${label})` : ""}`];
  if (typeof limit === "number" && typeof left === "number") {
    const interval = typeof reset === "string" ? `, resets ${reset}` : "";
    parts.push(`${formatUsd(left)} of ${formatUsd(limit)} left${interval}`);
  } else parts.push("no limit of its own");
  if (typeof usage === "number") parts.push(`${formatUsd(usage)} used`);
  if (data["is_free_tier"] === true) parts.push("free tier");
  if (typeof end === "string") parts.push(`expires ${end.slice(0, 10)}`);
  return parts.join(", ");
}

/** Whether upstream has an endpoint for keys, so that the base URL is right. A web page does not count. */
function supportsKeys(response: UpstreamResponses["key"]): boolean {
  if (response === null) return false;
  return response.status === "fulfilled"
    ? isJsonObject(response.value)
    : isInvalidKey(response.reason);
}

function isInvalidKey(reason: unknown): boolean {
  return reason instanceof ApiError && (reason.status === 401 || reason.status === 403);
}

/** Whether upstream responded with an error. An error without a response has a cause. */
function isErrorResponse(reason: unknown): boolean {
  return reason instanceof ApiError && reason.cause === undefined;
}

function explain(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason);
  if (isErrorResponse(reason)) return reason.message;
  const root = findRootCause(reason);
  // Which of the two depends on the timer that fires first.
  if (root.name === "TimeoutError" || root.name === "AbortError") return "no response in time";
  return root.message.replace(/^.*client error \(Connect\): /, "");
}

function findRootCause(error: Error): Error {
  return error.cause instanceof Error ? findRootCause(error.cause) : error;
}
