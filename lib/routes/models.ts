/**
 * `GET /v1/models` and `GET /v1/models/{id}`: OpenRouter's catalog in Anthropic's format, in an order that suits
 * Claude Code's model picker.
 * @module
 */

import type { ModelInfo } from "../anthropic/types.ts";
import type { Config } from "../config.ts";
import { ApiError } from "../errors.ts";
import type { RequestContext, RouteResult, Services } from "../request_context.ts";
import { type CatalogModel, createUnknownModel } from "../openrouter/catalog.ts";
import { describeModel } from "../openrouter/model_label.ts";
import { FAMILIES, toAlias } from "../openrouter/model_mapping.ts";
import { toJsonResponse } from "../stream/paced_body.ts";

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 1000;
/** Claude Code's timeout is three seconds. */
const CATALOG_WAIT_MS = 2000;
/** IDs that the picker shows as they are. */
const VISIBLE_ID = /^(claude|anthropic)/i;

/** Responds with one page of the list. @throws {ApiError} 400 for a page that does not exist */
export async function handleModelList({ readUrl, services }: RequestContext): Promise<RouteResult> {
  const { searchParams } = readUrl();
  const limit = parseLimit(searchParams.get("limit"));
  const models = (await loadModels(services)).filter(({ id }) => !services.unlistedModels.has(id));
  const after = searchParams.get("after_id");
  const before = searchParams.get("before_id");
  const start = after === null ? 0 : findIndex(models, after) + 1;
  const end = before === null ? models.length : findIndex(models, before);
  const page = before === null
    ? models.slice(start, start + limit)
    : models.slice(Math.max(0, end - limit), end);
  const list = {
    data: page,
    has_more: before === null ? start + limit < models.length : end > limit,
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
  };
  return { response: toJsonResponse(list, services.config) };
}

/** Responds with one model. @throws {ApiError} 404 for an unknown ID */
export async function handleModel(
  { services }: RequestContext,
  id: string,
): Promise<RouteResult> {
  const model = (await loadModels(services)).find((one) => one.id === id);
  if (model !== undefined) return { response: Response.json(model) };
  const suggestions = services.catalog.suggestModels(id);
  const hint = suggestions.length === 0 ? "" : `. Nearest known ids: ${suggestions.join(", ")}`;
  throw new ApiError("not_found_error", `model: ${id}${hint}`);
}

async function loadModels({ catalog, config }: Services): Promise<ModelInfo[]> {
  return listModels(await catalog.list(CATALOG_WAIT_MS), config);
}

function parseLimit(text: string | null): number {
  if (text === null) return DEFAULT_LIMIT;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new ApiError("invalid_request_error", `limit: Input should be from 1 to ${MAX_LIMIT}`);
}

function findIndex(models: readonly ModelInfo[], id: string): number {
  const index = models.findIndex((model) => model.id === id);
  if (index >= 0) return index;
  throw new ApiError("invalid_request_error", `No model with the id ${id} to page from`);
}

/**
 * Lists the mapped names first, then every model under its own ID (those that can call tools first), then aliases for
 * models that can call tools and whose own ID the picker hides.
 * @param models newest first
 */
export function listModels(
  models: readonly CatalogModel[],
  { targets }: Pick<Config, "targets">,
): ModelInfo[] {
  const capable = models.filter(({ toolCapable }) => toolCapable !== false);
  const others = models.filter(({ toolCapable }) => toolCapable === false);
  // Each name contains its family, so model_mapping.ts resolves it to the same target.
  const mapped = FAMILIES.map((family) => {
    const [target] = targets[family].models;
    const model = models.find((one) => one.id === target) ?? createUnknownModel(target);
    const label = family.charAt(0).toUpperCase() + family.slice(1);
    const display_name = `${label} → ${describeModel(model)}`;
    return toModelInfo(model, { id: `claude-${family}`, display_name });
  });
  const hidden = capable.filter(({ id, toolCapable }) => toolCapable && !VISIBLE_ID.test(id));
  return [
    ...mapped,
    ...[...capable, ...others].map((model) => toModelInfo(model)),
    ...hidden.map((model) => toModelInfo(model, { id: toAlias(model.id) })),
  ];
}

function toModelInfo(
  model: CatalogModel,
  { id = model.id, display_name = describeModel(model) }: { id?: string; display_name?: string } =
    {},
): ModelInfo {
  return {
    type: "model",
    id,
    display_name,
    created_at: new Date(model.created * 1000).toISOString(),
    max_input_tokens: model.contextLength ?? null,
    max_tokens: model.maxOutputTokens ?? null,
  };
}
