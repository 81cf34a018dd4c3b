/**
 * The real Claude Code CLI, in headless mode, through the real proxy, a scripted upstream playing the model.
 * Not named `*_test.ts`: `deno task test` stays fast, `deno task test:clients` runs these.
 * @module
 */

import "./cases/conversation.ts";
import "./cases/context.ts";
import "./cases/tools.ts";
import "./cases/models.ts";
import "./cases/errors.ts";
import "./cases/launcher.ts";
import "./cases/reasoning.ts";
import "./cases/streams.ts";
import "./cases/web_search.ts";
