/**
 * Maps model names to upstream models. Pure except for {@linkcode UnavailableDefaults}.
 * @module
 */

import type { Config, Dialect, Family, Target } from "../config.ts";
import type { TargetSettings } from "../model_target.ts";
import { TargetSet } from "./learned_limits.ts";

/** A resolved model name. */
export interface ResolvedModel {
  /** Sent as `model`, then as OpenRouter's fallbacks. */
  models: readonly [string, ...string[]];
  /** Tried once if upstream does not know the default target; null if nothing may be tried. */
  fallback: string | null;
  /** Of the target that the name is mapped to; an id has none. */
  settings?: TargetSettings;
}

/** Default targets that upstream rejected as unknown; this process does not use them again. */
export class UnavailableDefaults extends TargetSet {}

/** The families in names of Claude models, in the order in which they are searched for. */
export const FAMILIES = ["opus", "sonnet", "haiku", "fable"] as const;

/** Resolves a requested name: OpenRouter ids stay unchanged, other names are mapped by the family they contain. */
export function resolveModel(
  name: string,
  config: Pick<Config, "targets">,
  unavailable: UnavailableDefaults,
): ResolvedModel {
  const plain = fromAlias(stripWindow(name));
  if (isOpenRouterId(plain)) return { models: [plain], fallback: null };
  const target = config.targets[findFamily(plain) ?? "other"];
  const [first, ...rest] = target.models;
  const settings = target.settings === undefined ? {} : { settings: target.settings };
  if (first === "auto") {
    return { models: [translateClaudeName(plain, null), ...rest], fallback: null, ...settings };
  }
  if (!isReplaceable(target)) return { models: target.models, fallback: null, ...settings };
  const fallback = translateClaudeName(plain, first);
  return unavailable.has(first)
    ? { models: [fallback], fallback: null }
    : { models: [first], fallback };
}

/** Claude Code's model picker shows only ids that start like Claude's. */
const ALIAS_PREFIX = "claude-via-openrouter/";

/** Prefixes an OpenRouter id for Claude Code's model picker; {@linkcode resolveModel} removes the prefix. */
export function toAlias(id: string): string {
  return ALIAS_PREFIX + id;
}

function fromAlias(name: string): string {
  return name.startsWith(ALIAS_PREFIX) ? name.slice(ALIAS_PREFIX.length) : name;
}

/** Claude Code adds `[1m]` for the one-million-token window; upstream does not know that suffix. */
function stripWindow(name: string): string {
  return name.replace(/\[1m\]$/i, "");
}

function isOpenRouterId(name: string): boolean {
  return name.includes("/") || name.startsWith("~");
}

function isReplaceable(target: Target): boolean {
  return target.isDefault && target.models.length === 1;
}

function findFamily(name: string): Exclude<Family, "other"> | undefined {
  const lower = name.toLowerCase();
  return FAMILIES.find((family) => lower.includes(family));
}

/**
 * The OpenRouter id of a Claude model: `claude-opus-4-8` → `anthropic/claude-opus-4.8`. For other names, the newest of
 * the family in the name, else in the default target.
 */
function translateClaudeName(name: string, target: string | null): string {
  const dated = /^claude-(opus|sonnet|haiku|fable)-(\d+)(?:-(\d{1,2}))?(?:-\d{8})?$/i.exec(name);
  if (dated !== null) {
    const [, family = "", major = "", minor] = dated;
    const version = minor === undefined ? major : `${major}.${minor}`;
    return `anthropic/claude-${family.toLowerCase()}-${version}`;
  }
  const old = /^claude-(\d)(?:-(\d))?-(opus|sonnet|haiku)(?:-\d{8}|-latest)?$/i.exec(name);
  if (old !== null) {
    const [, major = "", minor, family = ""] = old;
    const version = minor === undefined ? major : `${major}.${minor}`;
    return `anthropic/claude-${version}-${family.toLowerCase()}`;
  }
  const family = findFamily(name) ?? findFamily(target ?? "") ?? "sonnet";
  return `~anthropic/claude-${family}-latest`;
}

/** The vendor of a model: signatures are valid only for the vendor that made them. "" if the id names none. */
export function vendorOf(model: string): string {
  const [vendor = "", slug] = model.replace(/^~/, "").split("/");
  return vendor.startsWith("@") || (vendor === "openrouter" && slug !== undefined) ? "" : vendor;
}

/** Whether an OpenRouter id names a Claude model. */
export function isClaude(model: string): boolean {
  return vendorOf(model) === "anthropic" && model.includes("/");
}

/**
 * Whether a request for these models goes to `/messages` unchanged. A list with a model of another vendor is translated
 * as a whole: any of its models may respond.
 */
export function usesMessagesApi(models: readonly string[], dialect: Dialect): boolean {
  return dialect === "anthropic" || (dialect === "auto" && models.every(isClaude));
}
