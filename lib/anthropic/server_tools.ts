/**
 * Tools that upstream runs, as clients speak them: web search with what an answer found and that in history, web
 * fetch, and the advisor. Types only.
 * @module
 */

/** Web search, which upstream runs. At most one of the two lists of domains. */
export type WebSearch = {
  max_uses?: number | undefined;
  allowed_domains?: string[] | undefined;
  blocked_domains?: string[] | undefined;
  user_location?: UserLocation | undefined;
};

/** Roughly where the user is, for searches that depend on it. */
export type UserLocation = {
  type: "approximate";
  city?: string | undefined;
  region?: string | undefined;
  country?: string | undefined;
  timezone?: string | undefined;
};

/** Web fetch, which upstream runs. At most one of the two lists of domains. */
export type WebFetch = {
  max_uses?: number | undefined;
  allowed_domains?: string[] | undefined;
  blocked_domains?: string[] | undefined;
  max_content_tokens?: number | undefined;
};

/** A stronger model that the model may ask while it answers. */
export type Advisor = {
  /** The client's name for it; without one the model asks itself. */
  model?: string | undefined;
  max_tokens?: number | undefined;
};

/** The tools that upstream runs, by the names that `tools` and `tool_choice` have for them. */
export type ServerTools = {
  web_search?: WebSearch | undefined;
  web_fetch?: WebFetch | undefined;
  advisor?: Advisor | undefined;
};

/** Where a text has something from. Opaque fields are "": upstream's searches have no such proof. */
export type Citation = {
  type: "web_search_result_location";
  cited_text: string;
  url: string;
  title: string;
  encrypted_index: string;
};

/** One page in a `web_search_tool_result`. */
export type WebSearchResult = {
  type: "web_search_result";
  title: string;
  url: string;
  encrypted_content: string;
  page_age: string | null;
};

/** A page that a web search found. */
export type SearchHit = {
  title: string;
  url: string;
};

/** A web search in history: what was looked for (`server_tool_use`), or found (`web_search_tool_result`). */
export type WebSearchBlock =
  | { type: "web_search"; query: string }
  | { type: "web_search"; hits: SearchHit[] };
