/**
 * Web search: Anthropic's server tool → OpenRouter's, what upstream cites → blocks and citations, and searches
 * in history → text. Pure.
 * @module
 */

import type * as anthropic from "../anthropic/types.ts";
import type {
  Citation,
  WebSearch,
  WebSearchBlock,
  WebSearchResult,
} from "../anthropic/server_tools.ts";
import { isJsonObject, toText } from "../json.ts";
import type * as openrouter from "../openrouter/types.ts";

/** Anthropic's limit for `cited_text`. */
const MAX_CITED_CHARS = 150;
/** More searches than any answer makes: what upstream reports is not to be trusted with memory. */
const MAX_SEARCHES = 100;
/** The same of citations: 20 MB of nothing else would hold the process for seconds. */
const MAX_CITATIONS = 10_000;

/** The blocks that tell of a search. */
type SearchBlock = Extract<
  anthropic.ContentBlock,
  { type: "server_tool_use" | "web_search_tool_result" }
>;

/** The tool as upstream knows it. */
export function translateWebSearch(search: WebSearch): openrouter.WebSearchTool {
  const { max_uses, allowed_domains, blocked_domains, user_location } = search;
  const parameters = {
    ...(max_uses !== undefined && { max_uses }),
    ...(allowed_domains && { allowed_domains }),
    ...(blocked_domains && { excluded_domains: blocked_domains }),
    ...(user_location && { user_location }),
  };
  const tool: openrouter.WebSearchTool = { type: "openrouter:web_search" };
  return Object.keys(parameters).length === 0 ? tool : { ...tool, parameters };
}

/** A search of an earlier answer as text: upstream has no place for it, and the links are worth keeping. */
export function describeSearch(block: WebSearchBlock): anthropic.TextBlock {
  if ("query" in block) {
    return { type: "text", text: block.query === "" ? "" : `\nWeb search: ${block.query}\n` };
  }
  const lines = block.hits.map(({ title, url }) => `- ${title || url}: ${url}\n`);
  return {
    type: "text",
    text: lines.length === 0 ? "" : `\nWeb search results:\n${lines.join("")}`,
  };
}

/**
 * What an answer cites. Upstream names pages, not which of its searches found them, and may name one often.
 */
export class SearchFindings {
  readonly #results = new Map<string, WebSearchResult>();
  #citationsLeft = MAX_CITATIONS;

  /** Takes the annotations of a delta; returns the citations among them. */
  add(annotations: unknown): Citation[] {
    if (!Array.isArray(annotations)) return [];
    return annotations.flatMap((annotation: unknown) => {
      const cited = isJsonObject(annotation) ? annotation["url_citation"] : undefined;
      if (!isJsonObject(cited) || typeof cited["url"] !== "string") return [];
      if (this.#citationsLeft-- <= 0) return [];
      return [this.#note(cited["url"], toText(cited["title"]), toText(cited["content"]))];
    });
  }

  /**
   * The blocks of the searches: as many pairs as upstream reports, and all pages in the first.
   * @param reported how many searches upstream says it made
   */
  listBlocks(reported: number, newId: () => string): SearchBlock[] {
    const count = Math.min(MAX_SEARCHES, Math.max(reported, this.#results.size > 0 ? 1 : 0));
    return Array.from({ length: count }, (_, index): SearchBlock[] => {
      const id = newId();
      return [
        // Upstream does not say what it looked for.
        { type: "server_tool_use", id, name: "web_search", input: { query: "" } },
        {
          type: "web_search_tool_result",
          tool_use_id: id,
          content: index === 0 ? [...this.#results.values()] : [],
        },
      ];
    }).flat();
  }

  #note(url: string, title: string, content: string): Citation {
    const named = title || url;
    if (!this.#results.has(url)) {
      const opaque = { encrypted_content: "", page_age: null };
      this.#results.set(url, { type: "web_search_result", title: named, url, ...opaque });
    }
    return {
      type: "web_search_result_location",
      // A character of two halves that is cut in its middle is none, and some clients cannot print it.
      cited_text: content.slice(0, MAX_CITED_CHARS).replace(/[\uD800-\uDBFF]$/, ""),
      url,
      title: named,
      encrypted_index: "",
    };
  }
}
