/**
 * The cases with further agents and libraries for agents: Cline, the Claude Agent SDK and LangChain.
 * `deno task test:clients` runs them last.
 * @module
 */

import "./cases/cline.ts";
import "./cases/agent_sdk.ts";
import "./cases/langchain.ts";
