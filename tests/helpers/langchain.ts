/** LangChain's model for Anthropic's API. Imported only here, so that users of the proxy do not download it. */
// deno-lint-ignore no-import-prefix
export { ChatAnthropic } from "npm:@langchain/anthropic@1.5.11";
