/**
 * Creates DOM elements. Text is set as text, never as markup: the dashboard shows untrusted input.
 * Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

/** Contents of an element. */
export interface Parts {
  class?: string;
  text?: string;
  /** Null entries are skipped. */
  children?: readonly (Node | null)[];
  attributes?: Readonly<Record<string, string>>;
}

/** An HTML element. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  parts: Parts = {},
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  fill(element, parts);
  return element;
}

/** An SVG element. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  parts: Parts = {},
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  fill(element, parts);
  return element;
}

function fill(element: Element, parts: Parts): void {
  if (parts.class !== undefined) element.setAttribute("class", parts.class);
  if (parts.text !== undefined) element.textContent = parts.text;
  for (const [name, value] of Object.entries(parts.attributes ?? {})) {
    element.setAttribute(name, value);
  }
  for (const child of parts.children ?? []) if (child !== null) element.append(child);
}

/** Finds an element by its id. @throws {Error} if index.html has none */
export function find(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no #${id}`);
  return element;
}

/** All HTML elements that match a selector. */
export function findAll(selector: string): HTMLElement[] {
  // Deno 2.5 does not know that a NodeList is iterable.
  return Array.from(document.querySelectorAll<HTMLElement>(selector));
}

/** Sets a text if it differs: the user's selection is kept. */
export function setText(id: string, text: string): void {
  const element = find(id);
  if (element.textContent !== text) element.textContent = text;
}
