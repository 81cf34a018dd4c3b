/** The official SDK, the judge of our shapes. Named here once, so that nobody who only runs the proxy fetches it. */
// deno-lint-ignore no-import-prefix
export { default as Anthropic } from "npm:@anthropic-ai/sdk@1.14.0";
// deno-lint-ignore no-import-prefix
export { jsonSchemaOutputFormat } from "npm:@anthropic-ai/sdk@1.14.0/helpers/json-schema";
