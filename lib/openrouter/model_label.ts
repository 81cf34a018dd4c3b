/**
 * What people read of a model in a list: its name without the vendor, its context length and its prices.
 * @module
 */

import { formatContext, formatPrices } from "../format.ts";

/** The fields of a catalog entry that are shown. */
export interface LabelledModel {
  name: string;
  /** In tokens. */
  contextLength: number | undefined;
  /** USD per million tokens. */
  promptPrice: number | undefined;
  completionPrice: number | undefined;
}

/** `Z.AI: GLM 5` → `GLM 5` */
export function toShortName({ name }: Pick<LabelledModel, "name">): string {
  return name.replace(/^[^:]{1,30}: /, "");
}

/** `200k`, `$0.60/2.20`: context length and USD per million input/output tokens, as far as they are known. */
export function listLimits(model: Omit<LabelledModel, "name">): string[] {
  const { contextLength } = model;
  const prices = formatPrices(model);
  return [
    ...(contextLength === undefined ? [] : [formatContext(contextLength)]),
    ...(prices === undefined ? [] : [prices]),
  ];
}

/** `GLM 5 · 200k · $0.60/2.20` */
export function describeModel(model: LabelledModel): string {
  return [toShortName(model), ...listLimits(model)].join(" · ");
}
