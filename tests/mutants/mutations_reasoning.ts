/**
 * Mutations of thinking, there and back: how much is asked for, how it is shown, how it returns.
 * @module
 */

import type { Area, TestSet } from "./mutation.ts";
import { STREAM_TESTS } from "./mutations_stream.ts";

const REASONING_TESTS: TestSet = {
  ...STREAM_TESTS,
  files: [
    "reasoning_test.ts",
    "reasoning_vendors_test.ts",
    "request_test.ts",
    ...STREAM_TESTS.files,
  ],
};

export const REASONING_AREAS: readonly Area[] = [
  {
    file: "lib/translate/reasoning.ts",
    tests: REASONING_TESTS,
    mutations: [
      {
        breaks: "reasoning that upstream sends twice is shown twice",
        find: "if (field === undefined || isCopy)",
        replace: "if (field === undefined)",
      },
      {
        breaks: "what Claude signed goes to models of other families",
        find: 'if (seal === "" || !isClaude(model)) return null;',
        replace: 'if (seal === "") return null;',
      },
      {
        breaks: "thinking that nobody signed goes to Claude, which refuses it",
        find: 'if (seal === "" || !isClaude(model)) return null;',
        replace: "if (!isClaude(model)) return null;",
      },
      {
        breaks: "reasoning in an envelope goes to a family that did not make it",
        find: 'if (family !== "" && envelope["family"] !== family) return null;',
        replace: "",
      },
      {
        breaks: "unsigned text out of an envelope goes to a family that signs",
        find: "return isUnsigned(detail, family) ? null : { detail };",
        replace: "return { detail };",
      },
      {
        breaks: "plain reasoning goes back to families that sign",
        find: '"field" in reasoning && SIGNING_FAMILIES.has(family)',
        replace: "false",
      },
      {
        breaks: "Claude's encrypted thinking reaches clients in a form that only this proxy reads",
        find: 'if (detail.type === "reasoning.encrypted") return toText(detail.data);',
        replace: "",
      },
      {
        breaks: "Claude's signature reaches clients in a form that only this proxy reads",
        find: 'if (detail.type === "reasoning.text") return toText(detail.signature);',
        replace: "",
      },
      {
        breaks: "what Claude's entry has beside text and signature is lost",
        find: "isClaudes(detail, family) && isRebuilt(detail)",
        replace: "isClaudes(detail, family)",
      },
      {
        breaks: "a signature that comes after its text is lost",
        find: "if (next.signature) merged.signature = next.signature;",
        replace: "",
      },
      {
        breaks: "thinking after a signature goes into the block that was signed",
        find: "a.type === b.type && !a.signature &&",
        replace: "a.type === b.type &&",
      },
      {
        breaks: "plain text that goes on with an entry comes back apart from it",
        find: 'if ("field" in next) return !now.detail.signature;',
        replace: 'if ("field" in next) return false;',
      },
      {
        breaks: "of several plain pieces only the last goes back",
        find: '(fields[reasoning.field] ?? "") + reasoning.text',
        replace: "reasoning.text",
      },
      {
        breaks: "Claude's reasoning without a format is not known as Claude's",
        find: "(format ?? CLAUDE_FORMAT) === CLAUDE_FORMAT",
        replace: "format === CLAUDE_FORMAT",
      },
      {
        breaks: "a preset is taken for a family of its own",
        find: '(vendor === "openrouter" && slug !== undefined) ? "" : vendor',
        replace: "vendor === slug ? vendor : vendor",
      },
      {
        breaks: "an envelope that a client has broken is a bug of ours",
        find: "const envelope = parseJson(json);",
        replace: "const envelope = JSON.parse(json);",
      },
    ],
  },
  {
    file: "lib/translate/reasoning_blocks.ts",
    tests: REASONING_TESTS,
    mutations: [
      {
        breaks: "encrypted thinking is lost",
        find: 'new WholeDraft({ type: "redacted_thinking", data })',
        replace: 'new WholeDraft({ type: "redacted_thinking", data: "" })',
      },
      {
        breaks: "a signature that comes too late is put on a block of its own",
        find: 'if (shown === "") return;',
        replace: "",
      },
      {
        breaks: "thinking after text goes into the block before the text",
        find: 'isLast || (shown === "" && this.#queue.includes(before))',
        replace: "this.#queue.includes(before)",
      },
      {
        breaks: "the entries of a whole answer are merged",
        find: "!isWhole && before?.accepts(piece)",
        replace: "before?.accepts(piece)",
      },
      {
        breaks: "every piece of thinking is a block of its own",
        find: "!isWhole && before?.accepts(piece)",
        replace: "isWhole && before?.accepts(piece)",
      },
      {
        breaks: "reasoning that may not come back makes an empty block",
        find: 'if (data !== "") this.#queue',
        replace: "this.#queue",
      },
      {
        breaks: "an empty list does not come back",
        find: "this.#addRedacted({ isEmptyList: true })",
        replace: "void 0",
      },
      {
        breaks: "thinking is shown to a client that asked not to see it",
        find: "isHidden: this.#options.isHidden,",
        replace: "isHidden: false,",
      },
      {
        breaks: "the estimate of the output leaves out the thinking",
        find: "this.#chars += shown.length;",
        replace: "",
      },
    ],
  },
  {
    file: "lib/translate/thinking.ts",
    tests: { files: ["request_test.ts"] },
    mutations: [
      {
        breaks: "the budget is as large as max_tokens, which upstream refuses",
        find: "maxTokens - 1",
        replace: "maxTokens",
      },
      {
        breaks: "a model that must think is told not to",
        find: "if (options.limits.mandatory) {",
        replace: "if (false) {",
      },
      {
        breaks: "Claude gets effort max without thinking, which it refuses",
        find: 'effort === "xhigh" || effort === "max" ? "high" : effort',
        replace: "effort",
      },
      {
        breaks: "a model that knows no budget gets one",
        find: "if (limits.takesBudget === false)",
        replace: "if (false)",
      },
      {
        breaks: "effort is left out without a word",
        find: 'dropped.add("output_config.effort");',
        replace: "",
      },
    ],
  },
];
