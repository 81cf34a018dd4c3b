/**
 * Mutations of the way out: what users and tools show, documents and search results among it; system text;
 * thinking that is cleared.
 * @module
 */

import type { Area } from "./mutation.ts";
import { REQUEST_TESTS } from "./mutations_request.ts";

export const CONTENT_AREAS: readonly Area[] = [
  {
    file: "lib/translate/results.ts",
    tests: REQUEST_TESTS,
    mutations: [
      {
        breaks: "a missing result is empty",
        find: "toMessage(callId, MISSING)",
        replace: 'toMessage(callId, "")',
      },
      {
        breaks: "an empty result stays empty",
        find: "return [toText(EMPTY)];",
        replace: "return [];",
      },
      {
        breaks: "a failure looks like a success",
        find: "text: `Error: ${first.text}`",
        replace: "text: first.text",
      },
      {
        breaks: "a text that says it is an error is told so twice",
        find: "|| /^\\W{0,20}(tool_use_)?error/i.test(first.text)",
        replace: "",
      },
      {
        breaks: "the cache breakpoint of a result is lost",
        find: "if (cacheControl && last !== undefined) last.cache_control = cacheControl;",
        replace: "",
      },
      {
        breaks: "images of results are lost",
        find: 'case "image":\n        attachments.push(block);',
        replace: 'case "image":',
      },
      {
        breaks: "PDFs of results are lost",
        find: "if (isFile(block)) attachments.push(block);",
        replace: "if (isFile(block)) continue;",
      },
      {
        breaks: "images inside documents of results are lost",
        find: "else attachments.push(part);",
        replace: "else continue;",
      },
      {
        breaks: "search results of tools are lost",
        find: "texts.push(flattenSearchResult(block));",
        replace: "",
      },
      {
        breaks: "files are announced as images",
        find: 'attachments.every((one) => one.type === "image") ? "Image" : "File"',
        replace: '"Image"',
      },
      {
        breaks: "files are announced as images where an image is among them",
        find: "attachments.every((one)",
        replace: "attachments.some((one)",
      },
      {
        breaks: "the files of a result whose call is gone are lost",
        find: "return [text, ...attachments];",
        replace: "return [text];",
      },
      {
        breaks: "the model learns a tool's name that it cannot call",
        find: "names.toUpstream(block.tool_name)",
        replace: "block.tool_name",
      },
      {
        breaks: "what could not travel out of a result is not named",
        find: "dropped.add(block.foreign);",
        replace: "",
      },
    ],
  },
  {
    file: "lib/translate/content.ts",
    tests: REQUEST_TESTS,
    mutations: [
      {
        breaks: "a data URL gets a second prefix",
        find: 'if (source.data.startsWith("data:")) return source.data;',
        replace: "",
      },
      {
        breaks: "the cache breakpoint of an image is lost",
        find: 'return { type: "image_url", image_url: { url }, ...markOf(block) };',
        replace: 'return { type: "image_url", image_url: { url } };',
      },
      {
        breaks: "the cache breakpoint of a PDF is lost",
        find: "    },\n    ...markOf(block),\n  };\n  const lead",
        replace: "    },\n  };\n  const lead",
      },
      {
        breaks: "PDFs go as images",
        find: "if (isFile(block)) return translateFile(block);",
        replace:
          "if (isFile(block)) return [translateImage({ ...block, type: 'image' } as never)];",
      },
      {
        breaks: "a PDF by its address is taken for text",
        find: 'block.source.type === "base64" || block.source.type === "url"',
        replace: 'block.source.type === "base64"',
      },
      {
        breaks: "a PDF has no name that ends in .pdf",
        find: 'title.replace(/(\\.pdf)?$/i, ".pdf")',
        replace: "title",
      },
      {
        breaks: "a PDF has its ending twice",
        find: 'title.replace(/(\\.pdf)?$/i, ".pdf")',
        replace: "`${title}.pdf`",
      },
      {
        breaks: "the model does not learn title and context of a PDF",
        find: 'lead === "" ? [file] : [{ type: "text", text: lead }, file]',
        replace: "[file]",
      },
      {
        breaks: "an empty text goes before a PDF without a title",
        find: 'lead === "" ? [file] : [{ type: "text", text: lead }, file]',
        replace: '[{ type: "text", text: lead }, file]',
      },
      {
        breaks: "an empty document is an empty text",
        find: 'if (text !== "") blocks.push({ type: "text", text });',
        replace: 'blocks.push({ type: "text", text });',
      },
      {
        breaks: "the model does not learn title and context of a document of blocks",
        find: 'else if (lead !== "") blocks.unshift({ type: "text", text: lead });',
        replace: "",
      },
      {
        breaks: "the cache breakpoint of a document of blocks is lost",
        find: "[...blocks, { ...last, ...markOf(block) }]",
        replace: "[...blocks, last]",
      },
      {
        breaks: "the model does not learn where a search result is from",
        find: "Source: ${block.source}",
        replace: "Source: unknown",
      },
      {
        breaks: "the cache breakpoint inside a search result is lost",
        find: "...markOf(mark ?? block), ...markOf(block)",
        replace: "...markOf(block)",
      },
      {
        breaks: "a document's title stands without its word",
        find: "title && `Document: ${title}`",
        replace: "title",
      },
      {
        breaks: "a document's context is lost",
        find: "[title && `Document: ${title}`, context]",
        replace: "[title && `Document: ${title}`]",
      },
    ],
  },
  {
    file: "lib/translate/clearing.ts",
    tests: { files: ["request_test.ts", "mutants_gap_features_test.ts"] },
    mutations: [
      {
        breaks: "one turn fewer keeps its thinking than was asked for",
        find: "left.push(kept < turns ? message : withoutThinking(message));",
        replace: "left.push(kept + 1 < turns ? message : withoutThinking(message));",
      },
      {
        breaks: "each answer between calls counts as a turn",
        find: "if (!hasThought || !isUsersWord(message)) continue;",
        replace: "if (!hasThought) continue;",
      },
      {
        breaks: "turns that did not think count as turns that did",
        find: "if (!hasThought || !isUsersWord(message)) continue;",
        replace: "if (!isUsersWord(message)) continue;",
      },
      {
        breaks: "a conversation is turned round",
        find: "messages: left.reverse(), context",
        replace: "messages: left, context",
      },
      {
        breaks: "the first turn is not counted where the assistant began",
        find: "if (hasThought && kept >= turns) cleared++;",
        replace: "",
      },
      {
        breaks: "encrypted thinking stays",
        find: 'block.type === "thinking" || block.type === "redacted_thinking"',
        replace: 'block.type === "thinking"',
      },
      {
        breaks: "the client hears of an edit that did nothing",
        find: "if (cleared > 0) {",
        replace: "if (true) {",
      },
      {
        breaks: "the client does not hear of an edit that was done",
        find: "if (cleared > 0) {",
        replace: "if (false) {",
      },
      {
        breaks: "tokens that were cleared are not told",
        find: "cleared_input_tokens: Math.ceil(tokens)",
        replace: "cleared_input_tokens: 0",
      },
      {
        breaks: "tokens that were kept are told as cleared",
        find: "if (kept >= turns) tokens +=",
        replace: "tokens +=",
      },
    ],
  },
  {
    file: "lib/translate/system.ts",
    tests: REQUEST_TESTS,
    mutations: [
      {
        breaks: "the billing line is taken out of the middle of a prompt",
        find: "/^x-anthropic-billing-header:",
        replace: "/x-anthropic-billing-header:",
      },
      {
        breaks: "a block of nothing but the billing line stays as an empty one",
        find: '.filter((block) => block.text !== "")',
        replace: "",
      },
      {
        breaks: "the billing line defeats every prefix cache",
        find: 'return text.replace(BILLING_LINE, "");',
        replace: "return text;",
      },
      {
        breaks: "the cache breakpoints of the system prompt are lost",
        find: "if (blocks.some((block) => block.cache_control)) return translateParts(blocks);",
        replace: "",
      },
    ],
  },
];
