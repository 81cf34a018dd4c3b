/**
 * Checks whether IMAGE_MODEL is in the catalog and accepts images.
 * @module
 */

import type { Config } from "../../config.ts";
import type { Catalog } from "../../openrouter/catalog.ts";
import { describeClosest, describePrices, NOT_LISTED } from "./models.ts";
import type { Finding } from "./report.ts";

/** One finding; none without IMAGE_MODEL. @param catalog null if there is no model list */
export function checkImageModel(
  { imageModel: id, dialect }: Pick<Config, "imageModel" | "dialect">,
  catalog: Catalog | null,
): Finding[] {
  if (id === null) return [];
  const subject = { topic: "models", name: "images", facts: { id } };
  if (dialect === "anthropic") {
    const message = `${id}: not used: UPSTREAM_DIALECT=anthropic sends images unchanged`;
    return [{ ...subject, state: "warning", message, hint: "remove IMAGE_MODEL" }];
  }
  if (catalog === null || id.includes("@preset/")) {
    const reason = catalog === null ? "no model list" : "a preset";
    return [{ ...subject, state: "unchecked", message: `${id}: not checked: ${reason}` }];
  }
  const model = catalog.find(id);
  if (model === undefined) {
    const hint = `${describeClosest(catalog.suggestModels(id))}change IMAGE_MODEL`;
    return [{ ...subject, state: "failed", message: `${id}: ${NOT_LISTED}`, hint }];
  }
  const prices = describePrices(model);
  const { inputModalities } = model;
  if (inputModalities?.includes("image") === false) {
    const hint = "set IMAGE_MODEL to a model with image input";
    return [{ ...subject, state: "failed", message: `${id}: accepts no images`, hint }];
  }
  const images = inputModalities === undefined ? "image input unknown" : "accepts images";
  return [{ ...subject, state: "ok", message: `${id}: ${images}, ${prices}` }];
}
