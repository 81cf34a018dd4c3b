/**
 * Chooses the tool that the simulated model calls, and its arguments: one that only looks. Pure.
 * @module
 */

import { isJsonObject, type JsonObject, toText } from "../../json.ts";
import { fillSchema } from "./fill_schema.ts";

/** A call, its arguments as JSON. */
export interface ToolCall {
  name: string;
  arguments: string;
}

/** A shell, where coding agents run this command without a question, and its result shows the user's own project. */
const SHELL = /^(bash|shell|run_command|execute_command)$/i;
const COMMAND = { command: "ls", description: "List the files of the project" };
/** Names of agents' tools that change something, start other models, or wait for the user. */
const AVOIDED = new RegExp(
  "^(agent|task\\w*|workflow|skill|write|edit|multi_?edit|notebook_?edit|ask\\w*|(enter|exit)\\w*|" +
    "schedule\\w*|cron\\w*|send\\w*|push\\w*|kill\\w*|report\\w*|remote\\w*|list_?agents|todo\\w*|" +
    "attempt_completion)$",
  "i",
);

/** Null if the request offers no tool, forbids calls, or has only tools that a demo should not call. */
export function chooseCall(body: JsonObject): ToolCall | null {
  const choice = body["tool_choice"];
  if (choice === "none" || !Array.isArray(body["tools"])) return null;
  const tools = body["tools"].filter(isJsonObject).map((tool) => tool["function"])
    .filter(isJsonObject);
  const forced = isJsonObject(choice) && isJsonObject(choice["function"])
    ? choice["function"]["name"]
    : undefined;
  const nameOf = (tool: JsonObject) => toText(tool["name"]);
  const tool = tools.find((one) => nameOf(one) === forced) ??
    tools.find((one) => SHELL.test(nameOf(one))) ??
    tools.find((one) => !AVOIDED.test(nameOf(one)) || choice === "required");
  if (tool === undefined) return null;
  return { name: nameOf(tool), arguments: JSON.stringify(fillArguments(tool)) };
}

function fillArguments(tool: JsonObject): unknown {
  const filled = fillSchema(tool["parameters"]);
  if (!SHELL.test(toText(tool["name"])) || !isJsonObject(filled)) return filled;
  const known = Object.entries(COMMAND).filter(([name]) => typeof filled[name] === "string");
  return { ...filled, ...Object.fromEntries(known) };
}
