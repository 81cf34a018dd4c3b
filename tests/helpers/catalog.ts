/** Entries of OpenRouter's model list, some without most fields. @module */

export const CATALOG: Record<string, unknown>[] = [
  { id: "anthropic/claude-sonnet-4.5", name: "Sonnet 4.5", created: 300, context_length: 1000 },
  { id: "anthropic/claude-opus-4.8", name: "Opus 4.8", created: 500 },
  {
    id: "openai/gpt-5:free",
    created: 400,
    context_length: 400_000,
    top_provider: { max_completion_tokens: 50 },
  },
  { id: "zz/unlike" },
  { id: "anthropic/claude-haiku-4.5", name: "Haiku", created: 200 },
];
