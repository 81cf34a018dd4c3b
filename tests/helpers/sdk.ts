/** The official SDK. Imported only here, so that users of the proxy do not download it. */
// deno-lint-ignore no-import-prefix
export { default as Anthropic } from "npm:@anthropic-ai/sdk@1.14.0";
// deno-lint-ignore no-import-prefix
export { jsonSchemaOutputFormat } from "npm:@anthropic-ai/sdk@1.14.0/helpers/json-schema";
