/**
 * The real opencode, an agent of another vendor, with the proxy and a fake upstream. `deno task test:clients` runs
 * these after Claude Code's.
 * @module
 */

import "./cases/opencode.ts";
