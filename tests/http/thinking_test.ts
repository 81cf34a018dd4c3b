// Thinking and reasoning, in requests and responses.

import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  completion,
  deltaChunk,
  finishChunk,
  SIGNATURE,
  sse,
  textChunk,
  usageChunk,
} from "../helpers/chunks.ts";
import { assistant, text, user } from "../helpers/messages.ts";
import { requestBody } from "../helpers/proxy.ts";
import { replyWith } from "../helpers/replies.ts";
import { parseSse } from "../helpers/sse.ts";
import {
  idAndName,
  type StreamRow,
  testStreams,
  TOOL_CALLS_END,
  toolCallChunk,
  toolCallDelta,
} from "../helpers/translated_response.ts";
import { eventStream, type Reply } from "../helpers/upstream.ts";
import { readUpstreamBody, sendAll, sendOne } from "../helpers/upstream_body.ts";

type Json = Record<string, unknown>;

const ROWS: StreamRow[] = [
  ...["reasoning", "reasoning_content"].map((field): StreamRow => [
    `reasoning in ${field} becomes a thinking block with a signature`,
    [
      deltaChunk({ [field]: "Hm, " }),
      deltaChunk({ [field]: "so." }),
      textChunk("Two"),
      finishChunk(),
    ],
    ["thinking Hm, so.", "text Two", "= end_turn"],
  ]),
  [
    "signed reasoning before a tool call keeps its signature",
    [
      ...[{ text: "Hm" }, { signature: SIGNATURE }].map((detail) =>
        deltaChunk({
          reasoning: "text" in detail ? "Hm" : null,
          reasoning_details: [{ type: "reasoning.text", format: "anthropic-claude-v1", ...detail }],
        })
      ),
      toolCallChunk(toolCallDelta(0, "{}", idAndName("call_a"))),
      ...TOOL_CALLS_END,
    ],
    [`thinking Hm${SIGNATURE}`, "call call_a Read {}", "= tool_use"],
  ],
];

testStreams(ROWS);

const GPT = "openai/gpt-5";
const OMITTED = { type: "thinking", thinking: "", signature: "RXFZQ2hBQUE=" };

/** Requests → fields of the upstream body; undefined for a field that must be absent. */
const REQUESTS: [name: string, body: Json, expected: Json][] = [
  [
    "thinking signed by Claude is not sent to another vendor's model",
    {
      model: GPT,
      messages: [
        user(text("One")),
        assistant({ type: "thinking", thinking: "Hm", signature: "RXFZQ2hBQUE=" }, text("Two")),
        user(text("Three")),
      ],
    },
    {
      model: GPT,
      messages: [
        { role: "user", content: "One" },
        { role: "assistant", content: "Two" },
        { role: "user", content: "Three" },
      ],
    },
  ],
  [
    "the signature of omitted thinking in the history is sent back",
    { messages: [user(text("One")), assistant(OMITTED, text("Two")), user(text("Three"))] },
    {
      messages: [
        { role: "user", content: "One" },
        {
          role: "assistant",
          content: "Two",
          reasoning_details: [{
            type: "reasoning.text",
            text: "",
            signature: "RXFZQ2hBQUE=",
            format: "anthropic-claude-v1",
            index: 0,
          }],
        },
        { role: "user", content: "Three" },
      ],
    },
  ],
];

for (const [name, body, expected] of REQUESTS) {
  Deno.test(name, async () => {
    const seen = await readUpstreamBody(requestBody(body));
    assertEquals(
      Object.fromEntries(Object.keys(expected).map((key) => [key, seen[key]])),
      expected,
    );
  });
}

const HIDDEN = { thinking: { type: "adaptive", display: "omitted" } };

/** Reasoning with a signature, and a request that omits the text of thinking. */
const SIGNED = [
  { type: "reasoning.text", text: "Hm, ", format: "anthropic-claude-v1", index: 0 },
  { type: "reasoning.text", text: "so.", format: "anthropic-claude-v1", index: 0 },
  { type: "reasoning.text", signature: "RXFZQ2hBQUE=", format: "anthropic-claude-v1", index: 0 },
];

const answerSigned: Reply = ({ body }) => {
  if (body["stream"]) {
    const head = textChunk("");
    const chunks = SIGNED.map((detail) => ({
      ...head,
      choices: [{ index: 0, delta: { reasoning_details: [detail] }, finish_reason: null }],
    }));
    return eventStream(sse(...chunks, textChunk("Two"), finishChunk(), usageChunk(), "[DONE]"));
  }
  const [first] = SIGNED;
  const details = [{ ...first, text: "Hm, so.", signature: "RXFZQ2hBQUE=" }];
  const message = { role: "assistant", content: "Two", reasoning_details: details };
  return Response.json({
    ...completion(""),
    choices: [{ index: 0, message, finish_reason: "stop" }],
  });
};

Deno.test("omitted thinking has a signature but no text in a JSON response", async () => {
  const { responses: [response] } = await sendAll([requestBody(HIDDEN)], { script: answerSigned });
  const [hidden, shown] = JSON.parse(response?.text ?? "").content;
  assertEquals([{ ...hidden, signature: "" }, shown], [{ ...OMITTED, signature: "" }, text("Two")]);
  assertStringIncludes(hidden.signature, '"signature":"RXFZQ2hBQUE="');
});

Deno.test("omitted thinking has only a signature delta in a stream", async () => {
  const { responses: [response] } = await sendAll([requestBody({ ...HIDDEN, stream: true })], {
    script: answerSigned,
  });
  const events = parseSse(response?.text ?? "").map(({ data }) => JSON.parse(data));
  const deltas = events.filter(({ type, index }) => type === "content_block_delta" && index === 0);
  assertEquals(deltas.map(({ delta }) => delta.type), ["signature_delta"]);
  assertStringIncludes(deltas[0].delta.signature, '"signature":"RXFZQ2hBQUE="');
});

Deno.test("thinking signed by Gemini is not sent to Claude", async () => {
  const format = "google-gemini-v1";
  const details = [{ type: "reasoning.text", text: "Hm", signature: "R2VtaW5p", format, index: 0 }];
  const message = { role: "assistant", content: "Two", reasoning_details: details };
  const choices = [{ index: 0, message, finish_reason: "stop" }];
  const first = await sendAll([requestBody({ model: "google/gemini-3-pro" })], {
    script: () => Response.json({ ...completion(""), choices }),
  });
  const { content } = JSON.parse(first.responses[0]?.text ?? "");
  assertEquals([content[0].thinking, content[0].signature === "R2VtaW5p"], ["Hm", false]);
  const messages = [user(text("One")), { role: "assistant", content }, user(text("Three"))];
  const seen = await readUpstreamBody(requestBody({ messages }));
  assertEquals(seen["messages"], [
    { role: "user", content: "One" },
    { role: "assistant", content: "Two" },
    { role: "user", content: "Three" },
  ]);
});

Deno.test("POST /v1/messages omits the text of thinking if display is omitted", async () => {
  const reasoning_details = [
    { type: "reasoning.text", text: "Hm.", signature: "s", format: "anthropic-claude-v1" },
  ];
  const thinking = { type: "adaptive", display: "omitted" };
  const { message } = await sendOne({ thinking }, replyWith({ reasoning_details }));
  const [{ type, thinking: text, signature }] = message.content;
  assertEquals([type, text], ["thinking", ""]);
  assertStringIncludes(signature, '"text":"Hm."');
});
