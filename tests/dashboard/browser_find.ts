/**
 * Tests the search, the keyboard, permalinks, and 10,000 requests in a real browser.
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { errorBody, eventStream } from "../helpers/upstream.ts";
import { sseAnswer } from "../helpers/chunks.ts";
import { type Harness, startHarness, test } from "./harness.ts";
import { fillMany } from "./sample_metrics.ts";

const LONG_TASK_MS = 50;

/** Three models, one of which fails. */
async function sendThree(harness: Harness): Promise<void> {
  await harness.send({ model: "claude-a", inference_geo: "eu" });
  await harness.send({ model: "claude-b" }, { "x-claude-code-session-id": "session-b" });
  await harness.send({ model: "claude-c" });
  await harness.open();
  await harness.page.locator("#list .session").first().waitFor();
}

const listModels = ({ page }: Harness) => page.locator("#list .completed .row").allTextContents();

test("finds requests by words and by chips, and shows how many", async () => {
  let count = 0;
  const script = () => ++count === 3 ? errorBody(429, "Slow down") : eventStream(sseAnswer("Hi"));
  await using harness = await startHarness({ script });
  await sendThree(harness);
  const { page } = harness;
  const expect = async (found: string, models: string[]) => {
    await page.locator("#found").getByText(found, { exact: true }).waitFor();
    assertEquals(await listModels(harness), models);
  };
  await page.locator("#search").fill("claude-b");
  await expect("1 request found", ["claude-b"]);
  await page.locator("#search").fill("");
  await page.getByRole("button", { name: "Errors" }).click();
  await expect("1 request found", ["claude-c"]);
  assertEquals(await page.locator("#search").inputValue(), "is:error");
  await page.getByRole("button", { name: "Dropped" }).click();
  await expect("0 requests found", []);
  await page.getByRole("button", { name: "Errors" }).click();
  await expect("1 request found", ["claude-a"]);
  await page.getByRole("button", { name: "Dropped" }).click();
  await page.locator("#session-filter").selectOption("session-b");
  await expect("1 request found", ["claude-b"]);
  await page.locator("#session-filter").selectOption("");
  await page.locator("#model-filter").selectOption({ index: 1 });
  assertMatch(await page.locator("#search").inputValue(), /^model:anthropic\//);
  for (const chip of ["Slow", "Costly"]) {
    await page.locator("#search").fill("");
    await page.getByRole("button", { name: chip }).click();
    await page.locator("#found").getByText(/found/).waitFor();
    assert((await listModels(harness)).length >= 1, chip);
  }
  assertEquals(harness.errors, []);
});

test("works with the keyboard alone: / searches, arrows select, Enter opens, Esc closes", async () => {
  await using harness = await startHarness();
  for (const model of ["claude-a", "claude-b", "claude-c"]) await harness.send({ model });
  await harness.open();
  const { page } = harness;
  const focused = () => page.evaluate("document.activeElement.textContent.trim()");
  assertEquals(await page.locator("#list button[tabindex='0']").count(), 1);
  await page.keyboard.press("/");
  assertEquals(await page.evaluate("document.activeElement.id"), "search");
  await page.keyboard.type("claude/");
  assertEquals(await page.locator("#search").inputValue(), "claude/");
  await page.keyboard.press("Escape");
  assertEquals(await page.locator("#search").inputValue(), "");
  await page.keyboard.press("ArrowDown");
  assertEquals(await focused(), "claude-c");
  await page.keyboard.press("ArrowDown");
  assertEquals(await focused(), "claude-b");
  await page.keyboard.press("End");
  assertEquals(await focused(), "claude-a");
  await page.keyboard.press("Enter");
  const title = page.locator("#dialog-title");
  assertEquals(await title.textContent(), "claude-a");
  await page.keyboard.press("k");
  assertEquals(await title.textContent(), "claude-b");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  assertEquals(await title.textContent(), "claude-a");
  await page.keyboard.press("Escape");
  assertEquals(await page.locator("#dialog").isVisible(), false);
  assertEquals(await focused(), "claude-a");
  await page.keyboard.press("Home");
  assertEquals(await focused(), "Requests without a session");
  await page.keyboard.press("Enter");
  assertEquals(await page.locator("#list .completed").count(), 0);
  assertEquals(await focused(), "Requests without a session");
});

test("opens the request that the address names, and removes it from the address when it is closed", async () => {
  await using harness = await startHarness();
  for (const model of ["claude-a", "claude-b"]) await harness.send({ model });
  const { page, proxy } = harness;
  await page.goto(`${proxy.url}/#req_1`);
  await page.locator("#dialog-title").getByText("claude-a").waitFor();
  await page.getByRole("button", { name: "Copy link" }).click();
  await page.getByText("Copied").waitFor();
  assertEquals(await page.evaluate("navigator.clipboard.readText()"), `${proxy.url}/#req_1`);
  await page.getByRole("button", { name: "Newer" }).click();
  assertEquals(new URL(page.url()).hash, "#req_2");
  await page.getByRole("button", { name: "Close" }).click();
  await page.waitForFunction("location.hash === ''");
  await page.evaluate("location.hash = 'req_1'");
  await page.locator("#dialog-title").getByText("claude-a").waitFor();
  await page.goto(`${proxy.url}/#req_404`);
  await page.locator("#list .completed").first().waitFor();
  assertEquals(await page.locator("#dialog").isVisible(), false);
});

/** The processor time of the page's longest task, in milliseconds: unlike its duration, not that of other programs. */
function findLongestTask(trace: string, url: string): number {
  const { traceEvents: events } = JSON.parse(trace) as { traceEvents: TraceEvent[] };
  // Chromium's own pages have processes too.
  const threads = events.filter(({ name, args }) =>
    name === "EvaluateScript" && args?.data?.url?.startsWith(url)
  ).map(({ pid, tid }) => `${pid} ${tid}`);
  const tasks = events.filter(({ name, pid, tid }) =>
    name.endsWith("RunTask") && threads.includes(`${pid} ${tid}`)
  );
  assert(tasks.length > 100, `only ${tasks.length} tasks: the trace is broken`);
  return Math.max(...tasks.map(({ tdur, dur = 0 }) => tdur ?? dur)) / 1000;
}

/** An event of Chromium's trace, times in microseconds. */
interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  dur?: number;
  tdur?: number;
  args?: { data?: { url?: string } };
}

