/**
 * `check`, its part on upstream: does it answer, and what does it say of the key?
 * @module
 */

import type { Config } from "../../config.ts";
import { ApiError } from "../../errors.ts";
import { isJsonObject, type JsonObject } from "../../json.ts";
import type { Finding } from "./report.ts";

/** What upstream answered; `key` is null where none is held. */
export interface UpstreamAnswers {
  models: PromiseSettledResult<{ count: number }>;
  key: PromiseSettledResult<unknown> | null;
}

const CREDITS_PAGE = "https://openrouter.ai/settings/credits";
const KEYS_PAGE = "https://openrouter.ai/settings/keys";
const OPENROUTER_URL = "https://openrouter.ai/api/v1";
/** What people copy along with the address; the proxy adds it. */
const ENDPOINT = /\/(chat\/completions|completions|messages|responses|embeddings|models|key)\/?$/;
/** What `GET /key` says that matters here. */
const KEY_FACTS = [
  "label",
  "limit",
  "limit_remaining",
  "limit_reset",
  "usage",
  "is_free_tier",
  "expires_at",
] as const;

/** Whether upstream answers at all, and with what it should. */
export function checkUpstream({ models, key }: UpstreamAnswers, { baseUrl }: Config): Finding {
  const topic = "upstream";
  if (models.status === "fulfilled") {
    const { count } = models.value;
    const says = `${baseUrl} answers, with ${count} models`;
    return { topic, state: "ok", message: says, facts: { models: count } };
  }
  const why = explain(models.reason);
  const isThere = [models, key].some((answer) =>
    answer?.status === "fulfilled" || isAnswer(answer?.reason)
  );
  if (!isThere) {
    const cure = "check the network, OPENROUTER_BASE_URL, and HTTPS_PROXY where one is needed";
    return { topic, state: "failed", message: `${baseUrl} cannot be reached: ${why}`, hint: cure };
  }
  const says = `${baseUrl} gives no model list: ${why}`;
  const better = correctBaseUrl(baseUrl);
  if (better !== null) {
    return { topic, state: "failed", message: says, hint: `set OPENROUTER_BASE_URL=${better}` };
  }
  const cure = knowsKeys(key)
    ? "try again: the models could not be checked"
    : `check OPENROUTER_BASE_URL; OpenRouter's is ${OPENROUTER_URL}`;
  return { topic, state: "failed", message: says, hint: cure };
}

/**
 * The form that was probably meant: without the path of one endpoint, for OpenRouter its `/api/v1`, for other servers
 * a `/v1` where there is no path at all. Null where nothing looks wrong.
 */
export function correctBaseUrl(baseUrl: string): string | null {
  const url = new URL(baseUrl);
  if (/(^|\.)openrouter\.ai$/.test(url.hostname)) {
    return baseUrl === OPENROUTER_URL ? null : OPENROUTER_URL;
  }
  const path = url.pathname.replace(ENDPOINT, "").replace(/\/$/, "");
  const better = `${url.origin}${path === "" ? "/v1" : path}`;
  return better === baseUrl ? null : better;
}

/** Whether the key is valid and may spend. */
export function checkKey(answer: UpstreamAnswers["key"], config: Config): Finding {
  const topic = "key";
  if (answer === null) return describeKeyless(config);
  if (answer.status === "rejected") {
    const { reason } = answer;
    if (isRefusal(reason)) {
      const says = `upstream refuses OPENROUTER_API_KEY: ${explain(reason)}`;
      return { topic, state: "failed", message: says, hint: `make a new one at ${KEYS_PAGE}` };
    }
    const is404 = reason instanceof ApiError && reason.status === 404;
    const why = is404 ? "this upstream tells nothing about keys" : explain(reason);
    return { topic, state: "unchecked", message: `not checked: ${why}` };
  }
  const data = isJsonObject(answer.value) ? answer.value["data"] : undefined;
  if (!isJsonObject(data)) {
    return {
      topic,
      state: "unchecked",
      message: "not checked: upstream's words are not understood",
    };
  }
  const facts = Object.fromEntries(KEY_FACTS.map((name) => [name, data[name] ?? null]));
  return { topic, ...judgeKey(data), facts };
}

function describeKeyless({ proxyApiKeys }: Config): Finding {
  const how = proxyApiKeys.length > 0
    ? "beside one of PROXY_API_KEYS, in the other header"
    : "as ANTHROPIC_AUTH_TOKEN";
  return {
    topic: "key",
    state: "warning",
    message: `OPENROUTER_API_KEY is not set: each client must bring its own sk-or-… key, ${how}`,
    hint: `put OPENROUTER_API_KEY into .env; keys are made at ${KEYS_PAGE}`,
  };
}

function judgeKey(data: JsonObject): Pick<Finding, "state" | "message" | "hint"> {
  const says = describeKey(data);
  if (data["is_management_key"] === true || data["is_provisioning_key"] === true) {
    const cure = `management keys get no answers: make an ordinary one at ${KEYS_PAGE}`;
    return { state: "failed", message: says, hint: cure };
  }
  const left = data["limit_remaining"];
  if (typeof left === "number" && left <= 0) {
    return {
      state: "failed",
      message: says,
      hint: `its limit is used up: raise it at ${KEYS_PAGE}`,
    };
  }
  if (data["is_free_tier"] === true) {
    return { state: "warning", message: says, hint: `paid models need credit: ${CREDITS_PAGE}` };
  }
  return { state: "ok", message: says };
}

function describeKey(data: JsonObject): string {
  const { label, limit, limit_remaining: left, limit_reset: reset, usage, expires_at: end } = data;
  const words = [`valid${typeof label === "string" && label !== "" ? ` (${label})` : ""}`];
  if (typeof limit === "number" && typeof left === "number") {
    const again = typeof reset === "string" ? `, new ${reset}` : "";
    words.push(`${formatUsd(left)} of ${formatUsd(limit)} left${again}`);
  } else words.push("no limit of its own");
  if (typeof usage === "number") words.push(`${formatUsd(usage)} used`);
  if (data["is_free_tier"] === true) words.push("free tier");
  if (typeof end === "string") words.push(`expires ${end.slice(0, 10)}`);
  return words.join(", ");
}

function formatUsd(amount: number): string {
  return `$${Number(amount.toFixed(2))}`;
}

/** Upstream said something of the key, so the address is right. A web page says nothing, with any status. */
function knowsKeys(answer: UpstreamAnswers["key"]): boolean {
  if (answer === null) return false;
  return answer.status === "fulfilled" ? isJsonObject(answer.value) : isRefusal(answer.reason);
}

/** Upstream said no to the key. */
function isRefusal(reason: unknown): boolean {
  return reason instanceof ApiError && (reason.status === 401 || reason.status === 403);
}

/** Upstream answered, with an error: what never reached it has a cause underneath. */
function isAnswer(reason: unknown): boolean {
  return reason instanceof ApiError && reason.cause === undefined;
}

function explain(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason);
  if (isAnswer(reason)) return reason.message;
  const root = findRoot(reason);
  // What ran out of time ends in either of these, whichever clock was first.
  if (root.name === "TimeoutError" || root.name === "AbortError") return "no answer in time";
  return root.message.replace(/^.*client error \(Connect\): /, "");
}

/** The error at the bottom says what happened; those above say that something did. */
function findRoot(error: Error): Error {
  return error.cause instanceof Error ? findRoot(error.cause) : error;
}
