/** YAML for the test of the workflows: nothing of ours reads it at run time, and @std/yaml is not needed elsewhere. */
// deno-lint-ignore no-import-prefix
export { parse as parseYaml } from "npm:yaml@2.9.1";
