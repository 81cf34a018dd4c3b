/**
 * `check`, its part on models: is each target in OpenRouter's catalog, and what can it do?
 * @module
 */

import type { Config, Family } from "../../config.ts";
import type { Catalog, CatalogModel } from "../../openrouter/catalog.ts";
import { resolveModel, UnavailableDefaults } from "../../openrouter/model_mapping.ts";
import type { Finding, State } from "./report.ts";
import { groupByTarget, TARGET_VARIABLES } from "../model_targets.ts";

/** One id that requests may go to. */
interface Candidate {
  families: readonly Family[];
  id: string;
  /** `auto`: the id differs from request to request. */
  isAuto: boolean;
  /** Nobody chose it: the proxy replaces it where upstream does not know it. */
  isDefault: boolean;
  isFallback: boolean;
}

const NOT_LISTED = "not in the catalog";

/** One finding for each id. @param catalog null where there is none to look into */
export function checkTargets(config: Config, catalog: Catalog | null): Finding[] {
  return listCandidates(config).map((candidate) => {
    const { id, families, isFallback } = candidate;
    const head = { topic: "models", name: `${families.join(", ")}${isFallback ? " (next)" : ""}` };
    const facts = { id, families };
    if (catalog === null || id.includes("@preset/")) {
      const why = catalog === null ? "not checked: no model list" : "not checked: a preset";
      return { ...head, state: "unchecked", message: `${id}: ${why}`, facts };
    }
    const model = catalog.find(id);
    // A free variant without an entry has ended, though the paid model is listed.
    if (model === undefined || (isFree(id) && !isFree(model.id))) {
      const nearest = catalog.suggestModels(id);
      return { ...head, ...judgeMissing(candidate, nearest), facts: { ...facts, nearest } };
    }
    return { ...head, ...judgeModel(id, model), facts: { ...facts, ...toFacts(model) } };
  });
}

function isFree(id: string): boolean {
  return /:free\b/.test(id);
}

/** `auto` means another id for each family; what families share is looked at once. */
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

function judgeMissing(
  { id, families, isAuto, isDefault }: Candidate,
  nearest: readonly string[],
): Pick<Finding, "state" | "message" | "hint"> {
  if (isAuto) {
    return { state: "unchecked", message: `auto: told from each request; ${id} is unknown` };
  }
  const near = nearest.length === 0 ? "" : `nearest: ${nearest.join(", ")}; `;
  const names = families.filter((family) => !isDefault || family !== "fable")
    .map((family) => TARGET_VARIABLES[family]).join(", ");
  if (!isDefault) {
    return { state: "failed", message: `${id}: ${NOT_LISTED}`, hint: `${near}change ${names}` };
  }
  const says = `${id}: ${NOT_LISTED}; once refused, the Claude asked for replaces it`;
  return { state: "warning", message: says, hint: `${near}set ${names}, to auto if you like` };
}

function judgeModel(id: string, model: CatalogModel): Pick<Finding, "state" | "message" | "hint"> {
  const state: State = model.toolCapable === false ? "warning" : "ok";
  const says = `${id}: ${describeModel(model)}`;
  return state === "ok"
    ? { state, message: says }
    : { state, message: says, hint: "Claude Code needs tools: choose a model that has them" };
}

function describeModel(model: CatalogModel): string {
  const { contextLength, toolCapable } = model;
  const words = [
    contextLength === undefined ? "context not told" : `${formatCount(contextLength)} context`,
    describePrice(model),
    toolCapable === undefined ? "tools not told" : toolCapable ? "tools" : "no tools",
    describeReasoning(model),
  ];
  return words.join(", ");
}

function describePrice({ promptPrice, completionPrice }: CatalogModel): string {
  if (promptPrice === undefined || completionPrice === undefined) return "price not told";
  if (promptPrice === 0 && completionPrice === 0) return "free";
  return `$${promptPrice}/$${completionPrice} per M tokens`;
}

/** OpenRouter describes the reasoning of every model that has any; a bare list describes nothing. */
function describeReasoning(model: CatalogModel): string {
  if (model.mandatory) return "always reasons";
  if (canReason(model)) return "reasoning";
  return model.toolCapable === undefined ? "reasoning not told" : "no reasoning";
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

/** `200k`, `1.05M` */
function formatCount(count: number): string {
  return count >= 1e6 ? `${Number((count / 1e6).toFixed(2))}M` : `${Math.round(count / 1000)}k`;
}
