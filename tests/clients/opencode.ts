/**
 * The real opencode, an agent of another maker, through the real proxy, a scripted upstream playing the model.
 * `deno task test:clients` runs these after Claude Code's.
 * @module
 */

import "./cases/opencode.ts";
