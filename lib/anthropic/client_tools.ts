/**
 * Defines the tools that Anthropic specifies and the client runs: bash, text editor, memory. Upstream does not know
 * them, so they are sent as functions with the names and parameters of Anthropic's documentation.
 * @module
 */

import type { Tool } from "./types.ts";

type Definition = Required<Pick<Tool, "name" | "description" | "input_schema">>;

const VIEW_RANGE = {
  type: "array",
  items: { type: "integer" },
  minItems: 2,
  maxItems: 2,
  description: "First and last line to view, counted from 1; -1 as last is the end of the file",
};
const PATH = { type: "string", description: "Path of the file or directory" };
const FILE_TEXT = { type: "string", description: "`create`: the whole content of the new file" };
const OLD_STR = {
  type: "string",
  description: "`str_replace`: the text to replace, which must occur exactly once",
};
const NEW_STR = { type: "string", description: "`str_replace`: the text to put in its place" };
const INSERT_LINE = {
  type: "integer",
  description: "`insert`: the line after which to insert; 0 is the beginning of the file",
};
const INSERT_TEXT = { type: "string", description: "`insert`: the text to insert" };

const BASH: Definition = {
  name: "bash",
  description: "Runs a command in a bash session that keeps its state from one call to the next.",
  input_schema: {
    type: "object",
    properties: {
      command: { type: "string", description: "The command to run; needed unless restarting" },
      restart: { type: "boolean", description: "True to start the session anew" },
    },
  },
};

const MEMORY: Definition = {
  name: "memory",
  description: "Reads and changes files in a directory of memories, /memories, that outlasts the " +
    "conversation. Look into it before a task; write down what will be needed later.",
  input_schema: {
    type: "object",
    properties: {
      command: listCommands("view", "create", "str_replace", "insert", "delete", "rename"),
      path: PATH,
      view_range: VIEW_RANGE,
      file_text: FILE_TEXT,
      old_str: OLD_STR,
      new_str: NEW_STR,
      insert_line: INSERT_LINE,
      insert_text: INSERT_TEXT,
      old_path: { type: "string", description: "`rename`: the present path" },
      new_path: { type: "string", description: "`rename`: the new path" },
    },
    required: ["command"],
  },
};

/** The older editors have `undo_edit`, and use `new_str` for inserted text too. */
const OLD_EDITOR = defineEditor("str_replace_editor", ["undo_edit"], { new_str: NEW_STR });
const EDITOR = defineEditor("str_replace_based_edit_tool", [], {
  new_str: NEW_STR,
  insert_text: INSERT_TEXT,
});

/** By type. The dated versions of bash and memory are equal for the model. */
const DEFINITIONS: readonly (readonly [RegExp, Definition])[] = [
  [/^bash_\d{8}$/, BASH],
  [/^memory_\d{8}$/, MEMORY],
  [/^text_editor_(20241022|20250124)$/, OLD_EDITOR],
  [/^text_editor_\d{8}$/, EDITOR],
];

/** The function for one of Anthropic's types; undefined for all others. */
export function findClientTool(type: string): Definition | undefined {
  return DEFINITIONS.find(([pattern]) => pattern.test(type))?.[1];
}

function defineEditor(
  name: string,
  more: readonly string[],
  texts: Record<string, unknown>,
): Definition {
  return {
    name,
    description: "Views, creates and edits text files.",
    input_schema: {
      type: "object",
      properties: {
        command: listCommands("view", "create", "str_replace", "insert", ...more),
        path: PATH,
        view_range: VIEW_RANGE,
        file_text: FILE_TEXT,
        old_str: OLD_STR,
        ...texts,
        insert_line: INSERT_LINE,
      },
      required: ["command", "path"],
    },
  };
}

function listCommands(...commands: string[]): Record<string, unknown> {
  return { type: "string", enum: commands, description: "What to do" };
}
