/**
 * The rows of docs/translation.md that the page shows beside fields. `deno task dashboard` puts them into the script.
 * @module
 */

import type { TranslationRow } from "./compare.ts";

declare const TRANSLATION_ROWS: readonly TranslationRow[];

/** The rows, as pairs of a field's name, or the name it is reported as, and what happens to it. */
export function translationRows(): readonly TranslationRow[] {
  return TRANSLATION_ROWS;
}
