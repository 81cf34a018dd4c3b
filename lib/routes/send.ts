/**
 * Asking upstream: which model, the translated request, and what is sent once more after a refusal.
 * @module
 */

import type { ContextManagement, MessagesRequest } from "../anthropic/types.ts";
import type { RequestContext, Services } from "../request_context.ts";
import type { UpstreamResponse } from "../openrouter/client.ts";
import { findRefusal, type Refusal } from "../openrouter/errors.ts";
import { type ResolvedModel, resolveModel } from "../openrouter/model_mapping.ts";
import { findCacheTtl } from "../translate/request/cache_control.ts";
import { toOpenAiRequest } from "../translate/request/openai_request.ts";
import type { ToolNames } from "../translate/tool_names.ts";
import type { InputKind } from "../translate/request/placeholders.ts";
import { listCallIds, translateRequest } from "../translate/request/request.ts";
import { estimateInputTokens } from "../translate/tokens.ts";
import { reserveCost } from "./budget.ts";

/**
 * What the answer depends on. The request itself is not kept while an answer comes: its body may have 32 MB.
 */
export interface ClientRequest {
  model: string;
  stream: boolean;
  maxTokens: number;
  searchesWeb: boolean;
  hidesThinking: boolean;
  reportsSafeguards: boolean;
  stopSequences: readonly string[];
  /** Ids of the calls already in the conversation. */
  takenCallIds: readonly string[];
}

/** Upstream's head, and what the way back needs of the request. */
export interface UpstreamResult {
  answer: UpstreamResponse;
  client: ClientRequest;
  /** The model that was sent. */
  target: string;
  names: ToolNames;
  /** How long the request's cache writes are kept. */
  cacheTtl: "5m" | "1h";
  /** What was done to the context; undefined where the client did not ask. */
  contextManagement: ContextManagement | undefined;
  /** Estimated tokens of the request as it was sent, before calibration. */
  inputTokens: number;
  /** How many tokens of the answer the client may see, where more were asked for. */
  visibleTokens: number | undefined;
}

/** Who asks, with what. */
export interface SendOptions {
  exchange: RequestContext;
  services: Services;
  /** Null for a server that wants none. */
  key: string | null;
}

/** One form of a request, on its way to one target. */
interface Attempt extends ResolvedModel {
  /** When TIMEOUT_S is over, by the services' clock. */
  deadline: number;
  /** Whether tools go with plain schemas, because the target has refused one. */
  isPlain: boolean;
}

/**
 * Sends a request upstream. What a refusal teaches is remembered for the process, and the request is sent once
 * more in the form that follows from it, within the same TIMEOUT_S.
 * @throws {ApiError} what upstream says, or why it could not be asked
 */
export async function sendUpstream(
  asked: MessagesRequest,
  options: SendOptions,
): Promise<UpstreamResult> {
  const { services } = options;
  const deadline = services.now() + services.config.timeoutMs;
  const resolved = resolveModels(asked, services);
  const isPlain = services.learnedLimits.plainSchemas.has(resolved.models[0]);
  let attempt: Attempt = { ...resolved, deadline, isPlain };
  const tried = new Map<Refusal, unknown>();
  for (;;) {
    try {
      const answer = await send(asked, { ...options, attempt });
      if (attempt.isPlain) learnPlain(attempt, services);
      return answer;
    } catch (error) {
      const refusal = findRefusal(error);
      if (refusal === null) throw error;
      // The first refusal of a schema is about the client's own, the second about what was made of it.
      if (tried.has(refusal)) throw refusal === "tool_schema" ? tried.get(refusal) : error;
      tried.set(refusal, error);
      const next = RETRIES[refusal](attempt, services);
      if (next === null) throw error;
      attempt = next;
    }
  }
}

/** What to send after a refusal; null where nothing else may be tried. */
type Retry = (attempt: Attempt, services: Services) => Attempt | null;

const RETRIES: Readonly<Record<Refusal, Retry>> = {
  unknown_model: replaceDefault,
  tool_schema: simplifySchemas,
  image_input: hideImages,
};

function replaceDefault(
  attempt: Attempt,
  { config, unavailableDefaults, learnedLimits, log }: Services,
): Attempt | null {
  const { models: [target], fallback } = attempt;
  if (fallback === null || config.dialect !== "openrouter") return null;
  if (unavailableDefaults.add(target)) {
    log.write("warn", `OpenRouter does not know ${target}; using ${fallback} instead`);
  }
  const isPlain = learnedLimits.plainSchemas.has(fallback);
  return { ...attempt, models: [fallback], fallback: null, isPlain };
}

function simplifySchemas(attempt: Attempt): Attempt | null {
  return attempt.isPlain ? null : { ...attempt, isPlain: true };
}

