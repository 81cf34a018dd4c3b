/**
 * The cases with the real opencode, an agent of another vendor. `deno task test:clients` runs them after those of
 * Claude Code.
 * @module
 */

import "./cases/opencode.ts";
