/**
 * Entries of the model catalog as the proxy keeps them.
 * @module
 */

import type { CatalogModel } from "../../lib/openrouter/catalog.ts";

/** An entry with these fields; the others are unknown. */
export function createCatalogModel(
  fields: Partial<CatalogModel> & Pick<CatalogModel, "id">,
): CatalogModel {
  return {
    name: fields.id,
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
    ...fields,
  };
}
