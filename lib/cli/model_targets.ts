/**
 * The model map as people read it: which kinds of names go to which target.
 * @module
 */

import type { Config, Family, Target } from "../config.ts";
import { FAMILIES } from "../openrouter/model_mapping.ts";

/** Names of models that share a target. */
export interface TargetGroup {
  families: Family[];
  target: Target;
}

/** Family → its variable, in the order in which people see them. */
export const TARGET_VARIABLES = {
  opus: "TARGET_MODEL_OPUS",
  sonnet: "TARGET_MODEL_BIG",
  haiku: "TARGET_MODEL_SMALL",
  fable: "TARGET_MODEL_FABLE",
  other: "TARGET_MODEL_DEFAULT",
} as const satisfies Record<Family, string>;

/** The families, those with the same target together. */
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
