// The one place that names the compiler's version. Only this tool uses it; nothing in lib/ does.

export { default as ts } from "npm:typescript@5.9.3";
