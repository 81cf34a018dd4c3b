/**
 * Tests appearance, accessibility, speed and hostile input in a real browser.
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { completion, roleChunk, sse, sseAnswer, textChunk } from "../helpers/chunks.ts";
import { errorBody, eventStream } from "../helpers/upstream.ts";
import { type Harness, startHarness, test } from "./harness.ts";

const INSPECT = { INSPECT: "1" };
const VIEWS = ["Sessions", "Figures", "Set-up"] as const;

async function openRequest({ page }: Harness, number = 0): Promise<void> {
  await page.locator("#list .completed").nth(number).locator("button").press("Enter");
  await page.locator("#dialog .bodies [role=tab]").first().waitFor();
}

/** Opens each view, and a request with each of its tabs. */
async function visitAll(harness: Harness, onView: (name: string) => Promise<void>): Promise<void> {
  const { page } = harness;
  for (const name of VIEWS) {
    await page.getByRole("button", { name, exact: true }).click();
    await onView(name);
  }
  await page.getByRole("button", { name: "Sessions", exact: true }).click();
  await openRequest(harness);
  await onView("request");
  await page.getByRole("tab", { name: "Response" }).click();
  await onView("response");
  await page.getByRole("button", { name: "Raw events" }).click();
  await onView("raw events");
  await page.keyboard.press("Escape");
}

/**
 * Runs in the browser: texts whose contrast with the background behind them is below WCAG's 4.5, by the colors that
 * the browser computes.
 */
const LOW_CONTRAST = `(() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = parse(color).map((c) => c / 255)
      .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const findBackground = (element) => {
    for (let one = element; one !== null; one = one.parentElement) {
      const { backgroundColor } = getComputedStyle(one);
      if ((parse(backgroundColor)[3] ?? 1) > 0) return backgroundColor;
    }
    return "rgb(255, 255, 255)";
  };
  const texts = [...document.querySelectorAll("body *")].filter((one) => one.checkVisibility() &&
    !one.closest(":disabled, option") &&
    [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ""));
  const low = texts.map((one) => {
    const [a, b] = [light(getComputedStyle(one).color), light(findBackground(one))].sort((x, y) => y - x);
    return [one.outerHTML.slice(0, 90), (a + 0.05) / (b + 0.05)];
  }).filter(([, contrast]) => contrast < 4.5);
  return { count: texts.length, low };
})()`;

for (const colorScheme of ["light", "dark"] as const) {
  test(`every text has enough contrast in the ${colorScheme} color scheme`, async () => {
    const script = [() => errorBody(429, "Slow"), () => eventStream(sseAnswer("Hello"))];
    await using harness = await startHarness({ colorScheme, env: INSPECT, script });
    await harness.send();
    await harness.send({ inference_geo: "eu" });
    await harness.open();
    const { page } = harness;
    await page.getByRole("button", { name: "Errors" }).click();
    await page.getByRole("button", { name: "Errors" }).click();
    await visitAll(harness, async (name) => {
      const { count, low } = await page.evaluate(LOW_CONTRAST) as { count: number; low: unknown[] };
      assert(count > 15, `only ${count} texts in ${name}`);
      assertEquals(low, [], name);
    });
    const ground = await page.evaluate("getComputedStyle(document.body).backgroundColor");
    assertEquals(ground, colorScheme === "light" ? "rgb(250, 249, 247)" : "rgb(20, 19, 18)");
  });
}

/** Runs in the browser: elements that reach beyond the right edge of the page or of the dialog. */
const OVERFLOWING = `["main", "dialog[open] #dialog-content"].flatMap((selector) => {
  const box = document.querySelector(selector);
  if (box === null) return [];
  const right = box.getBoundingClientRect().left + box.clientWidth + 0.5;
  return [...box.querySelectorAll("*")].filter((one) => one.checkVisibility() &&
    !one.closest(".chips") && one.getBoundingClientRect().right > right)
    .map((one) => one.outerHTML.slice(0, 90));
})`;

