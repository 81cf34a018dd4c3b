/**
 * Claude Code's settings for models: the mapped models, the context length of each, and the rows of `/model`. Pure.
 *
 * Claude Code assumes a context of a million tokens for an id with the suffix `[1m]`, whatever the id, and
 * CLAUDE_CODE_MAX_CONTEXT_TOKENS for other ids that it does not know. Then it compacts at the smaller of that and
 * `autoCompactWindow`: for each model in newer versions (`modelSettings`), one for all in older ones.
 * @module
 */

import type { Config, Family, Target } from "../../config.ts";
import { formatCount } from "../../format.ts";
import type { JsonObject } from "../../json.ts";
import type { Catalog, CatalogModel } from "../../openrouter/catalog.ts";
import { resolveModel, UnavailableDefaults } from "../../openrouter/model_mapping.ts";
import { buildPicker, type PickerFamily } from "./model_picker.ts";
import { FAMILIES, type Variables } from "./variables.ts";

/** The subset of the catalog that is used. */
export type KnownModels = Pick<Catalog, "find" | "models">;

/** Variables and other settings for models, and warnings, one line each. */
export interface ModelSettings {
  env: Variables;
  settings: JsonObject;
  notes: string[];
  /** Ids of `GET /v1/models` that `/model` already lists in another row. */
  listed: ReadonlySet<string>;
}

/** Claude Code's limits for the context length at which it compacts, in tokens. */
const MIN_WINDOW = 100_000;
const MAX_WINDOW = 1_000_000;
/** Claude Code's context length for Claude models without a larger one, assumed here for unknown lengths too. */
const DEFAULT_WINDOW = 200_000;
const WIDE = "[1m]";
/** Models of the catalog whose window and row Claude Code gets. */
const MAX_LISTED = 1000;

/** The model of auto mode's classifier, which reads the conversation once or twice for each tool call. */
const CLASSIFIER_VARIABLE = "CLAUDE_CODE_AUTO_MODE_MODEL";
/**
 * "0": Claude Code calls the classifier itself. Otherwise 2.1.332 relies on Anthropic's servers for it, and without
 * feature flags rejects every action that needs it, although our responses report that no classifier runs.
 */
const SERVER_CLASSIFIER_VARIABLE = "CLAUDE_CODE_AUTO_MODE_SERVER";

/** A family whose models Claude Code gets by name. */
interface NamedFamily extends PickerFamily {
  /** Claude Code's variable for the model. */
  variable: string;
  target: Target;
  /** Without the suffix. */
  id: string;
  /** The smallest context length among the target's models; undefined if one is unknown. */
  size: number | undefined;
}

/**
 * Builds the settings for the mapped models. A family keeps Claude Code's own names with `auto`, whose target depends
 * on them, and with a default target that is not in the catalog, which the proxy then may replace.
 */
export function buildModels(targets: Config["targets"], known: KnownModels): ModelSettings {
  const suffix = isOpusSmall(targets, known) ? "" : WIDE;
  const toName = (id: string, size: number | undefined) => needsSuffix(id, size) ? id + suffix : id;
  const named = FAMILIES.flatMap(([family, variable]) => {
    const target = targets[family];
    if (keepsNames(target, known)) return [];
    const id = nameFor(family, targets);
    const size = findSize(target, known);
    const name = toName(id, size);
    return [{ family, variable, target, id, size, name, models: target.models }];
  });
  const models = known.models.slice(0, MAX_LISTED);
  const classifier = named.find(({ family }) => family === "haiku")?.name ?? nameOf("haiku");
  const picker = buildPicker({
    named,
    kept: FAMILIES.map(([family]) => family)
      .filter((family) => named.every((one) => one.family !== family)),
    models: models.filter(({ toolCapable }) => toolCapable !== false),
    find: (id) => known.find(id),
    toName,
  });
  return {
    env: {
      ...Object.fromEntries(named.map(({ variable, name }) => [variable, name])),
      ...picker.env,
      [SERVER_CLASSIFIER_VARIABLE]: "0",
      [CLASSIFIER_VARIABLE]: classifier,
      ...buildWindowVariables(named),
    },
    settings: { ...buildWindows(named, models), ...picker.settings },
    notes: listNotes(named, known),
    listed: picker.listed,
  };
}

/** The smallest context length of a target's models; undefined if one is unknown. */
function findSize({ models }: Target, known: KnownModels): number | undefined {
  const sizes = models.map((model) => known.find(model)?.contextLength);
  return sizes.some((size) => size === undefined)
    ? undefined
    : Math.min(...sizes.map((size) => size ?? Infinity));
}

/**
 * Whether the suffix must be disabled: Claude Code adds it to its default model, the opus target. Then
 * CLAUDE_CODE_MAX_CONTEXT_TOKENS applies to all models.
 */
