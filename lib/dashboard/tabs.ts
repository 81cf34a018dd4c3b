/**
 * Tabs whose content is created when they are first selected. Arrow keys move between them. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { h } from "./dom.ts";

/** One tab. */
export interface Tab {
  title: string;
  create: () => HTMLElement;
}

/** The tabs and the content of the selected one; the first is selected. */
export function createTabs(name: string, tabs: readonly Tab[]): HTMLElement {
  const panels = tabs.map(({ title }) =>
    h("div", { attributes: { role: "tabpanel", "aria-label": title, hidden: "" } })
  );
  const buttons = tabs.map(({ title }) =>
    h("button", { text: title, attributes: { type: "button", role: "tab" } })
  );
  const select = (selected: number) =>
    tabs.forEach(({ create }, index) => {
      const [button, panel] = [buttons[index], panels[index]];
      if (button === undefined || panel === undefined) return;
      const isSelected = index === selected;
      button.setAttribute("aria-selected", `${isSelected}`);
      button.tabIndex = isSelected ? 0 : -1;
      panel.hidden = !isSelected;
      if (isSelected && panel.firstChild === null) panel.append(create());
    });
  buttons.forEach((button, index) => button.addEventListener("click", () => select(index)));
  const list = h("div", {
    class: "tabs",
    attributes: { role: "tablist", "aria-label": name },
    children: buttons,
  });
  list.addEventListener("keydown", ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (step === undefined) return;
    const current = buttons.findIndex((button) => button === document.activeElement);
    const next = (current + step + buttons.length) % buttons.length;
    select(next);
    buttons[next]?.focus();
  });
  select(0);
  return h("div", { children: [list, ...panels] });
}
