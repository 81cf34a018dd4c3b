/**
 * Groups the model mapping by target, for the startup message and `check`.
 * @module
 */

import type { Config, Family, Target } from "../config.ts";
import { FAMILIES } from "../openrouter/model_mapping.ts";

/** Model families that share a target. */
export interface TargetGroup {
  families: Family[];
  target: Target;
}

/** Family → its variable, in display order. */
export const TARGET_VARIABLES = {
  opus: "TARGET_MODEL_OPUS",
  sonnet: "TARGET_MODEL_BIG",
  haiku: "TARGET_MODEL_SMALL",
  fable: "TARGET_MODEL_FABLE",
  other: "TARGET_MODEL_DEFAULT",
} as const satisfies Record<Family, string>;

/** Groups the families by target. */
export function groupByTarget(targets: Config["targets"]): TargetGroup[] {
  const groups = new Map<string, TargetGroup>();
  for (const family of [...FAMILIES, "other"] as const) {
    const target = targets[family];
    const key = `${target.models.join()} ${target.isDefault}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { families: [family], target });
    else group.families.push(family);
  }
  return [...groups.values()];
}
