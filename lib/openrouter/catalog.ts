/**
 * Upstream's model list, fetched in the background: requests never wait for it. Until it is loaded, limits are not
 * applied and hints are left out.
 * @module
 */

import { ApiError } from "../errors.ts";
import { isJsonObject } from "../json.ts";
import { settlesWithin } from "../stream/deadline.ts";
import { SimilarModels } from "./similar_models.ts";
import type { CatalogEntry } from "./types.ts";

/** The fields of a model that this proxy uses. */
export interface CatalogModel {
  id: string;
  name: string;
  /** Seconds since the epoch; 0 if unknown. */
  created: number;
  contextLength: number | undefined;
  maxOutputTokens: number | undefined;
  /** Reasoning cannot be turned off. */
  mandatory: boolean | undefined;
  /** Whether a reasoning budget in tokens is supported. */
  takesBudget: boolean | undefined;
  /** Supported reasoning efforts, in any order. */
  efforts: readonly string[] | undefined;
  /** `text`, `image`, `file`, … */
  inputModalities: readonly string[] | undefined;
  /** Whether the model can call tools. */
  toolCapable: boolean | undefined;
  /** USD per million tokens. */
  promptPrice: number | undefined;
  completionPrice: number | undefined;
  cacheReadPrice: number | undefined;
  cacheWritePrice: number | undefined;
}

/** An entry of which only the id is known. */
export function createUnknownModel(id: string): CatalogModel {
  return {
    id,
    name: id,
    created: 0,
    contextLength: undefined,
    maxOutputTokens: undefined,
    mandatory: undefined,
    takesBudget: undefined,
    efforts: undefined,
    inputModalities: undefined,
    toolCapable: undefined,
    promptPrice: undefined,
    completionPrice: undefined,
    cacheReadPrice: undefined,
    cacheWritePrice: undefined,
  };
}

const MAX_AGE_MS = 60 * 60 * 1000;
const RETRY_MS = 60 * 1000;
/** The same while a client waits for the first list. */
const INITIAL_RETRY_MS = 5 * 1000;
/** OpenRouter has some 500, with ids of 60 characters at most. */
const MAX_MODELS = 20_000;
const MAX_ID_CHARS = 256;
const MAX_NAME_CHARS = 256;
/** Larger values are errors in the list: a trillion tokens, and the year 9999 in seconds. */
const MAX_TOKENS = 1e12;
const MAX_CREATED = 253_402_300_799;
/** USD per token; a higher price is an error in the list. */
const MAX_PRICE = 1;

/** Suffixes that do not change the model: provider routing and presets. */
const ROUTE = /(?::(?:nitro|floor|online|exacto))*(?:@preset\/[^@]*)?$/;
/** Variants of a model. Most have their own entry, with their own limits and prices. */
const VARIANT = /:(?:free|thinking|extended|beta|batch)$/;
/** Prefix for the newest model of a family. */
const NEWEST = /^~/;

/** Dependencies of a catalog. */
export interface CatalogOptions {
  fetchModels: () => Promise<unknown>;
  /** A monotonic clock, in milliseconds. */
  now: () => number;
}

/** The model list. */
export class Catalog {
  readonly #options: CatalogOptions;
  #models = new Map<string, CatalogModel>();
  /** Newest first. */
  #sorted: readonly CatalogModel[] = [];
  /** Created for the first lookup after a fetch. */
  #similar: SimilarModels | null = null;
  #attemptedAt = -Infinity;
  #loadedAt = -Infinity;
  #pending: Promise<unknown> | null = null;
  #lastFetch: PromiseSettledResult<{ count: number }> | null = null;

  constructor(options: CatalogOptions) {
    this.#options = options;
  }

