/**
 * `GET /v1/models` and `GET /v1/models/{id}`: OpenRouter's catalog in Anthropic's shape.
 * @module
 */

import type { ModelInfo } from "../anthropic/types.ts";
import { ApiError } from "../errors.ts";
import type { RequestContext, RouteResult, Services } from "../request_context.ts";
import { toJsonResponse } from "../stream/paced_body.ts";
import { listModels } from "./model_list.ts";

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 1000;
/** Claude Code gives up after three seconds. */
const CATALOG_WAIT_MS = 2000;

/** One page of the list. @throws {ApiError} 400 for a page that does not exist */
export async function handleModelList(
  { url }: RequestContext,
  services: Services,
): Promise<RouteResult> {
  const limit = parseLimit(url.searchParams.get("limit"));
  const models = await findModels(services);
  const after = url.searchParams.get("after_id");
  const before = url.searchParams.get("before_id");
  const start = after === null ? 0 : findPlace(models, after) + 1;
  const end = before === null ? models.length : findPlace(models, before);
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

/** One model, by an id that may be percent-encoded. @throws {ApiError} 404 for an unknown one */
export async function handleModel(id: string, services: Services): Promise<RouteResult> {
  const model = (await findModels(services)).find((one) => one.id === id);
  if (model !== undefined) return { response: Response.json(model) };
  const near = services.catalog.suggestModels(id);
  const hint = near.length === 0 ? "" : `. Nearest known ids: ${near.join(", ")}`;
  throw new ApiError("not_found_error", `model: ${id}${hint}`);
}

async function findModels({ catalog, config }: Services): Promise<ModelInfo[]> {
  return listModels(await catalog.list(CATALOG_WAIT_MS), config);
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
