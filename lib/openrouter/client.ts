/**
 * The only place that calls fetch. Builds every header from nothing, follows no redirect, and bounds the wait
 * for upstream's head. Bodies are the caller's.
 * @module
 */

import type { Config } from "../config.ts";
import { ApiError, createClientGone } from "../errors.ts";
import { type JsonObject, parseJson } from "../json.ts";
import { isOutOfFiles } from "../out_of_files.ts";
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

/** What the calls for an answer share. */
interface Call {
  /** The key that pays; null for a server that wants none. */
  key: string | null;
  /** Ends the call: the client has left. */
  signal: AbortSignal;
  /** Milliseconds that are left for upstream's headers. */
  timeoutMs: number;
  nearest?: (model: string) => string[];
  /** The proxy's own count of the request's input tokens, for refusals that do not say it. */
  estimateInput?: () => number;
  /** Told of the body as it is sent. */
  onSend?: (text: string) => void;
  /** Told of the body of an error answer. */
  onRefusal?: (text: string) => void;
}

/** One call of `POST /chat/completions`. */
export interface ChatOptions extends Call {
  body: ChatRequest | OpenAiRequest;
  /** Features of Claude's to ask for; null for none. */
  anthropicBeta?: string | null;
}

/** One call of `POST /messages`. */
export interface MessagesOptions extends Call {
  body: JsonObject;
  model: string;
  anthropicVersion: string;
  /** The client's own list, as it came. */
  anthropicBeta: string | null;
}

/** Upstream's successful head. */
export interface UpstreamResponse {
  body: ByteStream;
  /** `text/event-stream`, `application/json`, …, without parameters. */
  contentType: string;
}

/** Upstream, as the routes see it. */
export interface Client {
  /**
   * @throws {ApiError} 502 where upstream cannot be reached, 504 where its head does not come in time, and what
   * its error answers say
   */
  sendChat(call: ChatOptions): Promise<UpstreamResponse>;
  /** The native route. @throws {ApiError} as `sendChat` */
  sendMessages(call: MessagesOptions): Promise<UpstreamResponse>;
  /** `GET /models`, as parsed JSON. */
  fetchModels(): Promise<unknown>;
  /** `GET /key`: what upstream says of a key, as parsed JSON. */
  fetchKey(key: string): Promise<unknown>;
}

/** @param fetcher `fetch`, or a test's stand-in */
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
  // The names of the app mean something to OpenRouter only.
  if (config.dialect !== "openai") {
    if (config.appUrl !== null) headers.set("http-referer", config.appUrl);
    if (config.appTitle !== null) headers.set("x-title", config.appTitle);
  }
  const body = JSON.stringify(call.body);
  call.onSend?.(body);
  const response = await fetchHead(fetcher, `${config.baseUrl}${call.path}`, {
    method: "POST",
    headers,
    body,
    signal: call.signal,
  }, { timeoutMs: call.timeoutMs, fullTimeoutMs: config.timeoutMs });
  if (response.status === 200 && response.body !== null) {
    const contentType = (response.headers.get("content-type") ?? "").split(";")[0] ?? "";
    return { body: response.body, contentType: contentType.trim().toLowerCase() };
  }
  const context: ErrorContext = {
    model: call.model,
    retryAfter: readRetryAfter(response.headers),
    ...(call.nearest && { suggestModels: call.nearest }),
    ...(call.estimateInput && { estimateInput: call.estimateInput }),
  };
  const text = await readErrorText(response.body, config.timeoutMs);
  call.onRefusal?.(text);
  throw parseErrorResponse(response.status, text, context);
}

async function fetchJson(
  path: string,
  headers: Headers,
  { config, fetcher }: { config: ClientConfig; fetcher: typeof fetch },
): Promise<unknown> {
  const { timeoutMs } = config;
  const controller = new AbortController();
  // Not AbortSignal.timeout: its timer stays when the answer is there, and holds up a program that wants to end.
  const deadline = new Deadline(timeoutMs, () => controller.abort());
  try {
    const response = await fetchHead(fetcher, `${config.baseUrl}${path}`, {
      method: "GET",
      headers,
      signal: controller.signal,
    }, { timeoutMs, fullTimeoutMs: timeoutMs });
    if (response.status === 200 && response.body !== null) {
      return parseJson(await readUpstreamText(response.body, { timeoutMs }));
    }
    throw parseErrorResponse(response.status, await readErrorText(response.body, timeoutMs), {});
  } finally {
    deadline.stop();
  }
}

/** Waits for the head only: the body has its own clock. */
async function fetchHead(
  fetcher: typeof fetch,
  url: string,
  init: { method: string; signal: AbortSignal; headers?: Headers; body?: string },
  wait: { timeoutMs: number; fullTimeoutMs: number },
): Promise<Response> {
  const controller = new AbortController();
  // Kept as long as the answer lasts, and with it all that it refers to: not `init`, whose body may have 32 MB.
  const { signal } = init;
  const leave = () => controller.abort(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  if (signal.aborted) leave();
  let isLate = false;
  const deadline = new Deadline(wait.timeoutMs, () => {
    isLate = true;
    controller.abort();
  });
  try {
    // Redirects are not followed: the key would travel along.
    return await fetcher(url, { ...init, redirect: "manual", signal: controller.signal });
  } catch (cause) {
    signal.removeEventListener("abort", leave);
    if (signal.aborted) throw createClientGone(cause);
    if (isLate) {
      const seconds = wait.fullTimeoutMs / 1000;
      throw new ApiError(
        "timeout_error",
        `OpenRouter did not answer within ${seconds} s (TIMEOUT_S)`,
        {
          cause,
        },
      );
    }
    const why = isOutOfFiles(cause) ? ": the proxy has too many files open (ulimit -n)" : "";
    throw new ApiError("api_error", `Cannot reach OpenRouter${why}`, { status: 502, cause });
  } finally {
    deadline.stop();
  }
}

/** Seconds or a date, as the standard has it; anything else a server puts there is not passed on. */
function readRetryAfter(headers: Headers): string | null {
  const value = headers.get("retry-after") ?? "";
  return /^\d+(\.\d+)?$|^\w{3}, [\w :]{10,40}$/.test(value) ? value : null;
}
