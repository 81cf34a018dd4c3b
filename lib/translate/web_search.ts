/**
 * Translates web searches: upstream's annotations to search blocks and citations, searches in the history to text.
 * @module
 */

import type * as anthropic from "../anthropic/types.ts";
import type { Citation, WebSearchBlock, WebSearchResult } from "../anthropic/server_tools.ts";
import { isJsonObject, toText } from "../json.ts";

/** Anthropic's limit for `cited_text`. */
const MAX_CITED_CHARS = 150;
/** More searches than any response makes. Bounds memory, whatever upstream reports. */
const MAX_SEARCHES = 100;
/** Likewise: a response of 20 MB of citations would block the process for seconds. */
const MAX_CITATIONS = 10_000;

/** The two blocks of a search. */
type SearchBlock = Extract<
  anthropic.ContentBlock,
  { type: "server_tool_use" | "web_search_tool_result" }
>;

/** A search in the history as text: upstream has no block for it, and the model may need the links. */
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
 * Collects the pages that a response cites. Upstream does not report which search found a page, and may cite a page
 * more than once.
 */
export class SearchResults {
  readonly #results = new Map<string, WebSearchResult>();
  #citationsLeft = MAX_CITATIONS;

  /** Adds the annotations of a delta and returns the citations among them. */
  add(annotations: unknown): Citation[] {
    if (!Array.isArray(annotations)) return [];
    return annotations.flatMap((annotation: unknown) => {
      const cited = isJsonObject(annotation) ? annotation["url_citation"] : undefined;
      if (!isJsonObject(cited) || typeof cited["url"] !== "string") return [];
      if (this.#citationsLeft-- <= 0) return [];
      return [this.#addCitation(cited["url"], toText(cited["title"]), toText(cited["content"]))];
    });
  }

  /**
   * The blocks of the searches: one pair per reported search, all pages in the first.
   * @param reported number of searches that upstream reports
   */
  listBlocks(reported: number, newId: () => string): SearchBlock[] {
    const count = Math.min(MAX_SEARCHES, Math.max(reported, this.#results.size > 0 ? 1 : 0));
    return Array.from({ length: count }, (_, index): SearchBlock[] => {
      const id = newId();
      return [
        // Upstream does not report the query.
        { type: "server_tool_use", id, name: "web_search", input: { query: "" } },
        {
          type: "web_search_tool_result",
          tool_use_id: id,
          content: index === 0 ? [...this.#results.values()] : [],
        },
      ];
    }).flat();
  }

  #addCitation(url: string, pageTitle: string, content: string): Citation {
    const title = pageTitle || url;
    if (!this.#results.has(url)) {
      this.#results.set(url, {
        type: "web_search_result",
        title,
        url,
        encrypted_content: "",
        page_age: null,
      });
    }
    return {
      type: "web_search_result_location",
      // A cut surrogate pair is not a valid character; some clients cannot print it.
      cited_text: content.slice(0, MAX_CITED_CHARS).replace(/[\uD800-\uDBFF]$/, ""),
      url,
      title,
      encrypted_index: "",
    };
  }
}
