/**
 * Mutations of the way back: the queue of blocks, the routing of calls, the blocks themselves.
 * @module
 */

import type { Area, TestSet } from "./mutation.ts";
import { STREAM_TESTS } from "./mutations_stream.ts";

/** With them what hides thinking, and names that come in parts. */
const BLOCK_TESTS: TestSet = {
  ...STREAM_TESTS,
  files: ["reasoning_test.ts", "contract_test.ts", ...STREAM_TESTS.files],
};

export const BLOCK_AREAS: readonly Area[] = [
  {
    file: "lib/translate/queue.ts",
    tests: BLOCK_TESTS,
    mutations: [
      {
        breaks: "a block is closed while more of it comes",
        find: "this.#drafts.length > 1 && draft.canStop()",
        replace: "draft.canStop()",
      },
      {
        breaks: "a call is closed before its arguments are whole",
        find: "this.#drafts.length > 1 && draft.canStop()",
        replace: "this.#drafts.length > 1",
      },
      {
        breaks: "blocks are held back to the end",
        find: "this.#drafts.length > 1 && draft.canStop()",
        replace: "false",
      },
      { breaks: "all blocks have index 0", find: "this.#nextIndex++", replace: "this.#nextIndex" },
      {
        breaks: "a cut call that the client has seen is left open",
        find: "draft === this.#open || ",
        replace: "",
      },
      {
        breaks: "a call begins before its name is known",
        find: "(draft) => draft.canStart,",
        replace: "() => true,",
      },
      {
        breaks: "an answer whose calls have all been sent ends as if it had none",
        find: 'this.#hasSentCall ||= draft.type === "tool_use";',
        replace: "",
      },
      {
        breaks: "what a block says at its end is not sent",
        find: "if (last !== null) events.push(this.#delta(last));",
        replace: "",
      },
      {
        breaks: "blocks after the first have no start",
        find: "    this.#open = null;\n",
        replace: "",
      },
    ],
  },
  {
    file: "lib/translate/calls.ts",
    tests: BLOCK_TESTS,
    mutations: [
      {
        breaks: "a name that is repeated on every fragment is joined",
        find: '!call.isKnown && call.arguments === "" && !call.upstreamName.endsWith(name)',
        replace: "true",
      },
      {
        breaks: "a name that comes in parts is its first part",
        find: '!call.isKnown && call.arguments === "" && !call.upstreamName.endsWith(name)',
        replace: "false",
      },
      {
        breaks: "arguments that are sent once more at the end are doubled",
        find: 'text: isRepeat ? "" : fragment.text',
        replace: "text: fragment.text",
      },
      {
        breaks: "two calls that are both at index 0 become one",
        find: "|| (!isRepeat && beginsAnother(found, fragment))",
        replace: "",
      },
      {
        breaks: "two calls that share an id become one",
        find: 'name !== "" && index !== null && typeof known?.index === "number"',
        replace: "false",
      },
      {
        breaks: "the index of a fragment without an id is ignored",
        find: "if (atIndex !== undefined) return atIndex;",
        replace: "",
      },
      {
        breaks: "fragments without index, id and name are calls of their own",
        find: 'if (name === "") return this.#last;',
        replace: "",
      },
      {
        breaks: "a name that is repeated on every fragment begins a call each time",
        find: "this.#last?.upstreamName === name && !this.#last.isComplete()",
        replace: "false",
      },
      {
        breaks: "a second call of the same tool is joined to the first, which is whole",
        find: "this.#last?.upstreamName === name && !this.#last.isComplete()",
        replace: "this.#last?.upstreamName === name",
      },
      {
        breaks: "later calls at an index add to the first one there",
        find: "this.#calls.findLast((call) => call.index === index)",
        replace: "this.#calls.find((call) => call.index === index)",
      },
      {
        breaks: "arguments that come as an object are lost",
        find: '? "" : JSON.stringify(value)',
        replace: '? "" : ""',
      },
      {
        breaks: "a call whose arguments were cut off before their start is run with none",
        find: 'const isEmpty = !options.isCut && call.arguments.trim() === "";',
        replace: 'const isEmpty = call.arguments.trim() === "";',
      },
      {
        breaks: "a call of a tool without parameters is an error",
        find: 'const isEmpty = !options.isCut && call.arguments.trim() === "";',
        replace: "const isEmpty = false;",
      },
      {
        breaks: "a call without a name is closed",
        find: '|| call.upstreamName === "") {',
        replace: ") {",
      },
      {
        breaks: "who reads of a cut call is not told to raise max_tokens",
        find: "  if (isCut) {",
        replace: "  if (false) {",
      },
      {
        breaks: "an id that comes late begins a second call",
        find: 'atIndex?.upstreamId === "" ? atIndex : this.#unidentified(index)',
        replace: "undefined",
      },
      {
        breaks: "an id that comes late without an index begins a second call",
        find: 'index === null && this.#last?.upstreamId === "" ? this.#last : undefined',
        replace: "undefined",
      },
    ],
  },
  {
    file: "lib/translate/drafts.ts",
    tests: BLOCK_TESTS,
    mutations: [
      {
        breaks: "every signature is empty",
        find: 'type: "signature_delta", signature: this.#seal(this.#reasoning)',
        replace: 'type: "signature_delta", signature: ""',
      },
      {
        breaks: "hidden thinking is shown",
        find: "if (this.#isHidden) return;",
        replace: "",
      },
      {
        breaks: "encrypted thinking is lost",
        find: "{ ...this.#block, input: {} } : this.#block",
        replace: '{ ...this.#block, input: {} } : { ...this.#block, data: "" }',
      },
      {
        breaks: "the input of a search stands in its start, where clients look for {}",
        find: "? { ...this.#block, input: {} } : this.#block",
        replace: "? this.#block : this.#block",
      },
      {
        breaks: "the input of a search is not sent as JSON behind its start",
        find: "return input === null ? null : {",
        replace: "return true ? null : {",
      },
      {
        breaks: "the input of a search is sent again and again",
        find: "    this.#input = null;\n",
        replace: "    if (this.#block.type.length > 99) this.#input = null;\n",
      },
      {
        breaks: "citations go before the text that they are of",
        find: 'if (this.#pending !== "") {',
        replace: 'if (this.#pending !== "" && this.#citations.length === 0) {',
      },
      {
        breaks: "a text has only its last citation",
        find: "this.#sentCitations++;",
        replace: "this.#sentCitations = this.#citations.length;",
      },
      {
        breaks: "a call begins before its id is known",
        find: '&& (this.upstreamId !== "" || this.isComplete())',
        replace: "",
      },
      {
        breaks: "white space goes out before the first bracket of arguments",
        find: "this.#arguments.trimStart()",
        replace: "this.#arguments",
      },
      {
        breaks: "words behind whole arguments are passed on",
        find: 'if (this.#isObject && fragment.trim() !== "") this.#isObject = null;',
        replace: "",
      },
      {
        breaks: "arguments that are balanced but no JSON object count as whole",
        find: "isJsonObject(parseJson(this.#arguments))",
        replace: "true",
      },
      {
        breaks: "an escaped quote ends a string",
        find: 'if (char === "\\\\") this.#isEscaped = true;',
        replace: 'if (char === "\\\\") this.#isEscaped = false;',
      },
      {
        breaks: "brackets inside strings are counted",
        find: "} else if (char === '\"') this.#inString = true;",
        replace: "} else if (char === '\"') this.#inString = false;",
      },
    ],
  },
];
