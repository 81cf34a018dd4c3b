/**
 * Entries of the model catalog as the proxy keeps them.
 * @module
 */

import { type CatalogModel, createUnknownModel } from "../../lib/openrouter/catalog.ts";

/** An entry with these fields; the others are unknown. */
export function createCatalogModel(
  fields: Partial<CatalogModel> & Pick<CatalogModel, "id">,
): CatalogModel {
  return { ...createUnknownModel(fields.id), ...fields };
}
