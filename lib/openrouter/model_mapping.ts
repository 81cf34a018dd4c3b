/**
 * Which upstream model a name means. Pure but for {@linkcode UnavailableDefaults}, which remembers.
 * @module
 */

import type { Config, Family, Target } from "../config.ts";

/** A resolved model name. */
export interface ResolvedModel {
  /** What to send: the first as `model`, the rest as OpenRouter's fallbacks. */
  models: readonly [string, ...string[]];
  /** What to send instead, once, if upstream does not know the default target; null where nothing may be tried. */
  fallback: string | null;
}

/** Default targets that upstream has refused as unknown. They are not asked again in this process. */
export class UnavailableDefaults {
  readonly #models = new Set<string>();

  /** Returns whether this is news. */
  add(model: string): boolean {
    if (this.#models.has(model)) return false;
    this.#models.add(model);
    return true;
  }

  has(model: string): boolean {
    return this.#models.has(model);
  }
}

/** The families that the names of Claude models contain, in the order in which they are looked for. */
export const FAMILIES = ["opus", "sonnet", "haiku", "fable"] as const;

/**
 * Resolves the name a client asked for.
 * An id of OpenRouter's own goes through as it is; other names go by the family they contain.
 */
export function resolveModel(
  name: string,
  config: Pick<Config, "targets">,
  refused: UnavailableDefaults,
): ResolvedModel {
  const plain = fromAlias(stripWindow(name));
  if (isOpenRouterId(plain)) return { models: [plain], fallback: null };
  const target = config.targets[findFamily(plain) ?? "other"];
  const [first, ...rest] = target.models;
  if (first === "auto") {
    return { models: [translateClaudeName(plain, null), ...rest], fallback: null };
  }
  if (!mayReplace(target)) return { models: target.models, fallback: null };
  const same = translateClaudeName(plain, first);
  return refused.has(first)
    ? { models: [same], fallback: null }
    : { models: [first], fallback: same };
}

/** Claude Code's picker shows only ids that begin like Claude's; this makes any id one of them. */
const ALIAS_PREFIX = "claude-via-openrouter/";

/** An id of OpenRouter's under a name that Claude Code's picker shows; {@linkcode resolveModel} turns it back. */
export function toAlias(id: string): string {
  return ALIAS_PREFIX + id;
}

function fromAlias(name: string): string {
  return name.startsWith(ALIAS_PREFIX) ? name.slice(ALIAS_PREFIX.length) : name;
}

/** Claude Code marks the one-million-token window in the name; upstream knows no such names. */
function stripWindow(name: string): string {
  return name.replace(/\[1m\]$/i, "");
}

function isOpenRouterId(name: string): boolean {
  return name.includes("/") || name.startsWith("~");
}

function mayReplace(target: Target): boolean {
  return target.isDefault && target.models.length === 1;
}

function findFamily(name: string): Exclude<Family, "other"> | undefined {
  const lower = name.toLowerCase();
  return FAMILIES.find((family) => lower.includes(family));
}

/**
 * The same Claude on OpenRouter: `claude-opus-4-8` → `anthropic/claude-opus-4.8`. Where the name does not tell,
 * the newest of its family, or of the family of the refused target.
 */
function translateClaudeName(name: string, refused: string | null): string {
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
  const family = findFamily(name) ?? findFamily(refused ?? "") ?? "sonnet";
  return `~anthropic/claude-${family}-latest`;
}
