/**
 * Sends requests to upstream; nothing else calls `fetch`. Forwards no client headers, follows no redirects and limits
 * the wait for the response headers. The caller reads the body.
 * @module
 */

import type { Config } from "../config.ts";
import { ApiError, clientDisconnectedError, isOutOfFiles } from "../errors.ts";
import { type JsonObject, parseJson } from "../json.ts";
import { Deadline } from "../stream/deadline.ts";
import type { ByteStream } from "../stream/body_reader.ts";
import { readErrorText, readUpstreamText } from "../stream/read_text.ts";
import { type ErrorContext, parseErrorResponse } from "./errors.ts";
import type { ChatRequest, OpenAiRequest } from "./types.ts";

/** The settings that upstream calls depend on. */
export type ClientConfig = Pick<
  Config,
  "baseUrl" | "appUrl" | "appTitle" | "timeoutMs" | "dialect"
>;

/** Options of every call for a model response. */
interface Call {
  /** The upstream key; null for a server that needs none. */
  key: string | null;
  /** Aborted when the client disconnects. */
  signal: AbortSignal;
  /** Milliseconds left for upstream's headers. */
  timeoutMs: number;
  suggestModels?: ErrorContext["suggestModels"];
  estimateInput?: ErrorContext["estimateInput"];
  /** Called with the body as sent. */
  onSend?: (text: string) => void;
  /** Called with the body of an error response. */
  onErrorBody?: (text: string) => void;
}

/** One call of `POST /chat/completions`. */
export interface ChatOptions extends Call {
  body: ChatRequest | OpenAiRequest;
  /** Value of the `x-anthropic-beta` header, if any. */
  anthropicBeta?: string | null;
}

/** One call of `POST /messages`. */
export interface MessagesOptions extends Call {
  body: JsonObject;
  model: string;
  anthropicVersion: string;
  /** The client's header, unchanged. */
  anthropicBeta: string | null;
}

/** A successful response of upstream. */
export interface UpstreamResponse {
  body: ByteStream;
  /** `text/event-stream`, `application/json`, …, without parameters. */
  contentType: string;
}

/** Calls of the upstream API. */
export interface Client {
  /**
   * @throws {ApiError} 502 if upstream cannot be reached, 504 if its headers do not arrive in time, else upstream's
   * error
   */
  sendChat(call: ChatOptions): Promise<UpstreamResponse>;
  /** Anthropic's dialect. @throws {ApiError} as `sendChat` */
  sendMessages(call: MessagesOptions): Promise<UpstreamResponse>;
  /** `GET /models`, as parsed JSON. */
  fetchModels(): Promise<unknown>;
  /** `GET /key`: information about a key, as parsed JSON. */
  fetchKey(key: string): Promise<unknown>;
}

/** @param fetcher `fetch`, or a test double */
export function createClient(config: ClientConfig, fetcher: typeof fetch): Client {
  return {
    sendChat: (call) => {
      const headers = new Headers();
      if (call.anthropicBeta) headers.set("x-anthropic-beta", call.anthropicBeta);
      return send(
        { ...call, path: "/chat/completions", headers, model: call.body.model },
        config,
        fetcher,
      );
    },
    sendMessages: (call) => {
      const headers = new Headers({ "anthropic-version": call.anthropicVersion });
      if (call.anthropicBeta !== null) headers.set("anthropic-beta", call.anthropicBeta);
      return send({ ...call, path: "/messages", headers }, config, fetcher);
    },
    fetchModels: () => fetchJson("/models", new Headers(), { config, fetcher }),
    fetchKey: (key) => {
      const headers = new Headers({ authorization: `Bearer ${key}` });
      return fetchJson("/key", headers, { config, fetcher });
    },
  };
}

type Sending = Call & { path: string; headers: Headers; body: unknown; model: string };

