/**
 * Tests the dashboard in a real browser with the real proxy. Not named `*_test.ts`: `deno task test` needs no browser,
 * `deno task test:dashboard` runs these.
 * @module
 */

import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import {
  completion,
  finishChunk,
  roleChunk,
  sse,
  sseAnswer,
  textChunk,
  usageChunk,
} from "../helpers/chunks.ts";
import { createOpenStream, errorBody, eventStream } from "../helpers/upstream.ts";
import { startHarness, test } from "./harness.ts";

const LIVE_MS = 1000;

test("shows the address for clients while there are no requests", async () => {
  await using harness = await startHarness();
  await harness.open();
  const { page, proxy } = harness;
  assertEquals(await page.locator("#address").textContent(), `ANTHROPIC_BASE_URL=${proxy.url}`);
  assert(await page.locator("#empty").isVisible());
  assertEquals(await page.locator("#spent").textContent(), "$0.0000");
  assertEquals(harness.errors, []);
});

test("shows three requests within a second, newest first", async () => {
  await using harness = await startHarness();
  await harness.open();
  for (const model of ["claude-a", "claude-b", "claude-c"]) await harness.send({ model });
  const startedAt = performance.now();
  const { page } = harness;
  await page.locator("#completed tr").nth(2).waitFor({ timeout: LIVE_MS });
  const waitedMs = performance.now() - startedAt;
  assert(waitedMs < LIVE_MS, `${waitedMs} ms`);
  assertEquals(await page.locator("#completed .row > .name:first-child").allTextContents(), [
    "claude-c",
    "claude-b",
    "claude-a",
  ]);
  const cells = await page.locator("#completed tr").first().locator("td").allTextContents();
  assertMatch(cells[0] ?? "", /^\d\d:\d\d:\d\d$/);
  assertMatch(cells[1] ?? "", /claude-c.*anthropic\/claude-4-sonnet · Anthropic/);
  assertEquals(cells.slice(2, 6), ["120", "7", "83%", "$0.0013"]);
  assertEquals(cells.at(-1), "complete");
  assertEquals(await page.locator("#spent").textContent(), "$0.0038");
  assertEquals(await page.locator("#count").textContent(), "3");
  assertEquals(await page.locator("#models tbody tr").count(), 1);
  assertEquals(harness.errors, []);
});

test("shows the growing output of an active request within a second, then moves it to the completed ones", async () => {
  const source = createOpenStream(sse(roleChunk(), textChunk("x".repeat(40))));
  await using harness = await startHarness({ script: () => source.response });
  await harness.open();
  const { page } = harness;
  const sent = harness.send().catch(() => {});
  const out = page.locator("#active td").nth(3);
  await out.getByText("≈ 10", { exact: true }).waitFor({ timeout: LIVE_MS });
  source.send(sse(textChunk("y".repeat(4000))));
  await out.getByText("≈ 1,010", { exact: true }).waitFor({ timeout: LIVE_MS });
  assertEquals(await page.locator("#active .end").textContent(), "responding");
  source.send(sse(finishChunk(), usageChunk(), "[DONE]"));
  source.close();
  await sent;
  await page.locator("#completed tr").waitFor({ timeout: LIVE_MS });
  assertEquals(await page.locator("#active tr").count(), 0);
});

test("draws cost and tokens over time, and describes the bar that the arrow keys select", async () => {
  await using harness = await startHarness();
  await harness.send();
  await harness.open();
  const { page } = harness;
  assertEquals(await page.locator("#plot rect[class^=fill]").count(), 1);
  assertEquals(await page.locator("#plot .most").textContent(), "$0.0013");
  await page.getByRole("button", { name: "Tokens" }).click();
  assertEquals(await page.locator("#plot rect[class^=fill]").count(), 3);
  assertEquals(await page.locator("#plot .most").textContent(), "127");
  await page.getByRole("button", { name: "Day" }).click();
  await page.locator("#plot").focus();
  await page.keyboard.press("ArrowLeft");
  assertMatch(
    await page.locator("#readout").textContent() ?? "",
    /^\d\d:\d\d {2}1 request {2}120 in, 7 out {2}\$0\.0013$/,
  );
  assertMatch(await page.locator("#plot").getAttribute("aria-label") ?? "", /^Tokens over .* day/);
});

