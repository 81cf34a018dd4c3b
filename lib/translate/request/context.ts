/**
 * The values that all parts of one request's translation share.
 * @module
 */

import type { ToolNames } from "../tool_names.ts";

/** The context of one translation. */
export interface TranslationContext {
  names: ToolNames;
  /** The first upstream model. */
  model: string;
  /** Collects the names of fields and blocks that are not sent. */
  dropped: Set<string>;
}
