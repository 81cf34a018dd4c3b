/**
 * Groups the model mapping by target, for the startup message and `check`.
 * @module
 */

import type { Config, Dialect, Family, Target } from "../config.ts";
import { listSettings, toOpenAiSettings } from "../model_target.ts";
import { FAMILIES, isClaude, usesMessagesApi } from "../openrouter/model_mapping.ts";

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
    const key = `${describeTarget(target)} ${target.isDefault}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { families: [family], target });
    else group.families.push(family);
  }
  return [...groups.values()];
}

/** The models of a target, and its settings in brackets. */
export function describeTarget({ models, settings }: Target): string {
  const list = listSettings(settings);
  return models.join(", ") + (list.length === 0 ? "" : ` (${list.join(", ")})`);
}

/** With the dialect `auto`: whether requests for a target go to `/messages`. The word `auto` means a Claude model. */
export function isForClaude({ models: [first, ...rest] }: Target): boolean {
  return usesMessagesApi(first === "auto" ? rest : [first, ...rest], "auto");
}

/** Targets that do not work as their variable suggests, each with what to do about it. */
export function findTargetWarnings(
  { targets, dialect }: { targets: Config["targets"]; dialect: Dialect },
): string[] {
  const groups = groupByTarget(targets).map(({ families, target }) => ({
    target,
    names: families.map((family) => TARGET_VARIABLES[family]).join(", "),
  }));
  if (dialect === "openai") {
    return groups.flatMap(({ names, target: { settings = {} } }) => {
      const sent = new Set(listSettings(toOpenAiSettings(settings)));
      const left = listSettings(settings).filter((one) => !sent.has(one));
      if (left.length === 0) return [];
      return [`${names}: UPSTREAM_DIALECT=openai cannot send ${left.join(", ")}`];
    });
  }
  if (dialect !== "auto") return [];
  const isMixed = (target: Target) =>
    !isForClaude(target) && target.models.some((model) => model === "auto" || isClaude(model));
  return groups.filter(({ target }) => isMixed(target)).map(({ names, target }) =>
    `${names}: all of ${target.models.join(", ")} are translated, because one of them is not a ` +
    "Claude model: for Claude's own features list Claude models only"
  );
}
