/**
 * Translates Anthropic's server tools (web search, web fetch, advisor) to OpenRouter's.
 * @module
 */

import type { Advisor, ServerTools, WebFetch, WebSearch } from "../../anthropic/server_tools.ts";
import type * as openrouter from "../../openrouter/types.ts";

/**
 * All server tools of a request, in a fixed order.
 * @param resolve maps the client's name of a model to an upstream id
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

function translateWebSearch(search: WebSearch): openrouter.WebSearchTool {
  const { max_uses, allowed_domains, blocked_domains, user_location } = search;
  const parameters = {
    max_uses,
    allowed_domains,
    excluded_domains: blocked_domains,
    user_location,
  };
  return { type: "openrouter:web_search", parameters: omitEmpty(parameters) };
}

function translateWebFetch(fetch: WebFetch): openrouter.WebFetchTool {
  const { max_uses, allowed_domains, blocked_domains, max_content_tokens } = fetch;
  const parameters = { max_uses, allowed_domains, blocked_domains, max_content_tokens };
  return { type: "openrouter:web_fetch", parameters: omitEmpty(parameters) };
}

/** Anthropic's advisor always reads the whole conversation; OpenRouter's only with `forward_transcript`. */
function translateAdvisor(
  { model, max_tokens }: Advisor,
  resolve: (model: string) => string,
): openrouter.AdvisorTool {
  return {
    type: "openrouter:advisor",
    parameters: {
      model: model === undefined ? undefined : resolve(model),
      forward_transcript: true,
      max_completion_tokens: max_tokens,
    },
  };
}

function omitEmpty<T extends object>(parameters: T): T | undefined {
  return Object.values(parameters).some((value) => value !== undefined) ? parameters : undefined;
}
