/**
 * Tests the view of one request in a real browser: facts, timeline, conversation, both sides, copies.
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  callChunk,
  callHead,
  finishChunk,
  reasoningChunk,
  roleChunk,
  sse,
  textChunk,
  usageChunk,
} from "../helpers/chunks.ts";
import { errorBody, eventStream } from "../helpers/upstream.ts";
import { type Harness, startHarness, test } from "./harness.ts";

const INSPECT = { INSPECT: "1" };
/** One green pixel. */
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const TOOL = { name: "read_file", input_schema: { type: "object" } };
const MESSAGES = [
  {
    role: "user",
    content: [
      { type: "text", text: "<system-reminder>Stay polite</system-reminder>" },
      { type: "text", text: "What is in this picture?" },
      { type: "image", source: { type: "base64", media_type: "image/png", data: PIXEL } },
    ],
  },
  {
    role: "assistant",
    content: [
      { type: "thinking", thinking: "I should look", signature: "" },
      { type: "tool_use", id: "call_1", name: "read_file", input: { path: "a.txt", "it's": 1 } },
    ],
  },
  {
    role: "user",
    content: [{ type: "tool_result", tool_use_id: "call_1", is_error: true, content: "No file" }],
  },
];
const ANSWER = sse(
  roleChunk(),
  reasoningChunk({ text: "Now I know" }),
  textChunk("It is "),
  textChunk("green."),
  callChunk(callHead(0, "call_2", "read_file", '{"path":"b.txt"}')),
  finishChunk("tool_calls"),
  usageChunk(),
  "[DONE]",
);

async function openFirst({ page }: Harness): Promise<void> {
  await page.locator("#list .completed").first().click();
  await page.locator("#dialog[open]").waitFor();
}

async function openSample(): Promise<Harness> {
  const harness = await startHarness({ env: INSPECT, script: () => eventStream(ANSWER) });
  await harness.send({
    messages: MESSAGES,
    tools: [TOOL],
    system: "Be brief",
    stop_sequences: ["STOP"],
    inference_geo: "eu",
    metadata: { user_id: "it's $HOME `id`" },
  });
  await harness.open();
  await openFirst(harness);
  await harness.page.locator(".bodies [role=tab]").first().waitFor();
  return harness;
}

const readClipboard = ({ page }: Harness) =>
  page.evaluate("navigator.clipboard.readText()") as Promise<string>;

test("shows a request's facts, what was dropped and why, and how long each step took", async () => {
  await using harness = await startHarness();
  await harness.send({ inference_geo: "eu" });
  await harness.open();
  await openFirst(harness);
  const { page } = harness;
  assertEquals(await page.locator("#dialog .steps .name").allTextContents(), [
    "Receive and translate",
    "Wait for anthropic/claude-sonnet-4-20250514",
    "Until the first block",
    "text",
  ]);
  const durations = await page.locator("#dialog .steps .number").allTextContents();
  const total = durations.map((text) => parseFloat(text) * (text.endsWith(" ms") ? 1 : 1000))
    .reduce((sum, ms) => sum + ms, 0);
  const stats = await (await fetch(`${harness.proxy.url}/stats`)).json();
  assert(Math.abs(total - stats.requests[0].totalMs) <= 2, `${durations} of ${total} ms`);
  assertMatch(await page.locator("#dialog .facts").textContent() ?? "", /Status200.*Cost\$0\.0013/);
  assertMatch(
    await page.locator("#dialog .drops").textContent() ?? "",
    /^inference_geoLeft out: it does not change the meaning/,
  );
  // Bodies are not captured: the switch is here, with what it means.
  assertMatch(await page.locator("#dialog .capture").textContent() ?? "", /Everyone who can open/);
  await page.getByRole("button", { name: "Copy request ID" }).click();
  await page.getByText("Copied").waitFor();
  assertEquals(await readClipboard(harness), "req_1");
  // It stays open while the page keeps polling.
  await harness.send();
  await page.waitForTimeout(800);
  assert(await page.locator("#dialog .steps").isVisible());
});

