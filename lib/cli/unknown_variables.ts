/**
 * Finds variables that were meant for this program but have a name that it does not know, such as `INSPEC`.
 * @module
 */

import { stripControlChars } from "../colors.ts";
import { DEPLOY_VARIABLE, VARIABLES } from "../config.ts";
import { ALIASES } from "../config_aliases.ts";
import { findClosest } from "../similar_text.ts";

/** All names of settings: the variables and their aliases. */
export const SETTING_NAMES: readonly string[] = [
  ...VARIABLES.map(({ name }) => name),
  ...ALIASES.keys(),
];
const KNOWN: ReadonlySet<string> = new Set([...SETTING_NAMES, DEPLOY_VARIABLE]);
/** Used by nothing but this program, and by tools for OpenRouter. */
const OWN_PREFIX = /^TARGET_MODEL_|^OPENROUTER_/;
/** Settings of other programs that may be in the same place. */
const FOREIGN = /^(ANTHROPIC|CLAUDE|OPENAI|DENO|OTEL|AWS|GOOGLE|HTTPS?|ALL|NO)_/;
const MIN_SIMILARITY = 0.5;
/** Short names are parts of many words, as in REPORT. */
const MIN_SHORT_SIMILARITY = 0.6;
const SHORT_NAME = 4;
const MAX_NAMES = 5;
const MAX_CHARS = 60;

/**
 * Describes unknown names, each with the closest one. Never shows a value.
 * @param source where they are set, as shown in the message
 * @returns one line; null if there are none
 */
export function describeUnknown(names: readonly string[], source: string): string | null {
  const found = names.flatMap((name) => {
    const closest = findMeant(name);
    return closest === null ? [] : [`${shorten(name)} (did you mean ${closest}?)`];
  });
  if (found.length === 0) return null;
  const rest = found.length - MAX_NAMES;
  const list = [...found.slice(0, MAX_NAMES), ...(rest > 0 ? [`${rest} more`] : [])].join(", ");
  return `Unknown in ${source}, without effect: ${list}`;
}

/** The name that was probably meant; null if the variable is known, or another program's. */
function findMeant(name: string): string | null {
  if (KNOWN.has(name) || FOREIGN.test(name)) return null;
  const { closest, similarity } = findClosest(name, SETTING_NAMES);
  const least = closest.length > SHORT_NAME ? MIN_SIMILARITY : MIN_SHORT_SIMILARITY;
  return similarity >= least || OWN_PREFIX.test(name) ? closest : null;
}

function shorten(name: string): string {
  const text = stripControlChars(name);
  return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text;
}
