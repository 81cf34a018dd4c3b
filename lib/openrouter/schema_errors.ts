/**
 * Whether an error blames the schema of a tool. Pure; every expression is linear and reads a bounded text.
 * The words are those of public threads and of the servers' sources, 2025 and 2026.
 * @module
 */

/** Upstream's words may quote a whole schema; what they blame stands at the beginning. */
const MAX_CHARS = 4000;

/** One line for each server that has words of its own. */
const BLAMES: readonly RegExp[] = [
  // OpenAI, Azure, DeepSeek; OpenAI's newer validator ("… regex lookaround is not supported"); Groq
  /invalid schema for function|invalid json schema/i,
  // OpenAI's `param`, Moonshot, Ollama, watsonx
  /\bfunction\.parameters\b|\btools\[\d{1,4}\]\.parameters\b/i,
  // Anthropic; Bedrock
  /\btools\.\d{1,4}\.(custom\.)?input_schema\b|\btoolSpec\.inputSchema\b/i,
  // Gemini: "Unable to submit request because required fields … are not defined in the schema properties"
  /are not defined in the schema properties/i,
  // Moonshot
  /moonshot flavored json schema/i,
  // xAI; Mistral; SGLang
  /invalid (function|tool) schema|invalid 'parameters' schema/i,
  // llama.cpp: the grammar is made of all tools at once
  /json schema conversion failed|failed to parse grammar|error parsing grammar/i,
  // vLLM; Mistral; Cerebras; Fireworks
  /json schema contains features not supported|failed to compile json schema/i,
  /unsupported json schema fields|json schema not supported/i,
];

/** Gemini names the place, in two spellings; both must be there, as other parts of a declaration fail too. */
const DECLARATION = /function_?declaration/i;
const PART = /\bparameters\b|\bschema\b/i;
/** The same words about the schema of the answer. */
const OF_ANSWER = /response_?(format|schema)/i;

/** @param message upstream's own words, the innermost that could be found */
export function isToolSchemaError(status: number, message: string): boolean {
  // FastAPI servers answer 422 to what they cannot read.
  if (status !== 400 && status !== 422) return false;
  const words = message.slice(0, MAX_CHARS);
  if (OF_ANSWER.test(words)) return false;
  return BLAMES.some((blame) => blame.test(words)) ||
    (DECLARATION.test(words) && PART.test(words));
}
