/**
 * Types of the tools that upstream runs: web search with its citations and results, web fetch, and the advisor.
 * @module
 */

/** Web search. At most one of the two lists of domains is set. */
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

/** Web fetch. At most one of the two lists of domains is set. */
export type WebFetch = {
  max_uses?: number | undefined;
  allowed_domains?: string[] | undefined;
  blocked_domains?: string[] | undefined;
  max_content_tokens?: number | undefined;
};

/** A stronger model that the model can consult. */
export type Advisor = {
  /** The client's name for it; by default the model of the request. */
  model?: string | undefined;
  max_tokens?: number | undefined;
};

/** The tools that upstream runs, by their names in `tools` and `tool_choice`. */
export type ServerTools = {
  web_search?: WebSearch | undefined;
  web_fetch?: WebFetch | undefined;
  advisor?: Advisor | undefined;
};

/** A citation of a web page. `encrypted_index` is "", because upstream has nothing like it. */
export type Citation = {
  type: "web_search_result_location";
  cited_text: string;
  url: string;
  title: string;
  encrypted_index: string;
};

/** A page in a `web_search_tool_result`. */
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

/** A web search in the history: its query (`server_tool_use`) or its pages (`web_search_tool_result`). */
export type WebSearchBlock =
  | { type: "web_search"; query: string }
  | { type: "web_search"; hits: SearchHit[] };
