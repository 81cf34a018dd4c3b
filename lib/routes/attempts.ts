/**
 * Resolves the model of a request, and sends the request again in another form after errors that allow it. Used by both
 * the translated and the passthrough route.
 * @module
 */

import type { MessagesRequest } from "../anthropic/types.ts";
import type { Dialect } from "../config.ts";
import { findRefusal, type Refusal } from "../openrouter/errors.ts";
import { type ResolvedModel, resolveModel } from "../openrouter/model_mapping.ts";
import type { Services } from "../request_context.ts";
import type { InputKind } from "../translate/request/placeholders.ts";

/** One form of a request, for one target. */
export interface Attempt extends ResolvedModel {
  /** When TIMEOUT_S ends, by the services' clock. */
  deadline: number;
  /** Tools are sent with plain schemas, because the target has rejected one. */
  isPlain: boolean;
}

/**
 * Sends a request upstream. After an error that another form of the request may avoid, remembers the reason for the
 * lifetime of the process and sends the request once more, within the same TIMEOUT_S.
 * @param send sends one form
 * @throws {ApiError} for upstream's errors, or if upstream cannot be reached
 */
export async function sendWithRetries<T>(
  resolved: ResolvedModel,
  services: Services,
  send: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const deadline = services.now() + services.config.timeoutMs;
  const isPlain = services.learnedLimits.plainSchemas.has(resolved.models[0]);
  let attempt: Attempt = { ...resolved, deadline, isPlain };
  const retried = new Map<Refusal, unknown>();
  for (;;) {
    try {
      const result = await send(attempt);
      if (attempt.isPlain) learnPlain(attempt, services);
      return result;
    } catch (error) {
      const refusal = findRefusal(error);
      if (refusal === null) throw error;
      // The first schema error is about the client's own schema, the second about the simplified one.
      if (retried.has(refusal)) throw refusal === "tool_schema" ? retried.get(refusal) : error;
      retried.set(refusal, error);
      const next = RETRIES[refusal](attempt, services);
      if (next === null) throw error;
      attempt = next;
    }
  }
}

/** Returns the next attempt; null to report the error. */
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
  // Of the other dialects, the upstream may not be OpenRouter.
  if (fallback === null || !isOpenRouterDialect(config.dialect)) return null;
  if (unavailableDefaults.add(target)) {
    log.write("warn", `OpenRouter does not know ${target}; using ${fallback} instead`);
  }
  const isPlain = learnedLimits.plainSchemas.has(fallback);
  return { ...attempt, models: [fallback], fallback: null, isPlain };
}

function simplifySchemas(attempt: Attempt): Attempt | null {
  return attempt.isPlain ? null : { ...attempt, isPlain: true };
}

/** Only after plain schemas have worked: otherwise they would be sent to a target that rejects them as well. */
function learnPlain({ models: [target] }: Attempt, { learnedLimits, log }: Services): void {
  if (!learnedLimits.plainSchemas.add(target)) return;
  log.write("warn", `${target} refused the schema of a tool; sending plain schemas from now on`);
}

/** A note replaces each image. OpenRouter rejects a list of models only if none of them accepts images. */
function hideImages(attempt: Attempt, { learnedLimits, log }: Services): Attempt | null {
  const learned = attempt.models.filter((model) => learnedLimits.textOnly.add(model));
  if (learned.length === 0) return null;
  log.write(
    "warn",
    `${learned.join(", ")} refused an image; from now on a note is sent in its place`,
  );
  return attempt;
}

/** Whether upstream is OpenRouter, and requests may use all it offers. */
function isOpenRouterDialect(dialect: Dialect): boolean {
  return dialect === "openrouter" || dialect === "auto";
}

/** Lists what none of the models accepts, by the catalog or by earlier errors. */
export function listUnsupported(
  models: readonly string[],
  { catalog, learnedLimits, config }: Services,
): InputKind[] {
  const isUnsupported = (kind: InputKind) =>
    models.every((model) =>
      learnedLimits.textOnly.has(model) ||
      catalog.find(model)?.inputModalities?.includes(kind) === false
    );
  // OpenRouter parses PDFs for every model, except with the engine `native`.
  const parsesFiles = isOpenRouterDialect(config.dialect) && config.pdfEngine !== "native";
  const kinds: InputKind[] = parsesFiles ? ["image"] : ["image", "file"];
  return kinds.filter(isUnsupported);
}

/** Resolves the requested model, followed by the request's own fallbacks. */
export function resolveModels(
  { model, fallbacks }: Pick<MessagesRequest, "model" | "fallbacks">,
  { config, unavailableDefaults }: Services,
): ResolvedModel {
  const first = resolveModel(model, config, unavailableDefaults);
  if (fallbacks.length === 0) return first;
  const others = fallbacks.flatMap((name) =>
    resolveModel(name, config, unavailableDefaults).models
  );
  const [target, ...rest] = [...new Set([...first.models, ...others])];
  return { ...first, models: [target ?? first.models[0], ...rest], fallback: null };
}