/** Loads, scrolls, searches and opens. @returns the longest task, in milliseconds */
async function measureLongestTask(): Promise<number> {
  await using harness = await startHarness();
  fillMany(harness.proxy.services.metrics, 10_000);
  const { page, browser } = harness;
  await browser.startTracing(page, {
    categories: ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline"],
  });
  await harness.open();
  await page.waitForFunction("document.querySelectorAll('#list .completed').length > 10");
  await page.locator("#search").fill("req_m1");
  // Ten thousand requests, of which those with this number begin so, in a hundred sessions.
  await page.locator("#found").getByText("1,111 requests found").waitFor({ timeout: 20_000 });
  assert(await page.locator("#list [role=listitem]").count() < 80);
  for (const query of ["", "is:slow", "is:costly", "rate limit", ""]) {
    await page.locator("#search").fill(query);
    await page.waitForTimeout(200);
  }
  for (let number = 0; number < 5; number++) {
    await page.mouse.wheel(0, 3000);
    await page.waitForTimeout(50);
  }
  await page.keyboard.press("/");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.locator("#dialog .steps").waitFor();
  const trace = new TextDecoder().decode(await browser.stopTracing());
  return findLongestTask(trace, harness.proxy.url);
}

test("has no task over 50 ms with 10,000 requests: loading, scrolling, searching, opening", async () => {
  const tasks: number[] = [];
  // The tracing itself and a busy machine make some runs slower.
  while (tasks.length < 3 && !tasks.some((ms) => ms <= LONG_TASK_MS)) {
    tasks.push(await measureLongestTask());
  }
  assert(Math.min(...tasks) <= LONG_TASK_MS, `the longest tasks of the runs took ${tasks} ms`);
});

test("stays where it is when requests arrive above, and keeps the focus while it scrolls", async () => {
  await using harness = await startHarness();
  fillMany(harness.proxy.services.metrics, 300);
  await harness.open();
  const { page } = harness;
  await page.locator("#list .session").first().waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("claude");
  await page.locator("#found").getByText("300 requests found").waitFor();
  await page.keyboard.press("ArrowDown");
  for (let number = 0; number < 120; number++) await page.keyboard.press("ArrowDown");
  const focused = () =>
    page.evaluate(`(() => {
      const { top } = document.activeElement.closest("[role=listitem]").getBoundingClientRect();
      return [document.activeElement.getAttribute("aria-label"), Math.round(top)];
    })()`);
  const [name, top] = await focused() as [string, number];
  for (let number = 0; number < 3; number++) await harness.send();
  await page.locator("#found").getByText("303 requests found").waitFor();
  assertEquals(await focused(), [name, top]);
  await page.mouse.wheel(0, -100_000);
  await page.waitForTimeout(200);
  assertEquals((await focused() as [string, number])[0], name);
});
