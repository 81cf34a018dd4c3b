/**
 * What each key of PROXY_API_KEYS cost today, named by its position. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { formatCost, formatUsd } from "../format.ts";
import type { Stats } from "../metrics/types.ts";
import { find, h } from "./dom.ts";

/** Shows the keys, or nothing without keys. */
export function showKeys({ today: { keys } }: Stats): void {
  find("keys").hidden = keys.length === 0;
  const items = keys.map(({ label, costUsd, estimatedUsd, maxCostUsd }) => {
    const notes = [
      estimatedUsd === 0 ? "" : `+ ≈${formatCost(estimatedUsd)} estimated`,
      maxCostUsd === null ? "" : `of ${formatUsd(maxCostUsd)} a day`,
    ].filter((note) => note !== "");
    return h("li", {
      children: [
        h("span", { class: "name", text: label }),
        h("span", { class: "number", text: [formatCost(costUsd), ...notes].join(" ") }),
      ],
    });
  });
  find("key-costs").replaceChildren(...items);
}
