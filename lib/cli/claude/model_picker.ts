/**
 * The rows of Claude Code's `/model`: each target once, by name, window and price, then the other models of the
 * catalog. Newer versions take the whole list (`modelPicker`); older ones label their own rows and add what
 * `GET /v1/models` lists.
 *
 * The row of a target selects Claude Code's own alias (`opus`, …), because the choice is saved in the user's settings,
 * where it must also be valid without the proxy.
 * @module
 */

import { stripControlChars } from "../../colors.ts";
import type { Family } from "../../config.ts";
import type { JsonObject } from "../../json.ts";
import type { CatalogModel } from "../../openrouter/catalog.ts";
import { listLimits, toShortName } from "../../openrouter/model_label.ts";
import { toAlias } from "../../openrouter/model_mapping.ts";
import type { Variables } from "./variables.ts";

type Alias = Exclude<Family, "other">;

/** A family with a target of its own. */
export interface PickerFamily {
  family: Alias;
  /** The name by which Claude Code knows the target. */
  name: string;
  /** The models of the target, in order. */
  models: readonly string[];
}

type Find = (id: string) => CatalogModel | undefined;

/** What `/model` shows. */
export interface Picker {
  /** Labels for the rows of older versions. */
  env: Variables;
  settings: JsonObject;
  /** Ids of `GET /v1/models` that have a row already. */
  listed: ReadonlySet<string>;
}

interface Row extends JsonObject {
  model: string;
  label: string;
  description: string;
}

/** Builds rows and labels. Without a catalog, Claude Code keeps its own rows too. */
export function buildPicker(
  { named, kept, models, find, toName }: {
    named: readonly PickerFamily[];
    /** Families that keep Claude Code's own models. */
    kept: readonly Alias[];
    /** All models that can call tools, newest first. */
    models: readonly CatalogModel[];
    /** The entry of a target. */
    find: Find;
    /** A model id with Claude Code's suffix, if it needs one. */
    toName: (id: string, contextLength: number | undefined) => string;
  },
): Picker {
  if (named.length === 0) return { env: {}, settings: {}, listed: new Set() };
  const ids = new Set(named.flatMap(({ models: [first] }) => first ?? []));
  const rows: Row[] = [
    ...groupByTarget(named).map((families) => buildTargetRow(families, find)),
    ...kept.map((family) => ({
      model: family,
      label: family.charAt(0).toUpperCase() + family.slice(1),
      description: "The same Claude model on OpenRouter",
    })),
    ...models.filter(({ id }) => !ids.has(id)).map((model) => ({
      model: toName(model.id, model.contextLength),
      ...buildText(model, []),
    })),
  ];
  return {
    env: Object.assign({}, ...named.map((family) => buildLabels(family, find))),
    settings: { modelPicker: { options: rows, replaceBuiltInOptions: models.length > 0 } },
    listed: new Set([
      ...[...ids].flatMap((id) => [id, toAlias(id)]),
      ...[...named.map(({ family }) => family), ...kept].map((family) => `claude-${family}`),
    ]),
  };
}

/** Families with the same target, in order. */
function groupByTarget(named: readonly PickerFamily[]): PickerFamily[][] {
  const groups = new Map<string, PickerFamily[]>();
  for (const family of named) {
    const key = family.models.join();
    groups.set(key, [...groups.get(key) ?? [], family]);
  }
  return [...groups.values()];
}

function buildTargetRow(families: readonly PickerFamily[], find: Find): Row {
  const [{ family, models }] = families as [PickerFamily];
  return { model: family, ...describeTarget(models, families.map((one) => one.family), find) };
}

/** The variables that label the row of a family in older versions. */
function buildLabels({ family, models }: PickerFamily, find: Find): Variables {
  const { label, description } = describeTarget(models, [family], find);
  const prefix = `ANTHROPIC_DEFAULT_${family.toUpperCase()}_MODEL`;
  return { [`${prefix}_NAME`]: label, [`${prefix}_DESCRIPTION`]: description };
}

/** The first model of a target; the others follow in the description. */
function describeTarget(
  [first = "", ...fallbacks]: readonly string[],
  families: readonly Alias[],
  find: Find,
): { label: string; description: string } {
  const notes = [
    ...(fallbacks.length > 0 ? [`else ${fallbacks.join(", ")}`] : []),
    families.join(", "),
  ];
  const model = find(first);
  if (model !== undefined) return buildText(model, notes);
  return { label: stripControlChars(first), description: stripControlChars(notes.join(" · ")) };
}

function buildText(
  model: CatalogModel,
  notes: readonly string[],
): { label: string; description: string } {
  const parts = [...listLimits(model), ...notes];
  return {
    label: stripControlChars(toShortName(model)),
    description: stripControlChars(parts.length > 0 ? parts.join(" · ") : model.id),
  };
}
