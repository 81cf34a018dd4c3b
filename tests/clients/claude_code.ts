/**
 * The cases with the real Claude Code CLI in headless mode. Not named `*_test.ts`, to keep `deno task test` fast;
 * `deno task test:clients` runs them.
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
import "./cases/auto_mode.ts";
import "./cases/call_ids.ts";
import "./cases/malformed_calls.ts";
import "./cases/finish_reasons.ts";
import "./cases/schemas.ts";
import "./cases/images.ts";
import "./cases/server_tools.ts";
import "./cases/overflow.ts";
import "./cases/omitted_thinking.ts";
import "./cases/launcher_keys.ts";
import "./cases/status_line.ts";
import "./cases/request_kinds.ts";
import "./cases/spending_limit.ts";
import "./cases/launcher_start.ts";
import "./cases/dialect_auto.ts";
import "./cases/model_windows.ts";
import "./cases/model_picker.ts";
import "./cases/roles.ts";
import "./cases/demo.ts";
