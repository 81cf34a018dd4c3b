/**
 * `deno task dashboard:pictures`: takes docs/claude-code.png, a real Claude Code in a terminal beside the dashboard.
 * The model is scripted. Needs Chromium, tmux, and Claude Code from npm or CLAUDE_BIN.
 */

import type { JsonObject } from "../../lib/json.ts";
import { CLAUDE_CODE, findBinary } from "../clients/binary.ts";
import { toEnvironment } from "../clients/claude_cli.ts";
import { startHarness } from "../clients/harness.ts";
import type { ChatReply } from "../clients/replies.ts";
import { openTerminal, skipQuestions } from "../clients/terminal.ts";
import { sse } from "../helpers/chunks.ts";
import { read, readBlocks, readSection } from "../helpers/documents.ts";
import { eventStream } from "../helpers/upstream.ts";
import { type Browser, startBrowser } from "./chromium.ts";
import { toHtml } from "./terminal_html.ts";

const PICTURE = new URL("../../docs/claude-code.png", import.meta.url).pathname;
const [WIDTH, HEIGHT] = [1440, 620];
const SCALE = 1.5;
const TERMINAL = { columns: 78, rows: 33 };
const MODEL = "z-ai/glm-5";
const PRICING = {
  prompt: "0.0000006",
  completion: "0.0000022",
  input_cache_read: "0.00000011",
};
const MODELS: JsonObject[] = [
  {
    id: MODEL,
    context_length: 200_000,
    supported_parameters: ["tools", "reasoning"],
    pricing: PRICING,
  },
];
const QUESTION = "Why does the total of an empty cart say NaN?";
const CART = `export interface Item {
  price: number;
}

export function average(items: Item[]): number {
  return total(items) / items.length;
}

export function total(items: Item[]): number {
  return items.reduce((sum, { price }) => sum + price, 0);
}
`;
const ANSWER =
  `\`average\` in \`cart.ts\` divides by \`items.length\`. For an empty cart that is **0 / 0**, which is \`NaN\`.

\`total\` itself is correct: it returns 0. I would return 0 early:

\`\`\`ts
if (items.length === 0) return 0;
\`\`\`

Shall I make this change and add a test for the empty cart?`;

/** What the model writes: it thinks and reads the file, then answers. A request without tools gets a title. */
const reply: ChatReply = ({ tools, messages }) => {
  if (tools === undefined) return respond({ content: '{"title":"Empty cart"}' }, { prompt: 900 });
  const last = messages.at(-1);
  if (last?.role === "tool") {
    return respond({ content: ANSWER }, { prompt: 21_480, cached: 20_100 });
  }
  return respond({
    content: "I will read the code of the cart.",
    tool_calls: [{
      index: 0,
      id: "call_1",
      type: "function",
      function: { name: "Read", arguments: JSON.stringify({ file_path: cartPath }) },
    }],
  }, { prompt: 20_140, cached: 14_800 });
};
let cartPath = "";

function respond(delta: JsonObject, { prompt, cached = 0 }: { prompt: number; cached?: number }) {
  const head = { id: "gen-1", provider: "Z.AI", model: MODEL };
  const chunk = (choice: JsonObject) => ({ ...head, choices: [{ index: 0, ...choice }] });
  const cost = ((prompt - cached) * 0.6 + cached * 0.11 + 120 * 2.2) / 1e6;
  return eventStream(sse(
    chunk({
      delta: { role: "assistant", reasoning: "The cart is empty, so a division by 0 is likely." },
    }),
    chunk({ delta }),
    chunk({ delta: {}, finish_reason: delta["tool_calls"] === undefined ? "stop" : "tool_calls" }),
    {
      ...head,
      choices: [],
      usage: {
        prompt_tokens: prompt,
        completion_tokens: 120,
        cost,
        prompt_tokens_details: { cached_tokens: cached },
      },
    },
    "[DONE]",
  ));
}

/** The status line of the documentation, with the path of this clone. */
function readStatusLine(): JsonObject {
  const [block = ""] = readBlocks(
    readSection(read("docs/claude-code.md"), "## Status line"),
    "json",
  );
  const main = new URL("../../main.ts", import.meta.url).pathname;
  return JSON.parse(block.replace("~/claudeproxy/main.ts", main));
}

/** Both screens side by side. */
async function compose(browser: Browser, screen: string, page: Uint8Array): Promise<void> {
  const context = await browser.newContext({ viewport: { width: WIDTH, height: HEIGHT } });
  const tab = await context.newPage();
  await tab.setContent(`<style>
    body { margin: 0; display: flex; background: #16181d }
    pre { margin: 0; padding: 12px 16px; width: ${WIDTH / 2 - 32}px; height: ${HEIGHT - 24}px;
      overflow: hidden; font: 14px/18px "DejaVu Sans Mono", Menlo, Consolas, monospace }
    img { width: ${WIDTH / 2}px; height: ${HEIGHT}px }
  </style><pre>${toHtml(screen)}</pre><img src="data:image/png;base64,${page.toBase64()}">`);
  await tab.screenshot({ path: PICTURE });
  await context.close();
}

const found = await startBrowser();
if ("missing" in found) throw new Error(found.missing);
const binary = await findBinary(CLAUDE_CODE);
if ("missing" in binary) throw new Error(binary.missing);
const targets = ["OPUS", "BIG", "SMALL", "DEFAULT"].map((name) => [`TARGET_MODEL_${name}`, MODEL]);
const harness = await startHarness({ models: MODELS, proxyEnv: Object.fromEntries(targets) });
try {
  const shop = `${harness.home}/shop`;
  await Deno.mkdir(shop);
  cartPath = `${shop}/cart.ts`;
  await Deno.writeTextFile(cartPath, CART);
  harness.model.setReplies(reply);
  skipQuestions({ home: harness.home, work: shop });
  await Deno.mkdir(`${harness.home}/.claude`);
  await Deno.writeTextFile(
    `${harness.home}/.claude/settings.json`,
    JSON.stringify(readStatusLine()),
  );
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { denoDir } = JSON.parse(new TextDecoder().decode(stdout));
  const { env } = toEnvironment({
    ...{ path: binary.path, baseUrl: harness.baseUrl, folder: harness.folder, args: [] },
    timeoutMs: 0,
    env: { DENO_DIR: denoDir, COLORTERM: "truecolor" },
  });
  const command = { words: [binary.path, "--permission-mode", "default"], env, cwd: shop };
  await using terminal = await openTerminal(command, harness.folder, TERMINAL);
  await terminal.waitFor(/no requests yet/);
  await terminal.enter(QUESTION, /Shall I make this change/);
  await terminal.waitFor(new RegExp(`${MODEL} · .*cache`));
  const screen = await terminal.readColored();
  const context = await found.browser.newContext({
    // Reduced in the picture, so that it shows the requests too.
    viewport: { width: WIDTH * SCALE / 2, height: HEIGHT * SCALE },
    colorScheme: "light",
    bypassCSP: true,
  });
  const page = await context.newPage();
  await page.goto(harness.baseUrl);
  await page.locator("#list .completed").first().waitFor();
  // The version of the harness is 0.0.0.
  await page.addStyleTag({ content: "#version { display: none }" });
  const dashboard = await page.screenshot();
  await context.close();
  await compose(found.browser, screen, dashboard);
} finally {
  await found.browser.close();
  await harness[Symbol.asyncDispose]();
}
Deno.exit(0);
