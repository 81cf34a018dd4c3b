/**
 * The environment variables that select the models of Claude Code.
 * @module
 */

import type { Family } from "../../config.ts";

/** Environment variables: name → value. */
export type Variables = Record<string, string>;

/** Claude Code's variables that replace its own models. */
export const FAMILIES = [
  ["opus", "ANTHROPIC_DEFAULT_OPUS_MODEL"],
  ["sonnet", "ANTHROPIC_DEFAULT_SONNET_MODEL"],
  ["haiku", "ANTHROPIC_DEFAULT_HAIKU_MODEL"],
  ["fable", "ANTHROPIC_DEFAULT_FABLE_MODEL"],
] as const satisfies readonly (readonly [Family, string])[];
