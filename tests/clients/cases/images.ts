/**
 * Images for models that do not accept them: the session continues, and a note replaces the image.
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ChatRequest } from "../../../lib/openrouter/types.ts";
import { decodeBase64 } from "../base64.ts";
import { calls, fails, readTexts, says, type Step } from "../model.ts";
import { PIXEL } from "../samples.ts";
import { type Session, startSession, test } from "../session.ts";

const MODEL = "vendor/text-only";
const BLIND = {
  id: MODEL,
  context_length: 200_000,
  supported_parameters: ["tools"],
  architecture: { input_modalities: ["text"], output_modalities: ["text"] },
};
const ARGS = ["--allowedTools", "Read", "--model", MODEL];

function countImages({ messages }: ChatRequest): number {
  return messages.flatMap(({ content }) => Array.isArray(content) ? content : [])
    .filter((part) => part.type === "image_url").length;
}

/** Plays the steps, but refuses every request with an image, as OpenRouter does. */
function sees(steps: readonly Step[]): { step: Step; refused: ChatRequest[] } {
  const refused: ChatRequest[] = [];
  let turn = 0;
  const step: Step = (request) => {
    if (countImages(request) === 0) return (steps[turn++] ?? says("?"))(request);
    refused.push(request);
    return fails(404, "No endpoints found that support image input")(request);
  };
  return { step, refused };
}

/** Reads the image, then says something more in a run of its own. */
async function look(session: Session): Promise<ChatRequest[]> {
  const path = session.path("pixel.png");
  await Deno.writeFile(path, decodeBase64(PIXEL));
  const first = sees([calls({ name: "Read", input: { file_path: path } }), says("Not seen")]);
  const run = await session.ask("Look", first.step);
  assertEquals([run.text, run.isError], ["Not seen", false]);
  const second = sees([says("As I said")]);
  const more = await session.ask("Look again", second.step, { args: ["--resume", run.sessionId] });
  assertEquals([more.text, more.isError], ["As I said", false]);
  assertEquals(session.asked.map(({ status }) => status), [200, 200, 200]);
  const last = session.upstream.at(-1);
  assertMatch(readTexts(last), /\[image\/png, 1×1, not shown: .*text-only.* takes no images\]/);
  return [...first.refused, ...second.refused];
}

test("continues after an image that the model does not accept according to the catalog", async () => {
  await using session = await startSession({ args: ARGS, models: [BLIND] });
  assertEquals((await look(session)).length, 0);
  const dropped = session.asked[1]?.answer.get("x-proxy-dropped") ?? "";
  assert(dropped !== "", "nothing is named as dropped");
});

test("continues after an image that the model rejects with a 404, with one retry", async () => {
  await using session = await startSession({ args: ARGS });
  assertEquals((await look(session)).length, 1);
});

test("sends an image to a model that accepts it", async () => {
  const architecture = { input_modalities: ["text", "image"] };
  await using session = await startSession({ args: ARGS, models: [{ ...BLIND, architecture }] });
  const path = session.path("pixel.png");
  await Deno.writeFile(path, decodeBase64(PIXEL));
  await session.ask("Look", [calls({ name: "Read", input: { file_path: path } }), says("Seen")]);
  assertEquals(session.upstream.map(countImages), [0, 1]);
});
