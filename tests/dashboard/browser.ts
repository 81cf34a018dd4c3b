/**
 * Tests the dashboard in a real browser with the real proxy: sessions, requests in flight, figures, set-up, access and
 * polling. Not named `*_test.ts`: `deno task test` needs no browser, `deno task test:dashboard` runs these.
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { finishChunk, roleChunk, sse, textChunk, usageChunk } from "../helpers/chunks.ts";
import { createOpenStream, errorBody } from "../helpers/upstream.ts";
import { startHarness, test } from "./harness.ts";

const LIVE_MS = 1000;
const SESSION = { "x-claude-code-session-id": "aaaaaaaa-1111" };
const OTHER_SESSION = { "x-claude-code-session-id": "bbbbbbbb-2222" };

test("shows the two lines that start Claude Code while there are no requests", async () => {
  await using harness = await startHarness();
  await harness.open();
  const { page, proxy } = harness;
  const lines = `export ANTHROPIC_BASE_URL=${proxy.url} ANTHROPIC_AUTH_TOKEN=any-word\nclaude`;
  assertEquals(await page.locator("#address").textContent(), lines);
  assert(await page.locator("#empty").isVisible());
  await page.getByRole("button", { name: "Copy these lines" }).first().click();
  await page.getByText("Copied").waitFor();
  assertEquals(await page.evaluate("navigator.clipboard.readText()"), lines);
  assertEquals(await page.locator("#spent").textContent(), "$0.0000");
  await harness.send();
  await page.locator("#list .completed").waitFor({ timeout: LIVE_MS });
  assertEquals(await page.locator("#empty").isVisible(), false);
  assertEquals(harness.errors, []);
});

test("shows three requests within a second, newest first", async () => {
  await using harness = await startHarness();
  await harness.open();
  for (const model of ["claude-a", "claude-b", "claude-c"]) await harness.send({ model });
  const startedAt = performance.now();
  const { page } = harness;
  await page.locator("#list .completed").nth(2).waitFor({ timeout: LIVE_MS });
  assert(performance.now() - startedAt < LIVE_MS);
  const names = await page.locator("#list .completed .row").allTextContents();
  assertEquals(names, ["claude-c", "claude-b", "claude-a"]);
  const first = page.locator("#list .completed").first();
  assertMatch(await first.locator(".time").textContent() ?? "", /^\d\d:\d\d:\d\d$/);
  assertEquals(await first.locator(".to").textContent(), "anthropic/claude-4-sonnet · Anthropic");
  const numbers = await first.locator(".number").allTextContents();
  assertEquals(numbers.slice(0, 4), ["120", "7", "83%", "$0.0013"]);
  assertEquals(await first.locator(".end").textContent(), "complete");
  assertEquals(await page.locator("#spent").textContent(), "$0.0037");
  assertEquals(await page.locator("#count").textContent(), "3");
  assertEquals(harness.errors, []);
});

test("groups requests by session, with cost, turns, kinds, cache share, speed and errors", async () => {
  const replies = { fails: false };
  const source = () =>
    replies.fails
      ? errorBody(429, "Slow down")
      : new Response(sse(roleChunk(), textChunk("Hi"), finishChunk(), usageChunk(), "[DONE]"), {
        headers: { "content-type": "text/event-stream" },
      });
  await using harness = await startHarness({ script: source });
  const thinking = { type: "adaptive" };
  await harness.send({ thinking }, OTHER_SESSION);
  await harness.send({ thinking }, SESSION);
  await harness.send({ thinking }, { ...SESSION, "x-claude-code-agent-id": "agent-1" });
  await harness.send({ stop_sequences: ["</block>"] }, SESSION);
  replies.fails = true;
  await harness.send({ thinking }, SESSION);
  await harness.open();
  const { page } = harness;
  const session = page.locator("#list .session").first();
  assertEquals(await page.locator("#list .session").count(), 2);
  assertEquals(await session.locator(".row").textContent(), "Session aaaaaaaa");
  const about = await session.locator(".to").textContent() ?? "";
  assertMatch(
    about,
    /^anthropic\/claude-4-sonnet · Anthropic · 2 turns · 1 agent · 1 guard · since/,
  );
  assertEquals(await session.locator(".figure").allTextContents().then((all) => all.slice(0, 3)), [
    "83%cached",
    (await session.locator(".figure").nth(1).textContent()) ?? "",
    "1error",
  ]);
  assertEquals(await session.locator(".cost b").textContent(), "$0.0037");
  assertEquals(await page.locator("#list .tag").allTextContents(), ["guard", "agent"]);
  // The newest session is open; the other one opens on a click.
  assertEquals(await page.locator("#list .completed").count(), 4);
  await page.locator("#list .session").nth(1).locator("button").click();
  assertEquals(await page.locator("#list .completed").count(), 5);
  await session.locator("button").click();
  assertEquals(await page.locator("#list .completed").count(), 1);
  assertEquals(await session.locator("button").getAttribute("aria-expanded"), "false");
  assertEquals(harness.errors, []);
});

test("shows how much of the model's window a session uses", async () => {
  await using harness = await startHarness();
  const { services } = harness.proxy;
  services.catalog.find = () => ({ contextLength: 1000 }) as never;
  await harness.send({ thinking: { type: "adaptive" } }, SESSION);
  await harness.open();
  const session = harness.page.locator("#list .session").first();
  assertEquals(await session.locator(".caption").textContent(), "120 of 1k · 12%");
  assertEquals(
    await session.locator(".meter").getAttribute("aria-label"),
    "Context 12% full",
  );
  const width = await harness.page.evaluate(
    "document.querySelector('.session .meter i').style.width",
  );
  assertEquals(width, "12%");
});

test("shows a request in flight within a second: its output, its last event, and silence of upstream", async () => {
  const source = createOpenStream(sse(roleChunk(), textChunk("x".repeat(40))));
  await using harness = await startHarness({ script: () => source.response });
  await harness.open();
  const { page } = harness;
  const sent = harness.send({}, SESSION).catch(() => {});
  const row = page.locator("#list .running-row");
  await row.locator(".number").nth(1).getByText("≈ 10", { exact: true }).waitFor({
    timeout: LIVE_MS,
  });
  assertEquals(await row.locator(".end").textContent(), "responding");
  assertEquals(await page.locator("#list .session .running").textContent(), "1 running");
  source.send(sse(textChunk("y".repeat(4000))));
  await row.getByText("≈ 1,010", { exact: true }).waitFor({ timeout: LIVE_MS });
  assertMatch(
    await row.locator(".end").getAttribute("title") ?? "",
    /^Last event \d\.\d\d s ago$/,
  );
  const { metrics } = harness.proxy.services;
  const read = metrics.read.bind(metrics);
  metrics.read = (after, limit) => {
    const stats = read(after, limit);
    return { ...stats, inFlight: stats.inFlight.map((one) => ({ ...one, idleMs: 42_000 })) };
  };
  await row.getByText("silent for 42 s").waitFor({ timeout: LIVE_MS });
  metrics.read = read;
  source.send(sse(finishChunk(), usageChunk(), "[DONE]"));
  source.close();
  await sent;
  await page.locator("#list .completed").waitFor({ timeout: LIVE_MS });
  assertEquals(await row.count(), 0);
});

test("opens the chart from the sparkline, and describes the bar that the arrow keys select", async () => {
  await using harness = await startHarness();
  await harness.send();
  await harness.open();
  const { page } = harness;
  assertEquals(await page.locator("#sparkline rect").count(), 1);
  assertEquals(await page.locator("#chart").isVisible(), false);
  assertMatch(
    await page.locator("#sparkline").getAttribute("aria-label") ?? "",
    /^Cost over the last hour, highest minute \$0\.0013/,
  );
  await page.locator("#sparkline").click();
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
  assertEquals(await page.locator("#models tbody tr").count(), 1);
});

test("shows errors and dropped fields", async () => {
  await using harness = await startHarness({ script: () => errorBody(429, "Slow down, please") });
  await harness.send({ inference_geo: "eu" });
  await harness.open();
  const { page } = harness;
  assertEquals(await page.locator("#list .completed .bad").textContent(), "rate limit error");
  await page.getByRole("button", { name: "Figures" }).click();
  const errors = await page.locator("#errors").textContent();
  assertMatch(errors ?? "", /rate limit error1.*Slow down, please.*inference_geo1/);
});

test("shows what each key cost today, and past days and models only with a history", async () => {
  const env = { PROXY_API_KEYS: "team-key-1,team-key-2", MAX_COST_USD_PER_KEY: "3" };
  await using harness = await startHarness({
    env,
    password: "team-key-1",
    clientKey: "team-key-2",
  });
  await harness.send();
  await harness.open();
  const { page, proxy } = harness;
  assertEquals(await page.locator("#history-button").isVisible(), false);
  await page.getByRole("button", { name: "Figures" }).click();
  const keys = await page.locator("#key-costs li").allTextContents();
  assertEquals(keys, ["key 1$0.0000 of $3 a day", "key 2$0.0013 of $3 a day"]);
  assertEquals((await page.content()).includes("team-key"), false);
  const totals = proxy.services.metrics.totals;
  const row = { ...totals, estimatedUsd: 0, name: "2026-11-29", firstTime: 0, lastTime: 0 };
  const queries: unknown[] = [];
  proxy.services.history = {
    days: 90,
    add: () => {},
    close: () => {},
    read: (query) => {
      queries.push(query);
      return Promise.resolve({ by: "day", since: 0, totals: row, rows: [row], omitted: 2 });
    },
  };
  await page.getByRole("button", { name: "History" }).click();
  await page.locator("#history tbody tr").first().waitFor();
  const text = await page.locator("#history").textContent() ?? "";
  assertMatch(text, /2026-11-29.*1.*0.*120.*7.*83%.*\$0\.0013.*Total.*and 2 more groups/);
  await page.getByLabel("Group by").selectOption("model");
  await page.getByLabel("Time range", { exact: true }).selectOption("90d");
  await page.waitForTimeout(300);
  assertEquals(queries, [
    { by: "day", since: "30d" },
    { by: "model", since: "30d" },
    { by: "model", since: "90d" },
  ]);
  assertEquals(harness.errors, []);
});

// ── Set-up and access ───────────────────────────────────────────────────────────────────────────────────────

test("shows upstream, models, access, version and the credit of the key, and never the key", async () => {
  const env = { TARGET_MODEL_OPUS: "a/x,b/y" };
  await using harness = await startHarness({ env });
  const { services } = harness.proxy;
  services.client.fetchKey = () =>
    Promise.resolve({ data: { label: "sk-or-v1-0", limit: 50, limit_remaining: 12.5 } });
  services.keyCredit.read();
  await harness.open();
  const { page } = harness;
  await page.locator("#setup-line").getByText("$12.50 left").waitFor();
  await page.getByRole("button", { name: "Set-up" }).click();
  const text = await page.locator("#setup").textContent() ?? "";
  for (const part of [services.config.baseUrl, "a/x, then b/y", "Clients on this computer"]) {
    assert(text.includes(part), `${part} is not in ${text}`);
  }
  assert(text.includes("$12.50 of $50 left") && text.includes("0.0.0"), text);
  assertEquals((await page.content()).includes("sk-or-v1"), false);
});

test("switches capturing on and off, and says what it means", async () => {
  await using harness = await startHarness();
  await harness.open();
  const { page, proxy } = harness;
  await page.getByRole("button", { name: "Set-up" }).click();
  assertMatch(
    await page.locator(".capture").textContent() ?? "",
    /Everyone who can open this page can read these conversations/,
  );
  await page.getByRole("button", { name: "Capture bodies from now on" }).click();
  await page.getByRole("button", { name: "Stop capturing and delete" }).waitFor();
  assertEquals(proxy.services.metrics.capturesBodies, true);
  await page.locator("#setup-line").getByText("capturing bodies").waitFor();
  await harness.send({ messages: [{ role: "user", content: "My last words" }] });
  await page.getByRole("button", { name: "Sessions" }).click();
  await page.locator("#list .completed").getByText("My last words").waitFor();
  await page.getByRole("button", { name: "Set-up" }).click();
  await page.getByRole("button", { name: "Stop capturing and delete" }).click();
  await page.getByRole("button", { name: "Capture bodies from now on" }).waitFor();
  assertEquals(proxy.services.metrics.readBodies("req_1"), undefined);
  assertEquals(harness.errors, []);
});

test("opens with a key of PROXY_API_KEYS as the password, stays live, and can switch capturing", async () => {
  const env = { PROXY_API_KEYS: "team-key-1" };
  await using harness = await startHarness({ env, password: "team-key-1" });
  await harness.open();
  await harness.send();
  const { page } = harness;
  await page.locator("#list .completed").waitFor({ timeout: LIVE_MS });
  assertEquals(page.url().includes("team-key-1"), false);
  await page.getByRole("button", { name: "Set-up" }).click();
  await page.getByRole("button", { name: "Capture bodies from now on" }).click();
  await page.getByRole("button", { name: "Stop capturing and delete" }).waitFor();
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
    if (status === 401) {
      await harness.page.getByText("one of the keys in PROXY_API_KEYS as the password").waitFor();
    }
  });
}

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
  await page.locator("#list .completed").waitFor({ timeout: LIVE_MS });
});

test("stops while it is paused, and shows what happened meanwhile when it resumes", async () => {
  await using harness = await startHarness();
  await harness.open();
  const { page } = harness;
  await page.getByRole("button", { name: "Pause" }).click();
  await page.locator("#status").getByText("Paused").waitFor();
  await harness.send();
  await page.waitForTimeout(1200);
  assertEquals(await page.locator("#list .completed").count(), 0);
  await page.getByRole("button", { name: "Resume" }).click();
  await page.locator("#list .completed").waitFor({ timeout: LIVE_MS });
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
  await page.locator("#list .completed").waitFor();
  const stats = await (await fetch(`${proxy.url}/stats`)).json();
  const [request] = stats.requests;
  const other = {
    ...stats,
    startedAt: stats.startedAt + 1,
    requests: [{ ...request, model: "claude-after" }],
  };
  await page.route("**/stats?after=*", (route) => route.fulfill({ json: other }));
  await page.getByText("claude-after").waitFor();
  assertEquals(await page.getByText("claude-before").count(), 0);
});
