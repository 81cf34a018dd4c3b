/**
 * Context overflows with the error messages of servers other than OpenRouter: the client compacts or lowers
 * max_tokens.
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { CLAUDE_CODE_MESSAGES } from "../../helpers/claude_code_messages.ts";
import { calls, fails, readTexts, says, type Step } from "../model.ts";
import { startSession, test } from "../session.ts";

/** A raw error body, as servers send it that are not OpenRouter. */
function failsWith(status: number, body: unknown): Step {
  return () => Response.json(body, { status });
}

const LLAMA = failsWith(400, {
  error: {
    code: 400,
    message:
      "request (2009 tokens) exceeds the available context size (512 tokens), try increasing it",
    type: "exceed_context_size_error",
    n_prompt_tokens: 2009,
    n_ctx: 512,
  },
});
const LM_STUDIO = failsWith(400, {
  error:
    "The number of tokens to keep from the initial prompt is greater than the context length " +
    "(n_keep: 13055>= n_ctx: 4096). Try to load the model with a larger context length, or provide " +
    "a shorter input",
});
const GROQ = failsWith(400, {
  error: {
    message: "Please reduce the length of the messages or completion.",
    type: "invalid_request_error",
    param: "messages",
    code: "context_length_exceeded",
  },
});
const KIMI = fails(400, "Provider returned error", {
  more: {
    metadata: {
      raw: JSON.stringify({
        error: {
          message:
            "Invalid request: Your request exceeded model token limit: 262144 (requested: 269030)",
          type: "invalid_request_error",
        },
      }),
      provider_name: "Moonshot AI",
    },
  },
});
const LM_STUDIO_IN_A_STREAM: Step = ({ stream }) => {
  const error = {
    message:
      "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens.",
  };
  if (!stream) return Response.json({ error }, { status: 500 });
  return new Response(`data: ${JSON.stringify({ error })}\n\n`, {
    headers: { "content-type": "text/event-stream" },
  });
};

const WORDINGS: [server: string, step: Step][] = [
  ["llama.cpp", LLAMA],
  ["LM Studio", LM_STUDIO],
  ["Groq", GROQ],
  ["Kimi behind OpenRouter", KIMI],
  ["LM Studio in the first event of a stream", LM_STUDIO_IN_A_STREAM],
];

for (const [server, step] of WORDINGS) {
  test(`recognises an overflow in the words of ${server}, and asks once`, async () => {
    await using session = await startSession({ env: { CLAUDE_CODE_MAX_RETRIES: "1" } });
    const run = await session.ask("Hello", step);
    assertEquals([run.isError, run.code], [true, 1]);
    assertStringIncludes(run.text, CLAUDE_CODE_MESSAGES.tooLong);
    // Where the words are not Anthropic's and it knows them all the same, it quotes them, without the counts.
    assert(!run.text.includes("the provider said"), run.text);
    assertEquals(run.result["terminal_reason"], "prompt_too_long");
    assertEquals(session.upstream.length, 1);
  });
}

test("compacts after llama.cpp's overflow error in the middle of a session", async () => {
  await using session = await startSession({ args: ["--allowedTools", "Bash"] });
  const seen = { refused: 0, compacted: 0 };
  const run = await session.ask("Work", (request) => {
    const said = readTexts(request);
    if (readTexts(request, "user").includes("create a detailed summary")) {
      seen.compacted++;
      return says("<summary>It ran echo, and has nothing left to do.</summary>")(request);
    }
    if (said.includes("nothing left to do")) return says("Done")(request);
    const results = request.messages.filter(({ role }) => role === "tool").length;
    if (results < 4) {
      return calls({ name: "Bash", input: { command: `echo ${results}` } })(request);
    }
    seen.refused++;
    return LLAMA(request);
  });
  assertEquals([run.text, run.isError], ["Done", false]);
  assert(seen.refused <= 2 && seen.compacted === 1, JSON.stringify(seen));
});

const WINDOW = 32_768;
const INPUT = 13_000;

const SUMS: [server: string, (room: number) => Step][] = [
  ["OpenRouter", (room) =>
    fails(
      400,
      `This endpoint's maximum context length is ${WINDOW} tokens. However, you requested about ` +
        `${
          INPUT + room
        } tokens (${INPUT} of text input, ${room} in the output). Please reduce the ` +
        "length of either one, or use the context-compression plugin to compress your prompt " +
        "automatically.",
    )],
  ["vLLM", (room) =>
    failsWith(400, {
      object: "error",
      message:
        `'max_tokens' or 'max_completion_tokens' is too large: ${room}. This model's maximum ` +
        `context length is ${WINDOW} tokens and your request has ${INPUT} input tokens (${room} > ` +
        `${WINDOW} - ${INPUT}).`,
      type: "BadRequestError",
      param: null,
      code: 400,
    })],
];

for (const [server, refuse] of SUMS) {
  test(`asks for a shorter answer where the question fits and the answer would not, says ${server}`, async () => {
    await using session = await startSession();
    const run = await session.ask("Hello", (request) => {
      const room = request.max_tokens ?? 0;
      return (INPUT + room > WINDOW ? refuse(room) : says("It fits"))(request);
    });
    assertEquals([run.text, run.isError], ["It fits", false]);
    assertEquals(session.asked.length, 2);
    assert(Number(session.asked[1]?.body["max_tokens"]) <= WINDOW - INPUT);
  });
}
