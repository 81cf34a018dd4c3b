/**
 * Recognizes errors about a tool's schema. Pure; every expression is linear and reads a bounded text.
 * Sources: public issues and the servers' source code, 2025 and 2026.
 * @module
 */

/** A message may quote a whole schema; the reason is at its start. */
const MAX_CHARS = 4000;

/** Wordings by server. */
const SCHEMA_ERRORS: readonly RegExp[] = [
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
  // llama.cpp, which builds one grammar from all tools
  /json schema conversion failed|failed to parse grammar|error parsing grammar/i,
  // vLLM; Mistral; Cerebras; Fireworks
  /json schema contains features not supported|failed to compile json schema/i,
  /unsupported json schema fields|json schema not supported/i,
];

/** Gemini names the location, in two spellings. Both must match: other parts of a declaration can be invalid too. */
const DECLARATION = /function_?declaration/i;
const PART = /\bparameters\b|\bschema\b/i;
/** The same wordings about the schema of structured output. */
const OUTPUT_SCHEMA = /response_?(format|schema)/i;

/** @param message upstream's innermost message */
export function isToolSchemaError(status: number, message: string): boolean {
  // FastAPI servers return 422 for invalid requests.
  if (status !== 400 && status !== 422) return false;
  const start = message.slice(0, MAX_CHARS);
  if (OUTPUT_SCHEMA.test(start)) return false;
  return SCHEMA_ERRORS.some((wording) => wording.test(start)) ||
    (DECLARATION.test(start) && PART.test(start));
}