test("opens a request's timeline on a click, and closes it on another", async () => {
  await using harness = await startHarness();
  await harness.send({ inference_geo: "eu" });
  await harness.open();
  const { page } = harness;
  const row = page.locator("#completed tr").first();
  await row.click();
  const steps = await page.locator(".steps .name").allTextContents();
  assertEquals(steps, [
    "Received",
    "Sent to anthropic/claude-sonnet-4-20250514",
    "Upstream headers",
    "Block: text",
    "End: complete",
  ]);
  assertMatch(
    await page.locator(".facts").textContent() ?? "",
    /Status 200.*Dropped inference_geo/,
  );
  assertEquals(await page.locator(".pane").count(), 0);
  // It stays open while the dashboard keeps polling.
  await harness.send();
  await page.locator("#completed > tr:not(.detail)").nth(1).waitFor();
  assertEquals(await page.locator(".steps").count(), 1);
  await page.locator("#completed tr.open").click();
  assertEquals(await page.locator(".steps").count(), 0);
});

test("shows the four bodies side by side under INSPECT=1", async () => {
  await using harness = await startHarness({ env: { INSPECT: "1" } });
  await harness.send({ messages: [{ role: "user", content: "A question" }] });
  await harness.open();
  const { page } = harness;
  await page.locator("#completed tr").first().click();
  await page.locator(".pane").nth(3).waitFor();
  const [request, sent, received, response] = await page.locator(".pane pre").allTextContents();
  assertMatch(request ?? "", /"content": "A question"/);
  assertMatch(sent ?? "", /"model": "anthropic\/claude-sonnet-4-20250514"/);
  assertEquals(received, sseAnswer("Hello"));
  assertMatch(response ?? "", /^event: message_start\n/);
  const boxes = await Promise.all(
    [0, 1, 2, 3].map((number) => page.locator(".pane").nth(number).boundingBox()),
  );
  assertEquals(new Set(boxes.map((box) => box?.y)).size, 1);
  assertEquals(harness.errors, []);
});

test("shows errors and dropped fields", async () => {
  await using harness = await startHarness({ script: () => errorBody(429, "Slow down, please") });
  await harness.send({ inference_geo: "eu" });
  await harness.open();
  const { page } = harness;
  const errors = await page.locator("#errors").textContent();
  assertMatch(errors ?? "", /rate limit error1.*Slow down, please.*inference_geo1/);
  assertEquals(await page.locator("#completed .bad").textContent(), "rate limit error");
});

// ── Appearance ──────────────────────────────────────────────────────────────────────────────────────────────

/** Runs in the browser: contrast of each text colour with each background, by WCAG, from 1 to 21. */
const CONTRAST = `(() => {
  const style = getComputedStyle(document.documentElement);
  const light = (name) => {
    const hex = style.getPropertyValue(name).trim().slice(1);
    const [r, g, b] = [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
      .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  return ["--text", "--muted", "--bad", "--warn", "--accent"].flatMap((ink) =>
    ["--ground", "--surface"].map((paper) => [ink + " on " + paper, contrast(ink, paper)]));
})()`;

for (const colorScheme of ["light", "dark"] as const) {
  test(`has enough contrast in the ${colorScheme} colour scheme`, async () => {
    await using harness = await startHarness({ colorScheme });
    await harness.open();
    const contrasts = await harness.page.evaluate(CONTRAST) as [string, number][];
    assertEquals(contrasts.length, 10);
    assertEquals(contrasts.filter(([, contrast]) => contrast < 4.5), []);
    const ground = await harness.page.evaluate("getComputedStyle(document.body).backgroundColor");
    assertEquals(ground, colorScheme === "light" ? "rgb(250, 249, 247)" : "rgb(20, 19, 18)");
  });
}

