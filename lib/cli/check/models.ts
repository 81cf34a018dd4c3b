/**
 * Checks whether each target model is in the catalog, and describes it.
 * @module
 */

import type { Config, Family } from "../../config.ts";
import { formatContext, formatPrices } from "../../format.ts";
import type { Catalog, CatalogModel } from "../../openrouter/catalog.ts";
import { resolveModel, UnavailableDefaults } from "../../openrouter/model_mapping.ts";
import type { Finding, State } from "./report.ts";
import { groupByTarget, TARGET_VARIABLES } from "../model_targets.ts";

/** A model id that requests may be sent to. */
interface Candidate {
  families: readonly Family[];
  id: string;
  /** `auto`: the id depends on the request. */
  isAuto: boolean;
  /** Not set by the user: the proxy replaces it if upstream does not have it. */
  isDefault: boolean;
  isFallback: boolean;
}

export const NOT_LISTED = "not in the catalog";

/** One finding for each id. @param catalog null if there is no model list */
export function checkTargets(config: Config, catalog: Catalog | null): Finding[] {
  return listCandidates(config).map((candidate) => {
    const { id, families, isFallback } = candidate;
    const name = `${families.join(", ")}${isFallback ? " (fallback)" : ""}`;
    const subject = { topic: "models", name };
    const facts = { id, families };
    if (catalog === null || id.includes("@preset/")) {
      const reason = catalog === null ? "no model list" : "a preset";
      return { ...subject, state: "unchecked", message: `${id}: not checked: ${reason}`, facts };
    }
    const model = catalog.find(id);
    // A free variant without an entry is discontinued, even if the paid model is listed.
    if (model === undefined || (isFree(id) && !isFree(model.id))) {
      const nearest = catalog.suggestModels(id);
      return { ...subject, ...checkMissing(candidate, nearest), facts: { ...facts, nearest } };
    }
    return { ...subject, ...checkModel(id, model), facts: { ...facts, ...toFacts(model) } };
  });
}

function isFree(id: string): boolean {
  return /:free\b/.test(id);
}

/** `auto` has an id for each family; a target that families share is checked once. */
function listCandidates(config: Config): Candidate[] {
  return groupByTarget(config.targets).flatMap(({ families, target }) => {
    const [first, ...fallbacks] = target.models;
    const isAuto = first === "auto";
    const shared = { families, isAuto: false, isDefault: target.isDefault };
    const firsts = isAuto
      ? families.map((family) => ({
        ...shared,
        families: [family],
        id: resolveModel(family, config, new UnavailableDefaults()).models[0],
        isAuto,
        isFallback: false,
      }))
      : [{ ...shared, id: first, isFallback: false }];
    return [...firsts, ...fallbacks.map((id) => ({ ...shared, id, isFallback: true }))];
  });
}

/** The start of a hint: the ids that may have been meant; "" for none. */
export function describeClosest(ids: readonly string[]): string {
  return ids.length === 0 ? "" : `closest ids: ${ids.join(", ")}; `;
}

function checkMissing(
  { id, families, isAuto, isDefault }: Candidate,
  nearest: readonly string[],
): Pick<Finding, "state" | "message" | "hint"> {
  if (isAuto) {
    const message = `auto: depends on the requested model; ${id} is not in the catalog`;
    return { state: "unchecked", message };
  }
  const closest = describeClosest(nearest);
  const names = families.filter((family) => !isDefault || family !== "fable")
    .map((family) => TARGET_VARIABLES[family]).join(", ");
  if (!isDefault) {
    return { state: "failed", message: `${id}: ${NOT_LISTED}`, hint: `${closest}change ${names}` };
  }
  const message = `${id}: ${NOT_LISTED}; if rejected, the requested Claude model replaces it`;
  return { state: "warning", message, hint: `${closest}set ${names} to a listed id, or to auto` };
}

function checkModel(id: string, model: CatalogModel): Pick<Finding, "state" | "message" | "hint"> {
  const state: State = model.toolCapable === false ? "warning" : "ok";
  const message = `${id}: ${describeModel(model)}`;
  return state === "ok"
    ? { state, message }
    : { state, message, hint: "Claude Code needs tools: choose a model that has them" };
}

function describeModel(model: CatalogModel): string {
  const { contextLength, toolCapable } = model;
  return [
    contextLength === undefined ? "context unknown" : `${formatContext(contextLength)} context`,
    describePrices(model),
    toolCapable === undefined ? "tools unknown" : toolCapable ? "tools" : "no tools",
    describeReasoning(model),
  ].join(", ");
}

/** Input and output prices; "free" or "price unknown" without. */
export function describePrices(model: CatalogModel): string {
  const prices = formatPrices(model);
  if (prices === undefined) return "price unknown";
  return prices === "free" ? prices : `${prices} per M tokens`;
}

/** OpenRouter describes the reasoning of every model that supports it; other servers list ids only. */
function describeReasoning(model: CatalogModel): string {
  if (model.mandatory) return "always reasons";
  if (canReason(model)) return "reasoning";
  return model.toolCapable === undefined ? "reasoning unknown" : "no reasoning";
}

function canReason({ mandatory, takesBudget }: CatalogModel): boolean {
  return mandatory !== undefined || takesBudget !== undefined;
}

function toFacts(model: CatalogModel) {
  const { contextLength, maxOutputTokens, promptPrice, completionPrice, toolCapable } = model;
  return {
    contextLength,
    maxOutputTokens,
    promptPrice,
    completionPrice,
    tools: toolCapable,
    reasoning: canReason(model) || (toolCapable === undefined ? undefined : false),
  };
}