for (const width of [390, 760, 900, 1280]) {
  test(`fits ${width} px without sideways scrolling, with very long names`, async () => {
    const env = { ...INSPECT, MAX_COST_USD: "5" };
    await using harness = await startHarness({ width, env });
    await harness.send({
      model: "m".repeat(250),
      system: "s".repeat(5000),
      messages: [{ role: "user", content: "w".repeat(5000) }],
      ["f".repeat(60)]: 1,
    }, { "x-claude-code-session-id": "i".repeat(120) });
    await harness.open();
    const { page } = harness;
    await visitAll(harness, async (name) => {
      assertEquals(await page.evaluate("document.documentElement.scrollWidth"), width, name);
      assertEquals(await page.evaluate(OVERFLOWING), [], name);
    });
    assertEquals(harness.errors, []);
  });
}

/** Runs in the browser: buttons, fields and other controls without a name for screen readers. */
const NAMELESS =
  `[...document.querySelectorAll("button, input, select, summary, img, [role=img], [role=tabpanel]")]
  .filter((one) => one.checkVisibility() && (one.getAttribute("aria-label") ?? one.getAttribute("alt") ??
    one.textContent).trim() === "").map((one) => one.outerHTML.slice(0, 90))`;

test("every control has a name for screen readers, and a visible focus", async () => {
  await using harness = await startHarness({ env: INSPECT });
  await harness.send();
  await harness.open();
  const { page } = harness;
  await visitAll(harness, async (name) => {
    assertEquals(await page.evaluate(NAMELESS), [], name);
  });
  await page.getByRole("button", { name: "Sessions", exact: true }).click();
  await page.locator("h1").click();
  const seen = new Set<string>();
  for (let number = 0; number < 25; number++) {
    await page.keyboard.press("Tab");
    const [name, isVisible] = await page.evaluate(`(() => {
      const one = document.activeElement;
      const shown = one.classList.contains("row") ? one.closest("[role=listitem]") : one;
      const { outlineStyle, outlineWidth } = getComputedStyle(shown);
      if (one === document.body) return ["", true];
      return [one.id || one.textContent, outlineStyle !== "none" && parseFloat(outlineWidth) >= 2];
    })()`) as [string, boolean];
    if (name === "" || seen.has(name)) break;
    seen.add(name);
    assert(isVisible, `${name} has no focus ring`);
  }
  assert(seen.size >= 12, `only ${[...seen]}`);
});

test("nothing moves with reduced motion", async () => {
  await using harness = await startHarness({ reducedMotion: "reduce" });
  await harness.open();
  const moving = await harness.page.evaluate(`(() => {
    document.querySelector("#list").innerHTML = "<span class='running'>x</span>";
    return [...document.querySelectorAll("*")].flatMap((one) => ["", "::before", "::after"].map((part) => {
      const style = getComputedStyle(one, part || null);
      return style.animationName !== "none" || parseFloat(style.transitionDuration) > 0;
    })).filter(Boolean).length;
  })()`);
  assertEquals(moving, 0);
});

/** Runs in the browser: time of the first contentful paint, which may still be pending. */
const FIRST_PAINT = `new Promise((resolve) => {
  new PerformanceObserver((list) => {
    const paint = list.getEntries().find(({ name }) => name === "first-contentful-paint");
    if (paint !== undefined) resolve(paint.startTime);
  }).observe({ type: "paint", buffered: true });
})`;

test("paints its first content in less than 150 ms, and loads nothing but itself and its data", async () => {
  await using harness = await startHarness();
  const { page, proxy } = harness;
  const loaded = new Set<string>();
  page.on("request", (request) => {
    const { origin, pathname } = new URL(request.url());
    if (origin !== "null") loaded.add(`${origin}${pathname}`);
  });
  const paints: number[] = [];
  for (let i = 0; i < 9; i++) {
    await harness.open();
    paints.push(Number(await page.evaluate(FIRST_PAINT)));
  }
  assertEquals([...loaded].toSorted(), [`${proxy.url}/`, `${proxy.url}/stats`]);
  // Other programs on this machine may delay any of them.
  const [first = Infinity, second = Infinity] = paints.toSorted((a, b) => a - b);
  assert(second < 150, `first paints after ${paints.map(Math.round).join(", ")} ms, best ${first}`);
});

