// The TypeScript compiler, at one version. Only this tool uses it, nothing in lib/.

export { default as ts } from "npm:typescript@5.9.3";
