/**
 * Vercel's AI SDK, the strictest reader of our shapes: one `null` in the wrong place fails a whole answer there.
 * Named here once, so that nobody who only runs the proxy fetches it.
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
