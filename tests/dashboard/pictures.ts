/**
 * `deno task dashboard:pictures`: takes the screenshots of the dashboard in docs/ with made-up metrics of an hour.
 * Run it when the dashboard's appearance changes; needs Chromium. A folder as argument receives more views, to look at.
 */

import { createHandler } from "../../lib/server.ts";
import { createTestServices, LOCAL, requestBody } from "../helpers/proxy.ts";
import { sse } from "../helpers/chunks.ts";
import { eventStream, startUpstream } from "../helpers/upstream.ts";
import { type Page, startBrowser } from "./chromium.ts";
import { ABOUT, createSampleMetrics, fillHour } from "./sample_metrics.ts";

const DOCS = new URL("../../docs/", import.meta.url);
const MINUTE_MS = 60_000;

/** A slow response: thinking, text, a tool call. An endless one stays open. */
function respondSlowly(isEndless: boolean): Response {
  const model = "anthropic/claude-opus-4.8";
  const chunk = (delta: object, finish: string | null = null) => ({
    id: "gen-1",
    provider: "Anthropic",
    model,
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const call = { name: "read_file", arguments: '{"path":"README.md"}' };
  const pieces = [
    ...["The user wants ", "to know what the ", "project does."].map((text) =>
      chunk({ reasoning: text })
    ),
    ...["I will look ", "at the README ", "first."].map((text) => chunk({ content: text })),
    chunk({ tool_calls: [{ index: 0, id: "call_1", type: "function", function: call }] }),
    chunk({}, "tool_calls"),
    {
      ...chunk({}),
      choices: [],
      usage: {
        prompt_tokens: 48_120,
        completion_tokens: 212,
        cost: 0.0402,
        prompt_tokens_details: { cached_tokens: 44_032, cache_write_tokens: 1204 },
      },
    },
    "[DONE]",
  ];
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async start(controller) {
      for (const piece of isEndless ? [chunk({ content: "word ".repeat(460) })] : pieces) {
        await new Promise((resolve) => setTimeout(resolve, 180));
        controller.enqueue(new TextEncoder().encode(sse(piece)));
      }
      if (!isEndless) controller.close();
    },
  });
  return eventStream(body);
}

const TOOLS = ["read_file", "edit_file", "run_command"].map((name) => ({
  name,
  description: `The tool ${name}`,
  input_schema: { type: "object", properties: { path: { type: "string" } } },
}));
const MESSAGES = [
  { role: "user", content: "Why does the build fail on Windows? Start with the log." },
  {
    role: "assistant",
    content: [
      { type: "text", text: "I will read the log of the last build." },
      { type: "tool_use", id: "call_0", name: "read_file", input: { path: "logs/build.txt" } },
    ],
  },
  {
    role: "user",
    content: [
      {
        type: "tool_result",
        tool_use_id: "call_0",
        content: "error: path too long: node_modules/…/dist/index.js (271 characters)",
      },
    ],
  },
];
const BODY = {
  model: "claude-opus-4-8",
  max_tokens: 8000,
  stream: true,
  system: "You are a careful engineer.",
  tools: TOOLS,
  messages: MESSAGES,
  stop_sequences: ["STOP"],
  inference_geo: "eu",
  thinking: { type: "adaptive" },
};

/** One picture: its name, the window, and what to do before. */
interface Picture {
  name: string;
  colorScheme: "light" | "dark";
  width: number;
  prepare?: (page: Page) => Promise<void>;
}

async function openRequest(page: Page): Promise<void> {
  await page.locator("#list .completed").first().click();
  await page.locator(".bodies [role=tab]").first().waitFor();
}

const selectView = (name: string) => (page: Page) =>
  page.getByRole("button", { name, exact: true }).click();

const PICTURES: Picture[] = [
  { name: "dashboard-light", colorScheme: "light", width: 1280 },
  { name: "dashboard-dark", colorScheme: "dark", width: 1280, prepare: openRequest },
  { name: "dashboard-narrow", colorScheme: "light", width: 390 },
];
const MORE_PICTURES: Picture[] = [
  { name: "figures", colorScheme: "light", width: 1280, prepare: selectView("Figures") },
  { name: "setup", colorScheme: "light", width: 1280, prepare: selectView("Set-up") },
  { name: "setup-narrow", colorScheme: "dark", width: 390, prepare: selectView("Set-up") },
  { name: "request-light", colorScheme: "light", width: 1280, prepare: openRequest },
  { name: "request-narrow", colorScheme: "dark", width: 390, prepare: openRequest },
  {
    name: "bodies",
    colorScheme: "light",
    width: 1280,
    async prepare(page) {
      await openRequest(page);
      await page.locator(".bodies").evaluate((one) => one.scrollIntoView());
    },
  },
  {
    name: "response",
    colorScheme: "light",
    width: 1280,
    async prepare(page) {
      await openRequest(page);
      await page.getByRole("tab", { name: "Response" }).click();
      await page.locator(".bodies").evaluate((one) => one.scrollIntoView());
    },
  },
  {
    name: "search",
    colorScheme: "dark",
    width: 1280,
    async prepare(page) {
      await page.locator("#search").fill("is:dropped");
      await page.locator("#found").getByText("found").waitFor();
    },
  },
];

const found = await startBrowser();
if ("missing" in found) throw new Error(found.missing);
let requests = 0;
const upstream = startUpstream(async () => {
  await new Promise((resolve) => setTimeout(resolve, 420));
  return respondSlowly(++requests > 1);
});
const services = createTestServices({
  upstream,
  env: { INSPECT: "1", TARGET_MODEL_OPUS: "anthropic/claude-opus-4.8" },
});
let time: number | null = Date.now() - 61 * MINUTE_MS;
services.about = ABOUT;
services.metrics = createSampleMetrics(() => new Date(time ?? Date.now()));
services.config = { ...services.config, baseUrl: "https://openrouter.ai/api/v1" };
services.client.fetchKey = () =>
  Promise.resolve({ data: { limit: 50, limit_remaining: 31.4, usage: 18.6 } });
services.keyCredit.read();
fillHour(services.metrics, (set) => time = set, Date.now());
time = null;
const handler = createHandler(services);
const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  (request) => handler(request, LOCAL),
);
const url = `http://127.0.0.1:${server.addr.port}`;
const client = new AbortController();
const send = () =>
  fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-claude-code-session-id": "3f2a9c1e-7b54-4c0d-9f7e-2a6f1d0c8b11",
    },
    body: JSON.stringify(requestBody(BODY)),
    signal: client.signal,
  });
await (await send()).text();
await send();
const [folder] = Deno.args;
const pictures = folder === undefined ? PICTURES : [...PICTURES, ...MORE_PICTURES];
for (const { name, colorScheme, width, prepare } of pictures) {
  const context = await found.browser.newContext({
    viewport: { width, height: width < 500 ? 844 : 960 },
    colorScheme,
  });
  const page = await context.newPage();
  await page.goto(url);
  await page.locator("#list .completed").first().waitFor();
  await page.locator("#setup-line").getByText("→").waitFor();
  await prepare?.(page);
  await page.screenshot({
    path: folder === undefined ? new URL(`${name}.png`, DOCS).pathname : `${folder}/${name}.png`,
  });
  await context.close();
}
client.abort();
await found.browser.close();
Deno.exit(0);