/** Remembered only when plain schemas were taken: else they would be sent to a target that they do not help. */
function learnPlain({ models: [target] }: Attempt, { learnedLimits, log }: Services): void {
  if (!learnedLimits.plainSchemas.add(target)) return;
  log.write("warn", `${target} refused the schema of a tool; sending plain schemas from now on`);
}

/** The next attempt has a note in the place of each image. A list is refused only where no model of it takes any. */
function hideImages(attempt: Attempt, { learnedLimits, log }: Services): Attempt | null {
  const news = attempt.models.filter((model) => learnedLimits.textOnly.add(model));
  if (news.length === 0) return null;
  log.write("warn", `${news.join(", ")} refused an image; from now on a note is sent in its place`);
  return attempt;
}

/** What none of the models takes, by OpenRouter's list or by what refusals have taught. */
function listUnsupported(
  models: readonly string[],
  { catalog, learnedLimits, config }: Services,
): InputKind[] {
  const isLacking = (kind: InputKind) =>
    models.every((model) =>
      learnedLimits.textOnly.has(model) ||
      catalog.find(model)?.inputModalities?.includes(kind) === false
    );
  // OpenRouter itself reads PDFs to every model, but for the engine that leaves it to the model.
  const areFilesRead = config.dialect === "openrouter" && config.pdfEngine !== "native";
  const kinds: InputKind[] = areFilesRead ? ["image"] : ["image", "file"];
  return kinds.filter(isLacking);
}

/** The models of the name that was asked for, and after them those of the request's own fallbacks. */
function resolveModels(
  { model, fallbacks }: MessagesRequest,
  { config, unavailableDefaults }: Services,
): ResolvedModel {
  const first = resolveModel(model, config, unavailableDefaults);
  if (fallbacks.length === 0) return first;
  const others = fallbacks.flatMap((name) =>
    resolveModel(name, config, unavailableDefaults).models
  );
  const [head, ...rest] = [...new Set([...first.models, ...others])];
  return { models: [head ?? first.models[0], ...rest], fallback: null };
}

async function send(
  asked: MessagesRequest,
  options: SendOptions & { attempt: Attempt },
): Promise<UpstreamResult> {
  const { exchange, services, key } = options;
  const { models, deadline, isPlain } = options.attempt;
  const [target] = models;
  exchange.record.upstreamModel = target;
  exchange.timeline.sentModel = target;
  if (models.length > 1) exchange.record.sentModels = models;
  const { config } = services;
  const translated = translateRequest(asked, {
    models,
    limits: services.catalog.find(target) ?? {},
    sessionId: exchange.request.headers.get("x-claude-code-session-id") ?? undefined,
    provider: config.provider,
    pdfEngine: config.pdfEngine,
    unsupported: listUnsupported(models, services),
    plainSchemas: isPlain,
    resolveModel: (name) => resolveModel(name, config, services.unavailableDefaults).models[0],
  });
  const { body, names, anthropicBeta, contextManagement, inputTokens, visibleTokens } = translated;
  const dropped = new Set(translated.dropped);
  const cacheTtl = findCacheTtl(body);
  const isGeneric = config.dialect === "openai";
  const sent = isGeneric ? toOpenAiRequest(body, dropped) : body;
  exchange.record.dropped = [...dropped];
  const { timeline } = exchange;
  const expectedTokens = services.tokenCalibration.adjust(target, inputTokens);
  const { max_tokens: maxTokens, stream: isStream = false } = body;
  reserveCost({ models, inputTokens: expectedTokens, maxTokens, cacheTtl, isStream }, options);
  timeline.add("asked", target);
  const answer = await services.client.sendChat({
    body: sent,
    anthropicBeta: isGeneric ? null : anthropicBeta,
    key,
    signal: exchange.request.signal,
    timeoutMs: Math.max(1, deadline - services.now()),
    suggestModels: (model) => services.catalog.suggestModels(model),
    estimateInput: () => services.tokenCalibration.adjust(target, estimateInputTokens(asked)),
    onSend: (text) => timeline.capturedBodies?.set("sent", text),
    onErrorBody: (text) => timeline.attachErrorBody(text),
  });
  timeline.attachBody(answer);
  const wanted = describeClientRequest(asked);
  return {
    answer,
    client: wanted,
    target,
    names,
    cacheTtl,
    contextManagement,
    inputTokens,
    visibleTokens,
  };
}

function describeClientRequest(asked: MessagesRequest): ClientRequest {
  return {
    model: asked.model,
    stream: asked.stream,
    maxTokens: asked.max_tokens,
    searchesWeb: asked.web_search !== undefined,
    hidesThinking: asked.thinking?.display === "omitted",
    reportsSafeguards: asked.safeguards,
    stopSequences: asked.stop_sequences,
    takenCallIds: listCallIds(asked),
  };
}
