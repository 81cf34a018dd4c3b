/**
 * Asking upstream: which model, the translated request, and the one retry of a refused default.
 * @module
 */

import type { ContextManagement, MessagesRequest } from "../anthropic/types.ts";
import { ApiError } from "../errors.ts";
import type { Exchange, Services } from "../exchange.ts";
import type { ChatAnswer } from "../openrouter/client.ts";
import { isUnknownModel } from "../openrouter/errors.ts";
import { type ResolvedModel, resolveModel } from "../openrouter/models.ts";
import { findCacheTtl } from "../translate/caching.ts";
import { toGenericRequest } from "../translate/generic.ts";
import type { ToolNames } from "../translate/names.ts";
import { translateRequest } from "../translate/request.ts";

/** Upstream's head, and what the way back needs of the request. */
export interface Asked {
  answer: ChatAnswer;
  /** The model that was sent. */
  target: string;
  names: ToolNames;
  /** How long the request's cache writes are kept. */
  cacheTtl: "5m" | "1h";
  /** What was done to the context; undefined where the client did not ask. */
  contextManagement: ContextManagement | undefined;
}

/** Who asks, with what. */
export interface AskOptions {
  exchange: Exchange;
  services: Services;
  /** Null for a server that wants none. */
  key: string | null;
}

/**
 * Sends a request upstream. A default target that upstream does not know is replaced once, within the same
 * TIMEOUT_S, and remembered for the process.
 * @throws {ApiError} what upstream says, or why it could not be asked
 */
export async function askUpstream(asked: MessagesRequest, options: AskOptions): Promise<Asked> {
  const { services } = options;
  const { models, fallback } = resolveModels(asked, services);
  const deadline = services.now() + services.config.timeoutMs;
  try {
    return await send(asked, { ...options, models, deadline });
  } catch (error) {
    const isRefused = error instanceof ApiError && isUnknownModel(error);
    const isOpenRouter = services.config.dialect === "openrouter";
    if (!isRefused || fallback === null || !isOpenRouter) throw error;
    if (services.refused.add(models[0])) {
      services.log.write(
        "warn",
        `OpenRouter does not know ${models[0]}; using ${fallback} instead`,
      );
    }
    return await send(asked, { ...options, models: [fallback], deadline });
  }
}

/** The models of the name that was asked for, and after them those of the request's own fallbacks. */
function resolveModels(
  { model, fallbacks }: MessagesRequest,
  { config, refused }: Services,
): ResolvedModel {
  const first = resolveModel(model, config, refused);
  if (fallbacks.length === 0) return first;
  const others = fallbacks.flatMap((name) => resolveModel(name, config, refused).models);
  const [head, ...rest] = [...new Set([...first.models, ...others])];
  return { models: [head ?? first.models[0], ...rest], fallback: null };
}

async function send(
  asked: MessagesRequest,
  options: AskOptions & { models: readonly [string, ...string[]]; deadline: number },
): Promise<Asked> {
  const { exchange, services, models, key } = options;
  const [target] = models;
  exchange.record.target = target;
  exchange.journey.asked = target;
  if (models.length > 1) exchange.record.sent = models;
  const { config } = services;
  const translated = translateRequest(asked, {
    models,
    limits: services.catalog.get(target) ?? {},
    sessionId: exchange.request.headers.get("x-claude-code-session-id") ?? undefined,
    provider: config.provider,
    pdfEngine: config.pdfEngine,
  });
  const { body, names, anthropicBeta, contextManagement } = translated;
  const dropped = new Set(translated.dropped);
  const cacheTtl = findCacheTtl(body);
  const isGeneric = config.dialect === "openai";
  const sent = isGeneric ? toGenericRequest(body, dropped) : body;
  exchange.record.dropped = [...dropped];
  const { journey } = exchange;
  journey.inspection?.keep("sent", sent);
  journey.mark("asked", target);
  const answer = await services.client.sendChat({
    body: sent,
    anthropicBeta: isGeneric ? null : anthropicBeta,
    key,
    signal: exchange.request.signal,
    timeoutMs: Math.max(1, options.deadline - services.now()),
    nearest: (model) => services.catalog.nearest(model),
    onRefusal: (text) => journey.inspection?.keep("received", text),
  });
  journey.noteAnswer(answer);
  return { answer, target, names, cacheTtl, contextManagement };
}
