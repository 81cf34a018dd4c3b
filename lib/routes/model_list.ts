/**
 * OpenRouter's catalog as Anthropic's model list, in an order that suits Claude Code's picker.
 * @module
 */

import type { ModelInfo } from "../anthropic/types.ts";
import type { Config } from "../config.ts";
import { formatContext, formatPrices } from "../format.ts";
import type { CatalogModel } from "../openrouter/catalog.ts";
import { FAMILIES, toAlias } from "../openrouter/model_mapping.ts";

/** Ids that the picker shows as they are. */
const SHOWN = /^(claude|anthropic)/i;

/**
 * The mapped names first, then every model under its own id, those that can call tools first, then a second
 * time, under an alias that the picker shows, the tool-capable ones that it would not show.
 * @param models newest first
 */
export function listModels(
  models: readonly CatalogModel[],
  { targets }: Pick<Config, "targets">,
): ModelInfo[] {
  const capable = models.filter(({ toolCapable }) => toolCapable !== false);
  const others = models.filter(({ toolCapable }) => toolCapable === false);
  // Each mapped name contains its family, by which it is found again.
  const mapped = FAMILIES.map((family) => {
    const [target] = targets[family].models;
    const model = models.find((one) => one.id === target) ?? createUnknown(target);
    const label = family.charAt(0).toUpperCase() + family.slice(1);
    const display_name = `${label} → ${describe(model)}`;
    return toModelInfo(model, { id: `claude-${family}`, display_name });
  });
  const hidden = capable.filter(({ id, toolCapable }) => toolCapable && !SHOWN.test(id));
  return [
    ...mapped,
    ...[...capable, ...others].map((model) => toModelInfo(model)),
    ...hidden.map((model) => toModelInfo(model, { id: toAlias(model.id) })),
  ];
}

function toModelInfo(
  model: CatalogModel,
  { id = model.id, display_name = describe(model) }: { id?: string; display_name?: string } = {},
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

/** `GLM 5.2 · 200k · $0.60/2.20`: name without its vendor, window, USD per million tokens in and out. */
function describe(model: CatalogModel): string {
  const { name, contextLength } = model;
  const facts = [name.replace(/^[^:]{1,30}: /, "")];
  if (contextLength !== undefined) facts.push(formatContext(contextLength));
  const prices = formatPrices(model);
  if (prices !== undefined) facts.push(prices);
  return facts.join(" · ");
}

function createUnknown(id: string): CatalogModel {
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
