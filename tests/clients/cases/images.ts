/**
 * Images for models that do not accept them: the session continues, and a note replaces the image.
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ChatRequest } from "../../../lib/openrouter/types.ts";
import { type ChatReply, errorReply, readTexts, textReply, toolCallReply } from "../replies.ts";
import { completion } from "../../helpers/chunks.ts";
import { PIXEL } from "../../helpers/messages.ts";
import { type Session, startSession, test } from "../claude_session.ts";

const MODEL = "vendor/text-only";
const TEXT_ONLY = {
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

/** Sends the replies in order, but rejects every request with an image, as OpenRouter does. */
function rejectImages(
  replies: readonly ChatReply[],
): { reply: ChatReply; rejected: ChatRequest[] } {
  const rejected: ChatRequest[] = [];
  let turn = 0;
  const reply: ChatReply = (request) => {
    if (countImages(request) === 0) return (replies[turn++] ?? textReply("?"))(request);
    rejected.push(request);
    return errorReply(404, "No endpoints found that support image input")(request);
  };
  return { reply, rejected };
}

/** Reads an image, then continues in a second run. Returns the requests that upstream rejected. */
async function readImage(session: Session): Promise<ChatRequest[]> {
  const path = session.path("pixel.png");
  await Deno.writeFile(path, Uint8Array.fromBase64(PIXEL));
  const first = rejectImages([
    toolCallReply({ name: "Read", input: { file_path: path } }),
    textReply("Not seen"),
  ]);
  const run = await session.prompt("Look", first.reply);
  assertEquals([run.text, run.isError], ["Not seen", false]);
  const second = rejectImages([textReply("As I said")]);
  const more = await session.prompt("Look again", second.reply, {
    args: ["--resume", run.sessionId],
  });
  assertEquals([more.text, more.isError], ["As I said", false]);
  assertEquals(session.clientRequests.map(({ status }) => status), [200, 200, 200]);
  const last = session.upstreamRequests.at(-1);
  assertMatch(readTexts(last), /\[image\/png, 1×1, not shown: .*text-only.* takes no images\]/);
  return [...first.rejected, ...second.rejected];
}

test("continues after an image that the model does not accept according to the catalog", async () => {
  await using session = await startSession({ args: ARGS, models: [TEXT_ONLY] });
  assertEquals((await readImage(session)).length, 0);
  const dropped = session.clientRequests[1]?.responseHeaders.get("x-proxy-dropped") ?? "";
  assert(dropped !== "", "x-proxy-dropped is empty");
});

test("continues after an image that the model rejects with a 404, with one retry", async () => {
  await using session = await startSession({ args: ARGS });
  assertEquals((await readImage(session)).length, 1);
});

test("gets another model's description of an image, made once for the whole session", async () => {
  const vision = {
    ...TEXT_ONLY,
    id: "vendor/vision",
    architecture: { input_modalities: ["text", "image"] },
  };
  await using session = await startSession({
    args: ARGS,
    models: [TEXT_ONLY, vision],
    proxyEnv: { IMAGE_MODEL: vision.id },
  });
  const path = session.path("pixel.png");
  await Deno.writeFile(path, Uint8Array.fromBase64(PIXEL));
  const described: ChatRequest[] = [];
  const withVision = (...replies: ChatReply[]): ChatReply => (request) => {
    if (request.model !== vision.id) return (replies.shift() ?? textReply("?"))(request);
    described.push(request);
    return Response.json(completion("One red pixel"));
  };
  const read = toolCallReply({ name: "Read", input: { file_path: path } });
  const run = await session.prompt("Look", withVision(read, textReply("It is red")));
  assertEquals([run.text, run.isError], ["It is red", false]);
  const more = await session.prompt("Again", withVision(textReply("Still red")), {
    args: ["--resume", run.sessionId],
  });
  assertEquals([more.text, more.isError], ["Still red", false]);
  assertEquals(described.map(countImages), [1]);
  const sent = session.upstreamRequests.filter(({ model }) => model === MODEL);
  assertEquals(sent.map(countImages), [0, 0, 0]);
  for (const request of sent.slice(1)) {
    assertMatch(readTexts(request), /What vendor\/vision sees in it:\]\nOne red pixel\n/);
  }
  assertEquals(session.clientRequests[1]?.responseHeaders.get("x-proxy-dropped") ?? "", "");
});

test("sends an image to a model that accepts it", async () => {
  const architecture = { input_modalities: ["text", "image"] };
  await using session = await startSession({
    args: ARGS,
    models: [{ ...TEXT_ONLY, architecture }],
  });
  const path = session.path("pixel.png");
  await Deno.writeFile(path, Uint8Array.fromBase64(PIXEL));
  await session.prompt("Look", [
    toolCallReply({ name: "Read", input: { file_path: path } }),
    textReply("Seen"),
  ]);
  assertEquals(session.upstreamRequests.map(countImages), [0, 1]);
});