for (const width of [400, 760, 900, 1280]) {
  test(`fits ${width} px with a request open and very long names`, async () => {
    await using harness = await startHarness({ width, env: { INSPECT: "1", MAX_COST_USD: "5" } });
    await harness.send({ model: "m".repeat(300), system: "s".repeat(500) });
    await harness.open();
    const { page } = harness;
    await page.locator("#completed tr").first().click();
    await page.locator(".pane").nth(3).waitFor();
    assertEquals(await page.evaluate("document.documentElement.scrollWidth"), width);
    // No element is cut off at the right edge either.
    const overflowing = await page.evaluate(
      `[...document.querySelectorAll("main *")].filter((one) => one.getBoundingClientRect().right > ${width}).length`,
    );
    assertEquals(overflowing, 0);
  });
}

/** Runs in the browser: time of the first contentful paint, which may still be pending. */
const FIRST_PAINT = `new Promise((resolve) => {
  new PerformanceObserver((list) => {
    const paint = list.getEntries().find(({ name }) => name === "first-contentful-paint");
    if (paint !== undefined) resolve(paint.startTime);
  }).observe({ type: "paint", buffered: true });
})`;

test("paints its first content in less than 200 ms", async () => {
  await using harness = await startHarness();
  const paints: number[] = [];
  for (let i = 0; i < 5; i++) {
    await harness.open();
    paints.push(Number(await harness.page.evaluate(FIRST_PAINT)));
  }
  const [, , median = Infinity] = paints.toSorted((a, b) => a - b);
  assert(median < 200, `first paints after ${paints.map(Math.round).join(", ")} ms`);
});

// ── Keyboard ────────────────────────────────────────────────────────────────────────────────────────────────

test("works with the keyboard alone; the list is a single tab stop", async () => {
  await using harness = await startHarness();
  for (const model of ["claude-a", "claude-b", "claude-c"]) await harness.send({ model });
  await harness.open();
  const { page } = harness;
  const focused = () =>
    page.evaluate("document.activeElement.closest('tr')?.querySelector('.name')?.textContent");
  assertEquals(await page.locator("#completed button[tabindex='0']").count(), 1);
  for (let i = 0; i < 6; i++) await page.keyboard.press("Tab");
  assertEquals(await focused(), "claude-c");
  await page.keyboard.press("ArrowDown");
  assertEquals(await focused(), "claude-b");
  await page.keyboard.press("End");
  assertEquals(await focused(), "claude-a");
  await page.keyboard.press("Enter");
  assertEquals(await page.locator(".steps").count(), 1);
  const button = page.locator("#completed button.row").nth(2);
  assertEquals(await button.getAttribute("aria-expanded"), "true");
  await page.keyboard.press("Escape");
  assertEquals(await page.locator(".steps").count(), 0);
  assertEquals(await focused(), "claude-a");
  await page.keyboard.press("Tab");
  assertNotEquals(await focused(), "claude-b");
});

// ── Access and hostile input ────────────────────────────────────────────────────────────────────────────────

test("opens with a key of PROXY_API_KEYS as the password, and stays live", async () => {
  const env = { PROXY_API_KEYS: "team-key-1" };
  await using harness = await startHarness({ env, password: "team-key-1" });
  await harness.open();
  await harness.send();
  await harness.page.locator("#completed tr").waitFor({ timeout: LIVE_MS });
  assertEquals(harness.page.url().includes("team-key-1"), false);
});

for (const password of [undefined, "wrong"]) {
  test(`does not open with ${password ?? "no"} password if PROXY_API_KEYS is set`, async () => {
    const env = { PROXY_API_KEYS: "team-key-1" };
    await using harness = await startHarness({ env, ...(password && { password }) });
    const status = await harness.page.goto(harness.proxy.url).then(
      (response) => response?.status(),
      String,
    );
    // Without credentials some versions of the browser report the 401 as an error.
    assertMatch(String(status), /^401$|ERR_INVALID_AUTH_CREDENTIALS/);
    assertEquals(await harness.page.locator("#status").count(), 0);
  });
}