// ── Hostile input ───────────────────────────────────────────────────────────────────────────────────────────

const MARKUP =
  `<img src=x onerror="window.pwned=1"><script>window.pwned=1</script><b id=pwned>"'&\u202e\u2066`;
/** Marks that reorder what is shown. */
const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

test("shows hostile names, prompts, errors and tools as text, never as markup or reordered", async () => {
  const call = { index: 0, id: "c", type: "function", function: { name: MARKUP, arguments: "{}" } };
  const hostile = { ...completion("Hi"), model: MARKUP, provider: MARKUP };
  await using harness = await startHarness({
    env: INSPECT,
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
  const input = { [MARKUP]: MARKUP };
  const messages = [
    { role: "user", content: MARKUP },
    { role: "assistant", content: [{ type: "tool_use", id: "a", name: "t", input }] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "a", content: MARKUP }] },
  ];
  for (const stream of [true, true, false]) {
    await harness.send(
      { model: `a/${MARKUP}`, messages, system: MARKUP, [MARKUP]: 1, stream },
      { "x-claude-code-session-id": "<b id=pwned>" },
    );
  }
  await page.locator("#list .completed").nth(2).waitFor();
  const check = async (name: string) => {
    const text = await page.evaluate("document.body.innerText") as string;
    assertEquals(BIDI.exec(text)?.[0], undefined, name);
    assertEquals(await page.locator("img, #pwned, body script ~ script").count(), 0, name);
    assertEquals(await page.evaluate("window.pwned"), undefined, name);
  };
  for (const number of [2, 1, 0]) {
    await openRequest(harness, number);
    assertMatch(await page.locator("#dialog .bodies").textContent() ?? "", /onerror=/);
    for (const summary of await page.locator("#dialog summary").all()) await summary.click();
    await check(`request ${number}`);
    await page.getByRole("tab", { name: "Response" }).click();
    for (
      const summary of await page.locator("#dialog [role=tabpanel]:not([hidden]) summary").all()
    ) {
      await summary.click();
    }
    await page.getByRole("button", { name: "Raw events" }).click();
    await check(`response ${number}`);
    await page.keyboard.press("Escape");
  }
  assertMatch(await page.locator("#list .completed .name").first().textContent() ?? "", /^a\/<img/);
  await page.getByRole("button", { name: "Figures" }).click();
  assertMatch(await page.locator("#errors").textContent() ?? "", /<script>window\.pwned/);
  await check("figures");
  // The policy blocks a script that is inserted all the same.
  await page.evaluate(
    `document.body.append(Object.assign(document.createElement("script"), { textContent: "window.pwned = 1" }))`,
  );
  assertEquals(await page.evaluate("window.pwned"), undefined);
  assertMatch(harness.errors.join("\n"), /Content Security Policy/);
  assertEquals(harness.errors.length, 1);
});

test("stays usable with names and texts of 1 MB", async () => {
  await using harness = await startHarness({ env: INSPECT });
  const long = "x".repeat(1_000_000);
  await harness.open();
  const { page, proxy } = harness;
  await harness.send({ messages: [{ role: "user", content: long }] });
  const { metrics } = proxy.services;
  const read = metrics.read.bind(metrics);
  metrics.read = (after, limit) => {
    const stats = read(after, limit);
    return {
      ...stats,
      models: stats.models.map((one) => ({ ...one, model: long })),
      requests: stats.requests.map((one) => ({ ...one, model: long, error: long, preview: long })),
    };
  };
  await page.reload();
  await page.locator("#list .completed").first().waitFor();
  assert((await page.locator("#list").textContent() ?? "").length < 5000);
  await openRequest(harness);
  assert((await page.locator("#dialog").textContent() ?? "").length < 2_200_000);
  await page.getByRole("button", { name: /^Show all 1,000,000 characters$/ }).first().click();
  await page.keyboard.press("Escape");
  assertEquals(await page.locator("#dialog").isVisible(), false);
  assertEquals(harness.errors, []);
});