async function send(
  call: Sending,
  config: ClientConfig,
  fetcher: typeof fetch,
): Promise<UpstreamResponse> {
  const { headers } = call;
  if (call.key !== null) headers.set("authorization", `Bearer ${call.key}`);
  headers.set("content-type", "application/json");
  // Only OpenRouter reads the app's name.
  if (config.dialect !== "openai") {
    if (config.appUrl !== null) headers.set("http-referer", config.appUrl);
    if (config.appTitle !== null) headers.set("x-title", config.appTitle);
  }
  const body = JSON.stringify(call.body);
  call.onSend?.(body);
  const response = await fetchWithTimeout(fetcher, `${config.baseUrl}${call.path}`, {
    method: "POST",
    headers,
    body,
    signal: call.signal,
  }, { timeoutMs: call.timeoutMs, fullTimeoutMs: config.timeoutMs });
  if (response.status === 200 && response.body !== null) {
    const contentType = (response.headers.get("content-type") ?? "").split(";")[0] ?? "";
    return { body: response.body, contentType: contentType.trim().toLowerCase() };
  }
  const text = await readErrorText(response.body, config.timeoutMs);
  call.onErrorBody?.(text);
  throw parseErrorResponse(response.status, text, {
    host: getHost(config.baseUrl),
    model: call.model,
    retryAfter: readRetryAfter(response.headers),
    suggestModels: call.suggestModels,
    estimateInput: call.estimateInput,
  });
}

async function fetchJson(
  path: string,
  headers: Headers,
  { config, fetcher }: { config: ClientConfig; fetcher: typeof fetch },
): Promise<unknown> {
  const { timeoutMs } = config;
  const controller = new AbortController();
  // Not AbortSignal.timeout: its timer outlives the response and delays the end of the process.
  const deadline = new Deadline(timeoutMs, () => controller.abort());
  try {
    const response = await fetchWithTimeout(fetcher, `${config.baseUrl}${path}`, {
      method: "GET",
      headers,
      signal: controller.signal,
    }, { timeoutMs, fullTimeoutMs: timeoutMs });
    if (response.status === 200 && response.body !== null) {
      return parseJson(await readUpstreamText(response.body, { timeoutMs }));
    }
    const text = await readErrorText(response.body, timeoutMs);
    throw parseErrorResponse(response.status, text, { host: getHost(config.baseUrl) });
  } finally {
    deadline.stop();
  }
}

/** Resolves with the response headers; the body has a timeout of its own. */
async function fetchWithTimeout(
  fetcher: typeof fetch,
  url: string,
  init: { method: string; signal: AbortSignal; headers?: Headers; body?: string },
  wait: { timeoutMs: number; fullTimeoutMs: number },
): Promise<Response> {
  const controller = new AbortController();
  // The listener lives as long as the response, with everything it refers to: not `init`, whose body may have 32 MB.
  const { signal } = init;
  const abort = () => controller.abort(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  let isLate = false;
  const deadline = new Deadline(wait.timeoutMs, () => {
    isLate = true;
    controller.abort();
  });
  try {
    // Redirects are not followed: they would receive the key.
    return await fetcher(url, { ...init, redirect: "manual", signal: controller.signal });
  } catch (cause) {
    signal.removeEventListener("abort", abort);
    if (signal.aborted) throw clientDisconnectedError(cause);
    const host = getHost(url);
    if (isLate) {
      const message = `No response from ${host} within ${wait.fullTimeoutMs / 1000} s (TIMEOUT_S)`;
      throw new ApiError("timeout_error", message, { cause });
    }
    const reason = isOutOfFiles(cause) ? ": the proxy has too many files open (ulimit -n)" : "";
    throw new ApiError("api_error", `Cannot reach ${host}${reason}`, { status: 502, cause });
  } finally {
    deadline.stop();
  }
}

/** Host and port, never the credentials of a URL. */
function getHost(url: string): string {
  return URL.parse(url)?.host || "upstream";
}

/** `retry-after` if it is a number of seconds or an HTTP date. */
function readRetryAfter(headers: Headers): string | null {
  const value = headers.get("retry-after") ?? "";
  return /^\d+(\.\d+)?$|^\w{3}, [\w :]{10,40}$/.test(value) ? value : null;
}
