/**
 * Buttons that copy a text. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { h } from "./dom.ts";

const SHOWN_MS = 1500;

/** @param create called at the click: the text may be long */
export function createCopyButton(title: string, create: () => string): HTMLElement {
  const button = h("button", {
    class: "small",
    text: `Copy ${title}`,
    attributes: { type: "button" },
  });
  button.addEventListener("click", async () => {
    button.textContent = await copyText(create()) ? "Copied" : "Not copied";
    setTimeout(() => button.textContent = `Copy ${title}`, SHOWN_MS);
  });
  return button;
}

/** Copies a text. On pages without HTTPS that are not local, only the old way works. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea", { class: "offscreen" });
    area.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    const isCopied = document.execCommand("copy");
    area.remove();
    return isCopied;
  }
}
