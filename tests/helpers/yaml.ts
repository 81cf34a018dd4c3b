/** A YAML parser for the test of the workflows. Imported only here, so that users of the proxy do not download it. */
// deno-lint-ignore no-import-prefix
export { parse as parseYaml } from "npm:yaml@2.9.1";
