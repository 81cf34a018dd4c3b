/**
 * `GET /v1/models` and `GET /v1/models/{id}`: OpenRouter's catalog in Anthropic's shape.
 * @module
 */

import type { ModelInfo } from "../anthropic/types.ts";
import { ApiError } from "../errors.ts";
import type { Answer, Exchange, Services } from "../exchange.ts";
import type { CatalogModel } from "../openrouter/catalog.ts";

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 1000;

/** One page of the list. @throws {ApiError} 400 for a bad page, 502 where upstream gives no list */
export async function handleModelList(
  { url }: Exchange,
  { catalog }: Services,
): Promise<Answer> {
  const limit = parseLimit(url.searchParams.get("limit"));
  const models = (await catalog.list()).map(toModelInfo);
  const after = url.searchParams.get("after_id");
  const before = url.searchParams.get("before_id");
  const start = after === null ? 0 : findPlace(models, after) + 1;
  const end = before === null ? models.length : findPlace(models, before);
  const page = before === null
    ? models.slice(start, start + limit)
    : models.slice(Math.max(start, end - limit), end);
  return {
    response: Response.json({
      data: page,
      has_more: before === null ? start + limit < end : end - limit > start,
      first_id: page[0]?.id ?? null,
      last_id: page.at(-1)?.id ?? null,
    }),
  };
}

/** One model, by an id that may be percent-encoded. @throws {ApiError} 404 for an unknown one */
export async function handleModel(id: string, { catalog }: Services): Promise<Answer> {
  await catalog.list();
  const model = catalog.get(id);
  if (model !== undefined) return { response: Response.json(toModelInfo(model)) };
  const near = catalog.nearest(id);
  const hint = near.length === 0 ? "" : `. Nearest known ids: ${near.join(", ")}`;
  throw new ApiError("not_found_error", `model: ${id}${hint}`);
}

function toModelInfo(model: CatalogModel): ModelInfo {
  return {
    type: "model",
    id: model.id,
    display_name: model.name,
    created_at: new Date(model.created * 1000).toISOString(),
    max_input_tokens: model.contextLength ?? null,
    max_tokens: model.maxOutputTokens ?? null,
  };
}

function parseLimit(text: string | null): number {
  if (text === null) return DEFAULT_LIMIT;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new ApiError("invalid_request_error", `limit: Input should be from 1 to ${MAX_LIMIT}`);
}

function findPlace(models: readonly ModelInfo[], id: string): number {
  const place = models.findIndex((model) => model.id === id);
  if (place >= 0) return place;
  throw new ApiError("invalid_request_error", `No model with the id ${id} to page from`);
}
