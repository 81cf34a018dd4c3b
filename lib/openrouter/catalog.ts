/**
 * OpenRouter's model list, fetched in the background and never in a request's way. What it does not know,
 * nobody waits for: limits are then not applied and hints left out.
 * @module
 */

import { ApiError } from "../errors.ts";
import { isJsonObject } from "../json.ts";
import { settlesWithin } from "../stream/deadline.ts";
import { SimilarModels } from "./similar_models.ts";
import type { CatalogEntry } from "./types.ts";

/** One model, as far as this proxy uses it. */
export interface CatalogModel {
  id: string;
  name: string;
  /** Seconds since the epoch; 0 where not known. */
  created: number;
  contextLength: number | undefined;
  maxOutputTokens: number | undefined;
  /** Reasoning cannot be turned off. */
  mandatory: boolean | undefined;
  /** Whether a reasoning budget in tokens is understood. */
  takesBudget: boolean | undefined;
  /** The efforts that are understood, in any order. */
  efforts: readonly string[] | undefined;
  /** What is understood: `text`, `image`, `file`, … */
  inputModalities: readonly string[] | undefined;
  /** Whether the model can call tools. */
  toolCapable: boolean | undefined;
  /** USD per million tokens. */
  promptPrice: number | undefined;
  completionPrice: number | undefined;
  cacheReadPrice: number | undefined;
  cacheWritePrice: number | undefined;
}

const MAX_AGE_MS = 60 * 60 * 1000;
const RETRY_MS = 60 * 1000;
/** The same for a client that waits for a list of which nothing is known yet. */
const COLD_RETRY_MS = 5 * 1000;
/** OpenRouter has some 500, with ids of 60 characters at most. */
const MAX_MODELS = 20_000;
const MAX_ID_CHARS = 256;
const MAX_NAME_CHARS = 256;
/** Windows, limits and dates beyond are mistakes: a trillion tokens, and the year 9999 in seconds. */
const MAX_TOKENS = 1e12;
const MAX_CREATED = 253_402_300_799;
/** USD per token; a price beyond is a mistake. */
const MAX_PRICE = 1;

/** Ends of an id that do not change the model: routes to providers, and a preset. */
const ROUTE = /(?::(?:nitro|floor|online|exacto))*(?:@preset\/[^@]*)?$/;
/** Variants of a model. Most have an entry of their own, with their own limits and prices. */
const VARIANT = /:(?:free|thinking|extended|beta|batch)$/;
/** "The newest of this family". */
const NEWEST = /^~/;

/** What a catalog needs from outside. */
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
  /** Made for the first question after a fetch. */
  #nearest: SimilarModels | null = null;
  #triedAt = -Infinity;
  #loadedAt = -Infinity;
  #underWay: Promise<void> | null = null;

  constructor(options: CatalogOptions) {
    this.#options = options;
  }

  /** The model of an id as it is configured or asked for: its own entry, else that of the plain model. */
  find(id: string): CatalogModel | undefined {
    const routed = id.replace(ROUTE, "");
    const plain = routed.replace(VARIANT, "");
    const names = [id, routed, plain, plain.replace(NEWEST, "")];
    return names.map((name) => this.#models.get(name)).find((model) => model !== undefined);
  }

  /** Starts a fetch where the list is old and none is under way. Never throws, never waits. */
  refresh(): void {
    const now = this.#options.now();
    const isDue = now - this.#loadedAt >= MAX_AGE_MS && now - this.#triedAt >= RETRY_MS;
    if (isDue && this.#underWay === null) this.#load().catch(() => {});
  }

  /**
   * All models, newest first. Where nothing is known yet it waits for the fetch under way, or starts one unless one
   * has just failed, but no longer than `waitMs`; what has not come by then is missing.
   */
  async list(waitMs: number): Promise<readonly CatalogModel[]> {
    if (this.#models.size === 0) {
      const isDue = this.#options.now() - this.#triedAt >= COLD_RETRY_MS;
      const fetching = this.#underWay ?? (isDue ? this.#load() : null);
      if (fetching !== null) await settlesWithin(fetching, waitMs);
    }
    return this.#sorted;
  }

  /** The fetch under way, if any: for a clean end of tests. */
  async settled(): Promise<void> {
    await this.#underWay?.catch(() => {});
  }

  /** The ids most like one that is not known. */
  suggestModels(id: string): string[] {
    this.#nearest ??= new SimilarModels([...this.#models.keys()]);
    return this.#nearest.find(id);
  }

  #load(): Promise<void> {
    this.#triedAt = this.#options.now();
    this.#underWay = this.#fetch().finally(() => {
      this.#underWay = null;
    });
    return this.#underWay;
  }

  async #fetch(): Promise<void> {
    const models = parseModels(await this.#options.fetchModels());
    this.#models = new Map(models.map((model) => [model.id, model]));
    this.#sorted = [...this.#models.values()].sort((a, b) => b.created - a.created);
    this.#nearest = null;
    this.#loadedAt = this.#options.now();
  }
}

/** `{data: [entry, …]}` → models; entries without a usable id are skipped, and so is what is too much. */
function parseModels(answer: unknown): CatalogModel[] {
  const data = isJsonObject(answer) ? answer["data"] : undefined;
  if (!Array.isArray(data)) {
    throw new ApiError("api_error", "OpenRouter sent no model list", { status: 502 });
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
    efforts: toWords(entry.reasoning?.supported_efforts),
    inputModalities: toWords(entry.architecture?.input_modalities),
    toolCapable: Array.isArray(entry.supported_parameters)
      ? entry.supported_parameters.includes("tools")
      : undefined,
    promptPrice: toPricePerMillion(entry.pricing?.prompt),
    completionPrice: toPricePerMillion(entry.pricing?.completion),
    cacheReadPrice: toPricePerMillion(entry.pricing?.input_cache_read),
    cacheWritePrice: toPricePerMillion(entry.pricing?.input_cache_write),
  };
}

/** Prices are text; -1 stands for "depends on what the router chooses". */
function toPricePerMillion(perToken: unknown): number | undefined {
  const price = typeof perToken === "string" && perToken !== "" ? Number(perToken) : NaN;
  return price >= 0 && price <= MAX_PRICE ? Number((price * 1e6).toPrecision(6)) : undefined;
}

/** A list of words; an empty one says nothing. */
function toWords(value: unknown): string[] | undefined {
  const words = Array.isArray(value) ? value.filter((word) => typeof word === "string") : [];
  return words.length > 0 ? words : undefined;
}

function toPositive(value: unknown, most = MAX_TOKENS): number | undefined {
  return typeof value === "number" && value > 0 && value <= most ? Math.floor(value) : undefined;
}
