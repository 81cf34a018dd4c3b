/**
 * `deno task dashboard:pictures`: takes docs/claude-code.png, a real Claude Code in a terminal beside the dashboard.
 * The model is scripted. Needs Chromium, tmux, and Claude Code from npm or CLAUDE_BIN.
 */

import type { JsonObject } from "../../lib/json.ts";
import { CLAUDE_CODE, findBinary } from "../clients/binary.ts";
import { toEnvironment } from "../clients/claude_cli.ts";
import { type Harness, startHarness } from "../clients/harness.ts";
import type { ChatReply } from "../clients/replies.ts";
import { openTerminal, skipQuestions } from "../clients/terminal.ts";
import { sse } from "../helpers/chunks.ts";
import { read, readBlocks, readSection } from "../helpers/documents.ts";
import { eventStream } from "../helpers/upstream.ts";
import { type Browser, startBrowser } from "./chromium.ts";
import { toHtml } from "./terminal_html.ts";

const PICTURE = new URL("../../docs/claude-code.png", import.meta.url).pathname;
const [WIDTH, HEIGHT] = [1440, 620];
const SCALE = 1.25;
const TERMINAL = { columns: 78, rows: 33 };
/** Of Claude Code's session in the picture. */
const MODEL = "z-ai/glm-5";
/** Model → its provider, and USD per million tokens: input, output, from the cache. */
const OFFERS: Readonly<Record<string, readonly [string, number, number, number]>> = {
  [MODEL]: ["Z.AI", 0.6, 2.2, 0.11],
  "moonshotai/kimi-k2": ["Moonshot AI", 0.55, 2.2, 0.15],
  "qwen/qwen3-coder": ["Alibaba", 0.3, 1.2, 0.06],
};
const MODELS: JsonObject[] = Object.entries(OFFERS).map(([id, [, input, output, cached]]) => ({
  id,
  context_length: 200_000,
  supported_parameters: ["tools", "reasoning"],
  pricing: {
    prompt: `${input / 1e6}`,
    completion: `${output / 1e6}`,
    input_cache_read: `${cached / 1e6}`,
  },
}));
/** Sessions before that in the picture: their id, the name in their requests, and the tokens of each turn. */
const EARLIER: readonly (readonly [session: string, name: string, turns: readonly number[]])[] = [
  ["4c1b6f0e", "claude-haiku-4-5", [9_400]],
  ["b27d90aa", "claude-sonnet-4-5", [31_200, 33_900, 38_400]],
];
/** A sign that common fonts lack. */
const PAUSE = /\u{23F8}\uFE0E?/u;
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

function respond(
  delta: JsonObject,
  { model = MODEL, prompt, cached = 0 }: { model?: string; prompt: number; cached?: number },
) {
  const [provider, input, output, cacheRead] = OFFERS[model] ?? ["", 0, 0, 0];
  const head = { id: "gen-1", provider, model };
  const chunk = (choice: JsonObject) => ({ ...head, choices: [{ index: 0, ...choice }] });
  const cost = ((prompt - cached) * input + cached * cacheRead + 120 * output) / 1e6;
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

/** Fills the list of requests, as after a morning of work. */
async function sendEarlier({ baseUrl, model }: Harness): Promise<void> {
  for (const [session, name, turns] of EARLIER) {
    for (const prompt of turns) {
      const cached = Math.round(prompt * 0.8);
      model.setReplies((request) =>
        respond({ content: "Done." }, { model: request.model, prompt, cached })
      );
      const response = await fetch(`${baseUrl}/v1/messages`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-claude-code-session-id": session },
        body: JSON.stringify({
          model: name,
          max_tokens: 100,
          stream: true,
          tools: [{ name: "Read", input_schema: { type: "object" } }],
          messages: [{ role: "user", content: "Go on" }],
        }),
      });
      await response.text();
    }
  }
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
  </style><pre>${
    toHtml(screen.replace(PAUSE, "‖"))
  }</pre><img src="data:image/png;base64,${page.toBase64()}">`);
  await tab.screenshot({ path: PICTURE });
  await context.close();
}

const found = await startBrowser();
if ("missing" in found) throw new Error(found.missing);
const binary = await findBinary(CLAUDE_CODE);
if ("missing" in binary) throw new Error(binary.missing);
const harness = await startHarness({
  models: MODELS,
  proxyEnv: {
    TARGET_MODEL_OPUS: MODEL,
    TARGET_MODEL_BIG: "moonshotai/kimi-k2",
    TARGET_MODEL_SMALL: "qwen/qwen3-coder",
    TARGET_MODEL_DEFAULT: MODEL,
  },
});
try {
  const shop = `${harness.home}/shop`;
  await Deno.mkdir(shop);
  cartPath = `${shop}/cart.ts`;
  await Deno.writeTextFile(cartPath, CART);
  await sendEarlier(harness);
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
    env: { DENO_DIR: denoDir, COLORTERM: "truecolor", ANTHROPIC_DEFAULT_OPUS_MODEL: MODEL },
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
