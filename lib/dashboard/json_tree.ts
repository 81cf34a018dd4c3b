/**
 * Shows JSON as a tree that opens level by level: only what is open is in the document. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { formatCount } from "../format.ts";
import { isJsonObject } from "../json.ts";
import { h } from "./dom.ts";
import { toName, toPlainText } from "./format.ts";

const MAX_TEXT_CHARS = 300;
/** Entries that are shown at once. */
const PAGE_ENTRIES = 100;

/** A value with its name; objects and lists can be opened. */
export function createTree(name: string, value: unknown, isOpen = false): HTMLElement {
  const entries = listEntries(value);
  if (entries === null) {
    return h("div", { class: "leaf", children: [createKey(name), createValue(value)] });
  }
  const content = h("div", { class: "branch" });
  const element = h("details", {
    class: "tree",
    children: [
      h("summary", {
        children: [createKey(name), h("span", { class: "quiet", text: describe(value) })],
      }),
      content,
    ],
  });
  element.addEventListener("toggle", () => {
    if (element.open && content.firstChild === null) showEntries(content, entries, 0);
  });
  if (isOpen) {
    showEntries(content, entries, 0);
    element.open = true;
  }
  return element;
}

/** Shows a long text in part, with a button for all of it. */
export function createText(text: string, { limit, style }: { limit: number; style: string }) {
  const element = h("div", { class: style, text: toPlainText(text.slice(0, limit)) });
  if (text.length <= limit) return element;
  const button = h("button", {
    class: "more",
    text: `Show all ${formatCount(text.length)} characters`,
    attributes: { type: "button" },
  });
  button.addEventListener("click", () => element.textContent = toPlainText(text));
  element.append("… ", button);
  return element;
}

function listEntries(value: unknown): [name: string, value: unknown][] | null {
  if (Array.isArray(value)) return value.map((one, index) => [`${index}`, one]);
  return isJsonObject(value) ? Object.entries(value) : null;
}

function showEntries(
  parent: HTMLElement,
  entries: readonly [name: string, value: unknown][],
  from: number,
): void {
  const page = entries.slice(from, from + PAGE_ENTRIES);
  parent.append(...page.map(([name, value]) => createTree(name, value)));
  const rest = entries.length - from - page.length;
  if (rest <= 0) return;
  const button = h("button", {
    class: "more",
    text: `Show ${formatCount(rest)} more`,
    attributes: { type: "button" },
  });
  button.addEventListener("click", () => {
    button.remove();
    showEntries(parent, entries, from + PAGE_ENTRIES);
  });
  parent.append(button);
}

function describe(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${formatCount(value.length)}]`;
  }
  const keys = Object.keys(isJsonObject(value) ? value : {});
  return `{${keys.slice(0, 4).map((key) => toName(key)).join(", ")}${
    keys.length > 4 ? ", …" : ""
  }}`;
}

function createKey(name: string): HTMLElement {
  return h("span", { class: "key name", text: toName(name) });
}

function createValue(value: unknown): HTMLElement {
  if (typeof value !== "string") return h("span", { class: "value", text: `${value}` });
  return createText(value, { limit: MAX_TEXT_CHARS, style: "value text" });
}
