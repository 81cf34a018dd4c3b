/**
 * Vercel's AI SDK, the strictest parser of our responses: one `null` in the wrong place fails a response. Imported
 * only here, so that users of the proxy do not download it.
 * @module
 */

// deno-lint-ignore no-import-prefix
export { createAnthropic } from "npm:@ai-sdk/anthropic@4.0.105";
export {
  APICallError,
  generateText,
  jsonSchema,
  type ModelMessage,
  Output,
  stepCountIs,
  streamText,
  tool,
  // deno-lint-ignore no-import-prefix
} from "npm:ai@7.0.173";
