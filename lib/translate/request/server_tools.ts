/**
 * The tools that upstream runs: Anthropic's → OpenRouter's. Pure.
 * @module
 */

import type { Advisor, ServerTools, WebFetch } from "../../anthropic/server_tools.ts";
import type * as openrouter from "../../openrouter/types.ts";
import { translateWebSearch } from "../web_search.ts";

/**
 * All that a request offers, in a fixed order.
 * @param resolve turns the client's name of a model into the id that upstream knows
 */
export function translateServerTools(
  { web_search, web_fetch, advisor }: ServerTools,
  resolve: (model: string) => string,
): openrouter.ServerTool[] {
  const tools: openrouter.ServerTool[] = [];
  if (web_search !== undefined) tools.push(translateWebSearch(web_search));
  if (web_fetch !== undefined) tools.push(translateWebFetch(web_fetch));
  if (advisor !== undefined) tools.push(translateAdvisor(advisor, resolve));
  return tools;
}

function translateWebFetch(fetch: WebFetch): openrouter.WebFetchTool {
  const { max_uses, allowed_domains, blocked_domains, max_content_tokens } = fetch;
  const parameters = {
    ...(max_uses !== undefined && { max_uses }),
    ...(allowed_domains && { allowed_domains }),
    ...(blocked_domains && { blocked_domains }),
    ...(max_content_tokens !== undefined && { max_content_tokens }),
  };
  const tool: openrouter.WebFetchTool = { type: "openrouter:web_fetch" };
  return Object.keys(parameters).length === 0 ? tool : { ...tool, parameters };
}

/** Anthropic's advisor reads the whole conversation; OpenRouter's does so only when told to. */
function translateAdvisor(
  { model, max_tokens }: Advisor,
  resolve: (model: string) => string,
): openrouter.AdvisorTool {
  return {
    type: "openrouter:advisor",
    parameters: {
      ...(model !== undefined && { model: resolve(model) }),
      forward_transcript: true,
      ...(max_tokens !== undefined && { max_completion_tokens: max_tokens }),
    },
  };
}
