/**
 * `/model` with the settings of the launcher: the rows, and what a choice saves in the user's settings.
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type JsonObject, parseJson } from "../../../lib/json.ts";
import { createHarness, type Harness } from "../../helpers/launcher.ts";
import { toChatRequest } from "../launcher.ts";
import { skipQuestions, startInTerminal, type Terminal, testInTerminal } from "../terminal.ts";
import { textReply } from "../replies.ts";
import { VERSION } from "../claude_session.ts";

const PRICES = { prompt: "0.0000006", completion: "0.0000022" };
const MODELS = [
  { id: "z-ai/glm-5", name: "Z.AI: GLM 5", context_length: 200_000, pricing: PRICES },
  { id: "openai/gpt-5", name: "OpenAI: GPT-5", context_length: 400_000 },
  { id: "x-ai/grok-9", name: "xAI: Grok 9", context_length: 256_000 },
].map((model) => ({ ...model, supported_parameters: ["tools"] }));
const TARGETS = {
  TARGET_MODEL_OPUS: "z-ai/glm-5",
  TARGET_MODEL_BIG: "openai/gpt-5",
  TARGET_MODEL_SMALL: "z-ai/glm-5",
  TARGET_MODEL_DEFAULT: "z-ai/glm-5",
};
/** It takes no list of rows: a target stands there once for each family that it has. */
const HAS_OWN_ROWS = VERSION === "2.1.197";

function startHarness(): Harness {
  const harness = createHarness((request) => textReply("Hello")(toChatRequest(request)), {
    models: MODELS,
  });
  skipQuestions(harness);
  return harness;
}

/** The rows of the picker: number, label and description. */
function readRows(screen: string): string[][] {
  return [...screen.matchAll(/^[ ❯↓]*\d+\. (\S.*?) {2,}(\S.*)$/gm)]
    .map(([, label = "", description = ""]) => [label.replace(/ ✔$/, ""), description.trim()]);
}

/** Checks the user's settings. The client writes them after it has shown the choice. */
async function assertSaved({ home }: Harness, expected: JsonObject): Promise<void> {
  const read = async () =>
    parseJson(await Deno.readTextFile(`${home}/.claude/settings.json`).catch(() => "{}"));
  for (let i = 0; i < 50 && JSON.stringify(await read()) !== JSON.stringify(expected); i++) {
    await delay(100);
  }
  assertEquals(await read(), expected);
}

async function openPicker(terminal: Terminal): Promise<string> {
  await terminal.enter("/model", /Enter to (?:save|set as default)/);
  return await terminal.read();
}

testInTerminal(
  "started by the launcher lists each target once in /model, and the other models",
  async () => {
    await using harness = startHarness();
    await using terminal = await startInTerminal(harness, { env: TARGETS });
    await terminal.waitFor(/^❯/m);
    // The list of older versions is loaded in the background.
    if (HAS_OWN_ROWS) await waitForFile(`${harness.home}/.claude/cache/gateway-models.json`);
    const [first, ...rows] = readRows(await openPicker(terminal));
    assertMatch(first?.join() ?? "", /^Default/);
    if (HAS_OWN_ROWS) {
      assertEquals(rows, [
        ["GLM 5", "200k · $0.60/2.20 · fable"],
        ["GLM 5", "200k · $0.60/2.20 · opus"],
        ["GPT-5", "400k · sonnet"],
        ["GLM 5", "200k · $0.60/2.20 · haiku"],
        ["Grok 9 · 256k", "From gateway"],
      ]);
    } else {
      assertEquals(rows, [
        ["GLM 5", "200k · $0.60/2.20 · opus, haiku, fable"],
        ["GPT-5", "400k · sonnet"],
        ["Grok 9", "256k"],
      ]);
    }
    await terminal.press("Escape");
    await terminal.waitFor(/Kept model/);
    await terminal.quit();
  },
);

testInTerminal(
  "started by the launcher saves a name that it knows without the proxy for a target",
  async () => {
    await using harness = startHarness();
    await using terminal = await startInTerminal(harness, { env: TARGETS });
    await terminal.waitFor(/^❯/m);
    const rows = readRows(await openPicker(terminal));
    const index = rows.findIndex(([label]) => label === "GPT-5");
    await terminal.press(...Array.from({ length: index }, () => "Down"));
    await terminal.waitFor(/❯ \d\. GPT-5/);
    await terminal.press("Enter");
    await terminal.waitFor(/Set model to .* saved as your default/);
    await assertSaved(harness, { model: "sonnet" });
    await terminal.enter("Hi", /Hello/);
    assertEquals(harness.upstream.requests.at(-1)?.body["model"], "openai/gpt-5");
    assertEquals(/\/model saved/.test(await terminal.quit()), false);
  },
);

testInTerminal(
  "started by the launcher explains a saved model id that it does not know without the proxy",
  async () => {
    await using harness = startHarness();
    await using terminal = await startInTerminal(harness, { env: TARGETS });
    await terminal.enter("/model x-ai/grok-9", /Set model to .* saved as your default/);
    await assertSaved(harness, { model: "x-ai/grok-9" });
    await terminal.enter("Hi", /Hello/);
    assertEquals(harness.upstream.requests.at(-1)?.body["model"], "x-ai/grok-9");
    assertStringIncludes(await terminal.quit(), "/model saved x-ai/grok-9 as your default model");
    // The command in that line, in the next session.
    await using next = await startInTerminal(harness, { env: TARGETS });
    await next.enter("/model default", /Set model to .* saved as your default/);
    await assertSaved(harness, {});
    await next.quit();
  },
);

async function waitForFile(path: string): Promise<void> {
  for (let i = 0; i < 100 && await Deno.stat(path).catch(() => null) === null; i++) {
    await delay(100);
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