const MARKUP =
  `<img src=x onerror="window.pwned=1"><script>window.pwned=1</script><b id=pwned>"'&\u202e`;

test("shows hostile names, prompts, errors and tools as text, never as markup", async () => {
  const call = { index: 0, id: "c", type: "function", function: { name: MARKUP, arguments: "{}" } };
  const hostile = { ...completion("Hi"), model: MARKUP, provider: MARKUP };
  await using harness = await startHarness({
    env: { INSPECT: "1" },
    script: [
      () =>
        eventStream(sse(roleChunk(), textChunk(MARKUP), {
          ...hostile,
          choices: [
            { index: 0, delta: { tool_calls: [call] }, finish_reason: "tool_calls" },
          ],
        }, "[DONE]")),
      () => errorBody(429, MARKUP),
      () => Response.json(hostile),
    ],
  });
  await harness.open();
  const { page } = harness;
  const messages = [{ role: "user", content: MARKUP }];
  for (const stream of [true, true, false]) {
    await harness.send({ model: `a/${MARKUP}`, messages, [MARKUP]: 1, stream });
  }
  await page.locator("#completed tr").nth(2).waitFor();
  for (const number of [2, 1, 0]) {
    await page.locator("#completed tr:not(.detail)").nth(number).locator("button").press("Enter");
    await page.locator(".pane").nth(3).waitFor();
    assertMatch(await page.locator(".pane pre").first().textContent() ?? "", /onerror=/);
  }
  assertMatch(await page.locator("#completed .name").first().textContent() ?? "", /^a\/<img src=x/);
  assertMatch(await page.locator("#errors").textContent() ?? "", /<script>window\.pwned/);
  assertEquals(await page.evaluate("window.pwned"), undefined);
  assertEquals(await page.locator("img, #pwned, body script ~ script").count(), 0);
  // The policy blocks a script that is inserted all the same.
  await page.evaluate(
    `document.body.append(Object.assign(document.createElement("script"), { textContent: "window.pwned = 1" }))`,
  );
  assertEquals(await page.evaluate("window.pwned"), undefined);
  assertMatch(harness.errors.join("\n"), /Content Security Policy/);
  assertEquals(harness.errors.length, 1);
});

// ── Polling ─────────────────────────────────────────────────────────────────────────────────────────────────

test("does not poll while it is hidden, and resumes when it is visible again", async () => {
  const before =
    `Object.defineProperty(document, "hidden", { get: () => window.isHidden === true })`;
  await using harness = await startHarness({ before });
  await harness.open();
  const { page } = harness;
  await page.evaluate("window.isHidden = true");
  await page.waitForTimeout(700);
  let polls = 0;
  page.on("request", () => polls++);
  await harness.send();
  await page.waitForTimeout(1200);
  assertEquals(polls, 0);
  await page.evaluate(
    `window.isHidden = false; document.dispatchEvent(new Event("visibilitychange"))`,
  );
  await page.locator("#completed tr").waitFor({ timeout: LIVE_MS });
});

test("reports that the proxy does not respond, and resumes when it does", async () => {
  await using harness = await startHarness();
  await harness.open();
  const { page } = harness;
  await page.route("**/stats?*", (route) => route.abort());
  await page.locator("#status[data-state=lost]").waitFor();
  assertEquals(await page.locator("#status").textContent(), "The proxy does not respond");
  await page.unroute("**/stats?*");
  await page.locator("#status[data-state=live]").waitFor();
});

test("starts over when the proxy was restarted", async () => {
  await using harness = await startHarness();
  await harness.send({ model: "claude-before" });
  await harness.open();
  const { page, proxy } = harness;
  await page.locator("#completed tr").waitFor();
  const stats = await (await fetch(`${proxy.url}/stats`)).json();
  const [request] = stats.requests;
  const other = {
    ...stats,
    startedAt: stats.startedAt + 1,
    requests: [{ ...request, model: "claude-after" }],
  };
  await page.route("**/stats?*", (route) => route.fulfill({ json: other }));
  await page.getByText("claude-after").waitFor();
  assertEquals(await page.getByText("claude-before").count(), 0);
});
