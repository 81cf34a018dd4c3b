/**
 * How the proxy is set up: upstream, models, access, credit; the lines that point a client here. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { formatCost, formatUsd } from "../format.ts";
import type { Setup, Stats } from "../metrics/types.ts";
import { createCaptureSwitch } from "./capture_switch.ts";
import { createCopyButton } from "./copy.ts";
import { find, h, setText } from "./dom.ts";
import { toName } from "./format.ts";

/** Who may use the proxy, in a word and in a sentence. */
const ACCESS: Readonly<Record<Setup["access"], readonly [short: string, long: string]>> = {
  local: ["this computer only", "Clients on this computer. Set PROXY_API_KEYS to accept others."],
  proxy_keys: ["with a proxy key", "Clients that send one of the keys in PROXY_API_KEYS."],
  client_keys: ["own keys", "Every client, with its own OpenRouter key."],
};

/** The two lines that point Claude Code to this proxy. */
function listLines(setup: Setup | null): string[] {
  const token = { proxy_keys: "one-of-PROXY_API_KEYS", client_keys: "your-OpenRouter-key" };
  const word = setup === null || setup.access === "local" ? "any-word" : token[setup.access];
  return [`export ANTHROPIC_BASE_URL=${location.origin} ANTHROPIC_AUTH_TOKEN=${word}`, "claude"];
}

/** Shows the lines to paste while there are no requests. */
export function showEmpty(setup: Setup | null): void {
  const lines = listLines(setup).join("\n");
  find("start").replaceChildren(
    h("pre", { text: lines, attributes: { id: "address" } }),
    createCopyButton("these lines", () => lines),
  );
}

/** One line for the head of the page. */
export function showSetupLine(setup: Setup, { capturesBodies }: Stats): void {
  const { host } = new URL(setup.baseUrl);
  const parts = [`→ ${host}`, ACCESS[setup.access][0], describeCredit(setup, "short")];
  if (capturesBodies) parts.push("capturing bodies");
  setText("setup-line", parts.filter((part) => part !== "").join(" · "));
}

function describeCredit({ credit }: Setup, form: "short" | "long"): string {
  if (credit === null) return form === "short" ? "" : "Unknown";
  const { remainingUsd, limitUsd, usedUsd } = credit;
  if (remainingUsd !== null) {
    const limit = limitUsd === null ? "" : ` of ${formatUsd(limitUsd)}`;
    return `${formatCost(remainingUsd)}${form === "long" ? limit : ""} left`;
  }
  if (form === "short") return "";
  const used = usedUsd === null ? "" : `; ${formatCost(usedUsd)} used so far`;
  return `The key has no limit of its own${used}`;
}

/** Shows the view. */
export function showSetup(setup: Setup, stats: Stats): void {
  const { baseUrl, dialect, targets, access } = setup;
  const models = Object.entries(targets).map(([family, names]) =>
    h("li", {
      children: [
        h("span", { text: family === "other" ? "all other names" : family }),
        h("span", { class: "name", text: names.map(toName).join(", then ") }),
      ],
    })
  );
  const rows: [name: string, content: Node][] = [
    ["Upstream", h("code", { class: "name", text: toName(baseUrl) })],
    ["Dialect", h("span", { text: dialect })],
    ["Models", h("ul", { class: "drops", children: models })],
    ["Who may use it", h("span", { text: ACCESS[access][1] })],
    ["Credit of its key", h("span", { text: describeCredit(setup, "long") })],
    ["Version", h("span", { text: stats.about.version })],
    ["Claude Code", createPaste(setup)],
    ["Bodies", createCaptureSwitch(stats.capturesBodies)],
  ];
  find("setup").replaceChildren(h("dl", {
    class: "setup",
    children: rows.flatMap(([name, content]) => [
      h("dt", { text: name }),
      h("dd", { class: "", children: [content] }),
    ]),
  }));
}

function createPaste(setup: Setup): HTMLElement {
  const lines = listLines(setup).join("\n");
  return h("div", {
    class: "paste",
    children: [h("pre", { text: lines }), createCopyButton("these lines", () => lines)],
  });
}