  /** Finds a configured or requested id: its own entry, else that of the base model. */
  find(id: string): CatalogModel | undefined {
    const unrouted = id.replace(ROUTE, "");
    const base = unrouted.replace(VARIANT, "");
    const candidates = [id, unrouted, base, base.replace(NEWEST, "")];
    return candidates.map((name) => this.#models.get(name)).find((model) => model !== undefined);
  }

  /** All models that are loaded, newest first. */
  get models(): readonly CatalogModel[] {
    return this.#sorted;
  }

  /** Starts a fetch in the background if the list is outdated. Never throws, never waits. */
  refresh(): void {
    const now = this.#options.now();
    const isDue = now - this.#loadedAt >= MAX_AGE_MS && now - this.#attemptedAt >= RETRY_MS;
    if (isDue && this.#pending === null) this.#load().catch(() => {});
  }

  /**
   * All models, newest first. Before the first list is loaded, waits up to `waitMs` for the pending fetch, or for a new
   * one unless a fetch has just failed; then the list is empty.
   */
  async list(waitMs: number): Promise<readonly CatalogModel[]> {
    if (this.#models.size === 0) {
      const isDue = this.#options.now() - this.#attemptedAt >= INITIAL_RETRY_MS;
      const fetching = this.#pending ?? (isDue ? this.#load() : null);
      if (fetching !== null) await settlesWithin(fetching, waitMs);
    }
    return this.#sorted;
  }

  /** How the last completed fetch ended: with a number of models, or an error. Null before there is one. */
  get lastFetch(): PromiseSettledResult<{ count: number }> | null {
    return this.#lastFetch;
  }

  /** Resolves after the pending fetch, if any: for tests. */
  async settled(): Promise<void> {
    await this.#pending?.catch(() => {});
  }

  /** The ids most similar to an unknown one. */
  suggestModels(id: string): string[] {
    this.#similar ??= new SimilarModels([...this.#models.keys()]);
    return this.#similar.find(id);
  }

  #load(): Promise<unknown> {
    this.#attemptedAt = this.#options.now();
    const fetching = this.#fetch();
    this.#pending = fetching.finally(async () => {
      this.#pending = null;
      [this.#lastFetch] = await Promise.allSettled([fetching]);
    });
    return this.#pending;
  }

  async #fetch(): Promise<{ count: number }> {
    const models = parseModels(await this.#options.fetchModels());
    this.#models = new Map(models.map((model) => [model.id, model]));
    this.#sorted = [...this.#models.values()].sort((a, b) => b.created - a.created);
    this.#similar = null;
    this.#loadedAt = this.#options.now();
    return { count: models.length };
  }
}

/** Parses `{data: [entry, …]}`; skips entries without a usable id and those beyond the maximum. */
function parseModels(response: unknown): CatalogModel[] {
  const data = isJsonObject(response) ? response["data"] : undefined;
  if (!Array.isArray(data)) {
    throw new ApiError("api_error", "Upstream sent no model list", { status: 502 });
  }
  return data.slice(0, MAX_MODELS).filter(isJsonObject).flatMap((entry: CatalogEntry) =>
    typeof entry.id === "string" && entry.id.length <= MAX_ID_CHARS
      ? [parseEntry(entry.id, entry)]
      : []
  );
}

function parseEntry(id: string, entry: CatalogEntry): CatalogModel {
  return {
    id,
    name: typeof entry.name === "string" ? entry.name.slice(0, MAX_NAME_CHARS) : id,
    created: toPositive(entry.created, MAX_CREATED) ?? 0,
    contextLength: toPositive(entry.context_length),
    maxOutputTokens: toPositive(entry.top_provider?.max_completion_tokens),
    mandatory: entry.reasoning?.mandatory ?? undefined,
    takesBudget: entry.reasoning?.supports_max_tokens ?? undefined,
    efforts: toStrings(entry.reasoning?.supported_efforts),
    inputModalities: toStrings(entry.architecture?.input_modalities),
    toolCapable: Array.isArray(entry.supported_parameters)
      ? entry.supported_parameters.includes("tools")
      : undefined,
    promptPrice: toPricePerMillion(entry.pricing?.prompt),
    completionPrice: toPricePerMillion(entry.pricing?.completion),
    cacheReadPrice: toPricePerMillion(entry.pricing?.input_cache_read),
    cacheWritePrice: toPricePerMillion(entry.pricing?.input_cache_write),
  };
}

/** Prices are strings; -1 means that the price depends on the model that the router chooses. */
function toPricePerMillion(perToken: unknown): number | undefined {
  const price = typeof perToken === "string" && perToken !== "" ? Number(perToken) : NaN;
  return price >= 0 && price <= MAX_PRICE ? Number((price * 1e6).toPrecision(6)) : undefined;
}

/** The strings in an array; undefined for an empty one. */
function toStrings(value: unknown): string[] | undefined {
  const strings = Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
  return strings.length > 0 ? strings : undefined;
}

function toPositive(value: unknown, most = MAX_TOKENS): number | undefined {
  return typeof value === "number" && value > 0 && value <= most ? Math.floor(value) : undefined;
}
