/**
 * Context overflows with the error messages of servers other than OpenRouter: the client compacts or lowers
 * max_tokens.
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { CLAUDE_CODE_MESSAGES } from "../../helpers/claude_code_messages.ts";
import { type ChatReply, errorReply, readTexts, textReply, toolCallReply } from "../replies.ts";
import { startSession, test } from "../claude_session.ts";

/** An error body without OpenRouter's envelope. */
function rawErrorReply(status: number, body: unknown): ChatReply {
  return () => Response.json(body, { status });
}

const LLAMA = rawErrorReply(400, {
  error: {
    code: 400,
    message:
      "request (2009 tokens) exceeds the available context size (512 tokens), try increasing it",
    type: "exceed_context_size_error",
    n_prompt_tokens: 2009,
    n_ctx: 512,
  },
});
const LM_STUDIO = rawErrorReply(400, {
  error:
    "The number of tokens to keep from the initial prompt is greater than the context length " +
    "(n_keep: 13055>= n_ctx: 4096). Try to load the model with a larger context length, or provide " +
    "a shorter input",
});
const GROQ = rawErrorReply(400, {
  error: {
    message: "Please reduce the length of the messages or completion.",
    type: "invalid_request_error",
    param: "messages",
    code: "context_length_exceeded",
  },
});
const KIMI = errorReply(400, "Provider returned error", {
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
const LM_STUDIO_STREAM: ChatReply = ({ stream }) => {
  const error = {
    message:
      "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens.",
  };
  if (!stream) return Response.json({ error }, { status: 500 });
  return new Response(`data: ${JSON.stringify({ error })}\n\n`, {
    headers: { "content-type": "text/event-stream" },
  });
};

const OVERFLOWS: [server: string, reply: ChatReply][] = [
  ["llama.cpp", LLAMA],
  ["LM Studio", LM_STUDIO],
  ["Groq", GROQ],
  ["Kimi behind OpenRouter", KIMI],
  ["LM Studio in the first event of a stream", LM_STUDIO_STREAM],
];

for (const [server, reply] of OVERFLOWS) {
  test(`recognizes an overflow reported by ${server} after one request`, async () => {
    await using session = await startSession({ env: { CLAUDE_CODE_MAX_RETRIES: "1" } });
    const run = await session.prompt("Hello", reply);
    assertEquals([run.isError, run.code], [true, 1]);
    assertStringIncludes(run.text, CLAUDE_CODE_MESSAGES.tooLong);
    // It quotes messages that it recognizes but that are not in Anthropic's format, without reading their counts.
    assert(!run.text.includes("the provider said"), run.text);
    assertEquals(run.result["terminal_reason"], "prompt_too_long");
    assertEquals(session.upstreamRequests.length, 1);
  });
}

test("compacts after llama.cpp's overflow error in the middle of a session", async () => {
  await using session = await startSession({ args: ["--allowedTools", "Bash"] });
  const counts = { rejected: 0, compacted: 0 };
  const run = await session.prompt("Work", (request) => {
    const text = readTexts(request);
    if (readTexts(request, "user").includes("create a detailed summary")) {
      counts.compacted++;
      return textReply("<summary>It ran echo, and has nothing left to do.</summary>")(request);
    }
    if (text.includes("nothing left to do")) return textReply("Done")(request);
    const results = request.messages.filter(({ role }) => role === "tool").length;
    if (results < 4) {
      return toolCallReply({ name: "Bash", input: { command: `echo ${results}` } })(request);
    }
    counts.rejected++;
    return LLAMA(request);
  });
  assertEquals([run.text, run.isError], ["Done", false]);
  assert(counts.rejected <= 2 && counts.compacted === 1, JSON.stringify(counts));
});

const WINDOW = 32_768;
const INPUT = 13_000;

const OUTPUT_OVERFLOWS: [server: string, (maxTokens: number) => ChatReply][] = [
  ["OpenRouter", (maxTokens) =>
    errorReply(
      400,
      `This endpoint's maximum context length is ${WINDOW} tokens. However, you requested about ` +
        `${
          INPUT + maxTokens
        } tokens (${INPUT} of text input, ${maxTokens} in the output). Please reduce the ` +
        "length of either one, or use the context-compression plugin to compress your prompt " +
        "automatically.",
    )],
  ["vLLM", (maxTokens) =>
    rawErrorReply(400, {
      object: "error",
      message:
        `'max_tokens' or 'max_completion_tokens' is too large: ${maxTokens}. This model's maximum ` +
        `context length is ${WINDOW} tokens and your request has ${INPUT} input tokens (${maxTokens} > ` +
        `${WINDOW} - ${INPUT}).`,
      type: "BadRequestError",
      param: null,
      code: 400,
    })],
];

for (const [server, createError] of OUTPUT_OVERFLOWS) {
  test(`lowers max_tokens if ${server} reports that the input fits and the output does not`, async () => {
    await using session = await startSession();
    const run = await session.prompt("Hello", (request) => {
      const maxTokens = request.max_tokens ?? 0;
      return (INPUT + maxTokens > WINDOW ? createError(maxTokens) : textReply("It fits"))(request);
    });
    assertEquals([run.text, run.isError], ["It fits", false]);
    assertEquals(session.clientRequests.length, 2);
    assert(Number(session.clientRequests[1]?.body["max_tokens"]) <= WINDOW - INPUT);
  });
}
