/**
 * Renders a conversation: turns with text, thinking, tool calls, results and images. Long ones open step by step.
 * Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { h } from "./dom.ts";
import { type Conversation, nameCalls, type Turn, type ViewBlock } from "./conversation.ts";
import { formatNumber, toName } from "./format.ts";
import { createText, createTree } from "./json_tree.ts";

const MAX_TEXT_CHARS = 3000;
/** Claude Code adds such texts to the user's turns. */
const REMINDER = /^\s*<system-reminder>/;
/** Turns that are shown at first, the last ones. */
const LAST_TURNS = 12;

/** Renders a whole request: system prompt and tools folded, then the last turns. */
export function createConversation({ system, tools, turns }: Conversation): HTMLElement {
  const names = nameCalls(turns);
  const list = h("div", { class: "turns" });
  const hidden = turns.slice(0, -LAST_TURNS);
  if (hidden.length > 0) list.append(createEarlier(hidden, names));
  list.append(...turns.slice(-LAST_TURNS).map((turn) => createTurn(turn, names)));
  return h("div", {
    class: "conversation",
    children: [
      system.length === 0
        ? null
        : createFold("System prompt", () => system.map((block) => createBlock(block, names))),
      tools.length === 0 ? null : createFold(
        formatNumber(tools.length, "tool"),
        () => tools.map(({ name, tool }) => createTree(name, tool)),
      ),
      list,
    ],
  });
}

/** Renders one turn, for example a response. */
export function createTurn({ role, blocks }: Turn, names = new Map<string, string>()): HTMLElement {
  const isEmpty = blocks.length === 0;
  return h("div", {
    class: "turn",
    children: [
      h("h4", { text: toName(role) }),
      ...(isEmpty
        ? [h("p", { class: "quiet", text: "empty" })]
        : blocks.map((block) => createBlock(block, names))),
    ],
  });
}

function createEarlier(turns: readonly Turn[], names: Map<string, string>): HTMLElement {
  const button = h("button", {
    class: "more",
    text: `Show ${formatNumber(turns.length, "earlier turn")}`,
    attributes: { type: "button" },
  });
  button.addEventListener("click", () => {
    const next = turns.slice(-LAST_TURNS);
    const rest = turns.slice(0, -LAST_TURNS);
    button.replaceWith(
      ...(rest.length > 0 ? [createEarlier(rest, names)] : []),
      ...next.map((turn) => createTurn(turn, names)),
    );
  });
  return button;
}

/** Creates its content when it is opened first. */
function createFold(title: string, createContent: () => HTMLElement[]): HTMLElement {
  const fold = h("details", { class: "fold", children: [h("summary", { text: title })] });
  fold.addEventListener("toggle", () => {
    if (fold.open && fold.childElementCount === 1) fold.append(...createContent());
  });
  return fold;
}

function createBlock(block: ViewBlock, names: Map<string, string>): HTMLElement {
  switch (block.type) {
    case "text": {
      const text = createText(block.text, { limit: MAX_TEXT_CHARS, style: "block text" });
      return REMINDER.test(block.text) ? createFold("Reminder of the client", () => [text]) : text;
    }
    case "thinking":
      return createFrame("thinking", "Thinking", [
        createText(block.text || "hidden by the model", {
          limit: MAX_TEXT_CHARS,
          style: "text quiet",
        }),
      ]);
    case "call":
      return createFrame("call", `Call ${block.name}`, createArguments(block.input));
    case "result": {
      const name = names.get(block.id);
      const title = `${block.isError ? "Error" : "Result"}${
        name === undefined ? "" : ` of ${name}`
      }`;
      const blocks = block.blocks.map((one) => createBlock(one, names));
      return createFrame(block.isError ? "result bad-result" : "result", title, blocks);
    }
    case "image":
      return h("img", { class: "block", attributes: { src: block.url, alt: "Image" } });
    case "other":
      return h("div", { class: "block", children: [createTree(block.name, block.value)] });
    default:
      return block satisfies never;
  }
}

function createArguments(input: unknown): HTMLElement[] {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    return [createTree("input", input, true)];
  }
  const entries = Object.entries(input);
  if (entries.length === 0) return [h("p", { class: "quiet", text: "no arguments" })];
  return entries.map(([name, value]) => createTree(name, value));
}

function createFrame(style: string, title: string, children: HTMLElement[]): HTMLElement {
  return h("div", {
    class: `block frame ${style}`,
    children: [h("h5", { class: "name", text: toName(title) }), ...children],
  });
}