test("renders a captured conversation as text, image, thinking, call and result", async () => {
  await using harness = await openSample();
  const { page } = harness;
  const conversation = page.locator("#dialog .conversation");
  await conversation.getByText("What is in this picture?").waitFor();
  const image = conversation.locator("img");
  assertMatch(await image.getAttribute("src") ?? "", /^data:image\/png;base64,/);
  const width = "document.querySelector('#dialog img').naturalWidth";
  await page.waitForFunction(`${width} === 1`);
  assertEquals(await conversation.locator(".frame h5").allTextContents(), [
    "Thinking",
    "Call read_file",
    "Error of read_file",
  ]);
  assertMatch(await conversation.locator(".call").textContent() ?? "", /path.?a\.txt.*it's.?1/);
  assertEquals(await conversation.getByText("Stay polite").count(), 0);
  await conversation.getByText("Reminder of the client").click();
  await conversation.getByText("Stay polite").waitFor();
  await conversation.getByText("System prompt").click();
  await conversation.getByText("Be brief").waitFor();
  await conversation.getByText("1 tool", { exact: true }).click();
  await conversation.locator("summary").getByText("read_file").waitFor();
  assertEquals(harness.errors, []);
});

test("aligns the two sides of a request, and marks what was renamed, added and dropped", async () => {
  await using harness = await openSample();
  const { page } = harness;
  const fields = page.locator("#dialog [role=tabpanel]:not([hidden]) .field");
  const read = async (name: string) => {
    const field = fields.filter({ has: page.locator(`.key:text-is("${name}")`) }).first();
    return await field.textContent() ?? "";
  };
  assertMatch(await read("stop_sequences"), /stop.*renamed.*the first four/);
  assertMatch(await read("inference_geo"), /eu.*dropped.*Left out/);
  assertMatch(await read("system"), /Be brief.*messages\[0\].*renamed/);
  assertMatch(await read("max_tokens"), /same$/);
  // JSON opens level by level.
  const tools = fields.filter({ has: page.locator(".key:text-is('tools')") }).first();
  assertEquals(await tools.locator(".branch > *").count(), 0);
  await tools.locator("summary").first().click();
  await tools.locator(".branch summary").first().waitFor();
});

test("shows the assembled answer first, and the raw events behind a switch", async () => {
  await using harness = await openSample();
  const { page } = harness;
  await page.getByRole("tab", { name: "Request" }).press("ArrowRight");
  const panel = page.locator("#dialog [role=tabpanel]:not([hidden])");
  await panel.getByText("It is green.").waitFor();
  assertEquals(await panel.locator(".turn .frame h5").allTextContents(), [
    "Thinking",
    "Call read_file",
  ]);
  const finish = panel.locator(".field", { has: page.locator(".key:text-is('stop_reason')") });
  assertMatch(await finish.textContent() ?? "", /tool_use.*finish_reason.*tool_calls.*renamed/);
  assertEquals(await panel.locator(".raw").count(), 0);
  await panel.getByRole("button", { name: "Raw events" }).click();
  const [client, upstream] = await panel.locator(".raw").allTextContents();
  assertMatch(client ?? "", /^event: message_start\n/);
  assertEquals(upstream, ANSWER);
  assertEquals(await panel.getByText("It is green.").first().isVisible(), false);
  assertEquals(harness.errors, []);
});

test("copies JSON and curl commands with $KEY instead of a key", async () => {
  await using harness = await openSample();
  const { page, proxy } = harness;
  const copy = async (name: string) => {
    await page.getByRole("button", { name, exact: true }).click();
    await page.getByText("Copied").first().waitFor();
    const text = await readClipboard(harness);
    await page.getByRole("button", { name, exact: true }).waitFor();
    return text;
  };
  assertEquals(JSON.parse(await copy("Copy the client's JSON")).inference_geo, "eu");
  assertMatch(JSON.parse(await copy("Copy upstream's JSON")).model, /^anthropic\//);
  const client = await copy("Copy the client's curl");
  assert(client.startsWith(`curl -N '${proxy.url}/v1/messages' \\\n`), client);
  assert(client.includes(`'x-api-key: '"$KEY"`));
  assert(client.includes(`it'\\''s $HOME \`id\``));
  const upstream = await copy("Copy upstream's curl");
  assert(upstream.startsWith(`curl -N '${proxy.services.config.baseUrl}/chat/completions' \\\n`));
  assert(upstream.includes(`'authorization: Bearer '"$KEY"`));
  assertEquals(/sk-or-v1-/.test(client + upstream), false);
});

test("shows an error of upstream as it came, beside what the client got", async () => {
  await using harness = await startHarness({
    env: INSPECT,
    script: () => errorBody(429, "Slow down, please"),
  });
  await harness.send();
  await harness.open();
  await openFirst(harness);
  const { page } = harness;
  assertMatch(await page.locator("#dialog .error").textContent() ?? "", /^rate limit error.*Slow/);
  await page.getByRole("tab", { name: "Response" }).click();
  const panel = page.locator("#dialog [role=tabpanel]:not([hidden])");
  assertMatch(await panel.locator(".column").first().textContent() ?? "", /rate_limit_error/);
  assertEquals(harness.errors, []);
});
