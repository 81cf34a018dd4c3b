/**
 * Mutations of what a model's limits change: room for thinking, and notes in place of what it cannot take.
 * @module
 */

import type { Area, TestSet } from "./mutation.ts";

const LIMIT_TESTS: TestSet = {
  files: ["request_test.ts", "auto_mode_test.ts", "unsupported_input_test.ts"],
};

export const LIMIT_AREAS: readonly Area[] = [
  {
    file: "lib/translate/thinking.ts",
    tests: LIMIT_TESTS,
    mutations: [
      {
        breaks: "max_tokens exceeds what the model can give",
        find: "Math.min(Math.max(request.max_tokens, LEAST_TOKENS), most)",
        replace: "Math.max(request.max_tokens, LEAST_TOKENS)",
      },
      {
        breaks: "a request for no tokens goes upstream, which refuses it",
        find: "Math.max(request.max_tokens, LEAST_TOKENS)",
        replace: "request.max_tokens",
      },
      {
        breaks: "a model that must think has no room for it",
        find: "if (!needsRoom(request, limits)) return { maxTokens };",
        replace: "if (limits) return { maxTokens };",
      },
      {
        breaks: "every model gets room for thinking",
        find: "if (!mandatory || max_tokens === 0) return false;",
        replace: "if (max_tokens === 0) return false;",
      },
      {
        breaks: "the room for thinking is more than the model can write",
        find: "Math.min(maxTokens + THINKING_ROOM, most, free)",
        replace: "Math.min(maxTokens + THINKING_ROOM, free)",
      },
      {
        breaks: "the room for thinking does not fit the window",
        find: "Math.min(maxTokens + THINKING_ROOM, most, free)",
        replace: "Math.min(maxTokens + THINKING_ROOM, most)",
      },
      {
        breaks: "the client's limit is lowered in a full window",
        find: "return roomy > maxTokens ?",
        replace: "return roomy !== maxTokens ?",
      },
      {
        breaks: "the client may see more than it asked for",
        find: "visibleTokens: maxTokens }",
        replace: "visibleTokens: roomy }",
      },
      {
        breaks: "a short answer is thought about for long",
        find: "if (isShort(wanted, options.limits)) return thinkLeast(wanted, options);",
        replace: "",
      },
      {
        breaks: "the lowest effort is one that the model does not have",
        find: "limits.efforts?.includes(one)",
        replace: "limits.efforts !== undefined || one",
      },
      {
        breaks: "the effort of a system turn is lost",
        find: "return efforts.at(-1) ?? effort;",
        replace: "return effort;",
      },
      {
        breaks: "the first effort of a conversation counts for ever",
        find: "efforts.at(-1)",
        replace: "efforts.at(0)",
      },
    ],
  },
  {
    file: "lib/translate/placeholders.ts",
    tests: LIMIT_TESTS,
    mutations: [
      {
        breaks: "images in results of tools end the session",
        find: "content: content.map((one) => replaceBlock(one, options)) };",
        replace: "content };",
      },
      {
        breaks: "images in documents end the session",
        find: 'one.type === "image" ? replaceImage(one, options) : one',
        replace: "one",
      },
      {
        breaks: "an image is replaced without a word",
        find: 'options.dropped.add("image");',
        replace: "",
      },
      {
        breaks: "a PDF is replaced without a word",
        find: 'options.dropped.add("document");',
        replace: "",
      },
      {
        breaks: "a cache breakpoint is lost with its image",
        find:
          'return cache_control ? { type: "text", text, cache_control } : { type: "text", text };',
        replace: 'return { type: "text", text };',
      },
      {
        breaks: "images are replaced where only files are meant",
        find: 'if (!options.unsupported?.includes("image")) return block;',
        replace: "",
      },
      {
        breaks: "PDFs are replaced where only images are meant",
        find: '|| !options.unsupported?.includes("file")',
        replace: "",
      },
    ],
  },
  {
    file: "lib/anthropic/unread.ts",
    tests: LIMIT_TESTS,
    mutations: [
      {
        breaks: "an effort that is repeated is named",
        find: '(key === "effort" && value === effort)',
        replace: "false",
      },
      {
        breaks: "another effort is not named",
        find: '(key === "effort" && value === effort)',
        replace: 'key === "effort"',
      },
    ],
  },
  {
    file: "lib/anthropic/validate.ts",
    tests: LIMIT_TESTS,
    mutations: [
      {
        breaks: "safeguards that are asked for are not noticed",
        find: "safeguards: types.includes(SAFEGUARD),",
        replace: "safeguards: false,",
      },
      {
        breaks: "safeguards of other types are left out without a word",
        find: "types.filter((type) => type !== SAFEGUARD)",
        replace: "types.filter(() => false)",
      },
    ],
  },
  {
    file: "lib/routes/ask.ts",
    tests: LIMIT_TESTS,
    mutations: [
      {
        breaks: "an image of which one model of a list takes some is replaced",
        find: "models.every((model) =>",
        replace: "models.some((model) =>",
      },
      {
        breaks: "what a refusal has taught is forgotten",
        find: "learned.textOnly.has(model) ||",
        replace: "",
      },
      {
        breaks: "the catalog's word on images is not heard",
        find: "|| catalog.get(model)?.inputModalities?.includes(kind) === false",
        replace: "",
      },
      {
        breaks: "a refused image is refused for ever",
        find: "image_input: hideImages,",
        replace: "image_input: () => null,",
      },
      {
        breaks: "PDFs are kept from models for which OpenRouter reads them",
        find: 'areFilesRead ? ["image"] :',
        replace: "",
      },
      {
        breaks: "PDFs go to models that must read them and cannot",
        find: '["image", "file"];',
        replace: '["image"];',
      },
    ],
  },
  {
    file: "lib/openrouter/errors.ts",
    tests: LIMIT_TESTS,
    mutations: [
      {
        breaks: "a refused image counts as an unknown model",
        find: "if (NO_IMAGES.test(report.message)) {",
        replace: "if (false) {",
      },
    ],
  },
];