function isOpusSmall(targets: Config["targets"], known: KnownModels): boolean {
  const size = findSize(targets.opus, known);
  return size !== undefined && isSmall({ id: nameFor("opus", targets), size });
}

/** Whether Claude Code's window without the suffix is too small. */
function needsSuffix(id: string, size = DEFAULT_WINDOW): boolean {
  return isClaudeName(id) ? size > DEFAULT_WINDOW : size >= MIN_WINDOW;
}

/** Claude Code may know these, and then ignores CLAUDE_CODE_MAX_CONTEXT_TOKENS and rejects the suffix for some. */
function isClaudeName(id: string): boolean {
  return id.includes("claude");
}

/** The context length of targets that are smaller than any `autoCompactWindow`. */
function buildWindowVariables(named: readonly NamedFamily[]): Variables {
  if (named.length === 0) return {};
  const sizes = named.filter(isSmall).map(({ size = DEFAULT_WINDOW }) => size);
  const isOpusSmall = named.some((one) => one.family === "opus" && isSmall(one));
  return {
    // Blank ones replace the user's own, which Claude Code prefers to the windows of single models.
    CLAUDE_CODE_AUTO_COMPACT_WINDOW: "",
    CLAUDE_CODE_MAX_CONTEXT_TOKENS: sizes.length === 0 ? "" : String(Math.min(...sizes)),
    CLAUDE_CODE_DISABLE_1M_CONTEXT: isOpusSmall ? "1" : "",
  };
}

/** Whether only CLAUDE_CODE_MAX_CONTEXT_TOKENS can limit the context of a target. */
function isSmall({ id, size = DEFAULT_WINDOW }: Pick<NamedFamily, "id" | "size">): boolean {
  return size < MIN_WINDOW && !isClaudeName(id);
}

/** Each model's own window, and the smallest for versions that have only one, and for models not in the catalog. */
function buildWindows(named: readonly NamedFamily[], models: readonly CatalogModel[]): JsonObject {
  if (named.length === 0) return {};
  const own = named.map(({ id, size }) => [id, toWindow(size)] as const);
  const shared = named.filter((family) => !isSmall(family)).map(({ size }) => toWindow(size));
  const others = models.flatMap(({ id, contextLength }) =>
    contextLength === undefined ? [] : [[id, toWindow(contextLength)] as const]
  );
  return {
    autoCompactWindow: shared.length === 0 ? DEFAULT_WINDOW : Math.min(...shared),
    modelSettings: Object.fromEntries(
      [...others, ...own].map(([id, autoCompactWindow]) => [id, { autoCompactWindow }]),
    ),
  };
}

function toWindow(size = DEFAULT_WINDOW): number {
  return Math.min(Math.max(size, MIN_WINDOW), MAX_WINDOW);
}

function keepsNames({ models: [first], isDefault }: Target, known: KnownModels): boolean {
  return first === "auto" || (isDefault && known.find(first)?.contextLength === undefined);
}

/** A name that the proxy maps to the target of a family. */
function nameOf(family: Family): string {
  return `claude-${family}`;
}

/**
 * The target's id if the proxy resolves it to itself. A list of models, and a target with settings, is reached only by a
 * name that is mapped to it.
 */
function nameFor(family: Family, targets: Config["targets"]): string {
  const mapped = nameOf(family);
  const resolve = (name: string) =>
    resolveModel(name, { targets }, new UnavailableDefaults()).models;
  const target = resolve(mapped);
  const byId = resolve(target[0]);
  const isSame = byId.length === target.length && byId[0] === target[0] &&
    targets[family].settings === undefined;
  return isSame ? target[0] : mapped;
}

function listNotes(named: readonly NamedFamily[], known: KnownModels): string[] {
  const unknown = new Set(
    named.flatMap(({ target }) => target.models)
      .filter((id) => known.find(id)?.contextLength === undefined),
  );
  const tooSmall = named.find(({ id, size = DEFAULT_WINDOW }) =>
    isClaudeName(id) && size < MIN_WINDOW
  );
  return [
    ...(unknown.size > 0 ? [describeUnknown([...unknown])] : []),
    ...(tooSmall === undefined ? [] : [describeSmall(tooSmall)]),
  ];
}

function describeUnknown(ids: readonly string[]): string {
  return `The context length of ${ids.join(", ")} is unknown: ` +
    `Claude Code assumes ${formatCount(DEFAULT_WINDOW)} tokens`;
}

/** Only for targets that Claude Code knows by a mapped name, to which CLAUDE_CODE_MAX_CONTEXT_TOKENS does not apply. */
function describeSmall({ target, size = 0 }: NamedFamily): string {
  return `${target.models.join(", ")} has a context of ${formatCount(size)} tokens, but Claude ` +
    `Code compacts no earlier than at ${formatCount(MIN_WINDOW)}: run /compact before, or ` +
    "choose a larger model";
}
