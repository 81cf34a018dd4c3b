// Messages of upstream requests: images, files, tool results and system text.

import { assertEquals } from "@std/assert";
import { assistant, text, toolResult, toolUse, user } from "../helpers/messages.ts";
import { requestBody } from "../helpers/proxy.ts";
import { replyWith } from "../helpers/replies.ts";
import { readUpstreamBody, sendOne, sentCall } from "../helpers/upstream_body.ts";

type Json = Record<string, unknown>;

const IMAGE = { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBOR" } };
const IMAGE_PART = { type: "image_url", image_url: { url: "data:image/png;base64,iVBOR" } };
const BILLING = "x-anthropic-billing-header: cc_version=2.1.330; cch=1a2b3;";

/** Requests → fields of the upstream body; undefined for a field that must be absent. */
const ROWS: [name: string, body: Json, expected: Json][] = [
  [
    "a base64 image becomes a data URL",
    { messages: [user(IMAGE)] },
    { messages: [user(IMAGE_PART)] },
  ],
  [
    "a base64 image that is already a data URL is not prefixed again",
    {
      messages: [
        user({ ...IMAGE, source: { ...IMAGE.source, data: "data:image/png;base64,iVBOR" } }),
      ],
    },
    { messages: [user(IMAGE_PART)] },
  ],
  [
    "an image with a URL source keeps its URL",
    {
      messages: [user({ type: "image", source: { type: "url", url: "https://a.example/b.png" } })],
    },
    { messages: [user({ type: "image_url", image_url: { url: "https://a.example/b.png" } })] },
  ],
  [
    "an image in a tool result becomes a user message after all tool messages",
    {
      messages: [
        user(text("Look")),
        assistant(toolUse("call_a"), toolUse("call_b")),
        user(
          toolResult("call_a", { content: [text("a.png"), IMAGE] }),
          toolResult("call_b", { content: "b" }),
        ),
      ],
    },
    {
      messages: [
        { role: "user", content: "Look" },
        { role: "assistant", content: null, tool_calls: [sentCall("call_a"), sentCall("call_b")] },
        { role: "tool", tool_call_id: "call_a", content: "a.png" },
        { role: "tool", tool_call_id: "call_b", content: "b" },
        user(text("Images from the result of tool call call_a:"), IMAGE_PART),
      ],
    },
  ],
  [
    "user text that follows tool results becomes a user message after the tool messages",
    {
      messages: [
        user(text("Look")),
        assistant(toolUse("call_a"), toolUse("call_b")),
        user(
          toolResult("call_a", { content: "a" }),
          toolResult("call_b", { content: "b" }),
          text("Go on"),
        ),
      ],
    },
    {
      messages: [
        { role: "user", content: "Look" },
        { role: "assistant", content: null, tool_calls: [sentCall("call_a"), sentCall("call_b")] },
        { role: "tool", tool_call_id: "call_a", content: "a" },
        { role: "tool", tool_call_id: "call_b", content: "b" },
        { role: "user", content: "Go on" },
      ],
    },
  ],
  [
    "a system message among the messages keeps its place",
    { messages: [user(text("One")), { role: "system", content: "Hint" }] },
    { messages: [{ role: "user", content: "One" }, { role: "system", content: "Hint" }] },
  ],
  [
    "a system message between tool_use and tool_result moves behind the tool message",
    {
      messages: [
        user(text("Look")),
        assistant(toolUse("call_a")),
        { role: "system", content: [text("Hint")] },
        user(toolResult("call_a", { content: "a" })),
      ],
    },
    {
      messages: [
        { role: "user", content: "Look" },
        { role: "assistant", content: null, tool_calls: [sentCall("call_a")] },
        { role: "tool", tool_call_id: "call_a", content: "a" },
        { role: "system", content: "Hint" },
      ],
    },
  ],
  [
    "a billing header block is removed from system",
    { system: [text(BILLING), text("Be brief.")] },
    { messages: [{ role: "system", content: "Be brief." }, { role: "user", content: "Hello" }] },
  ],
  [
    "a billing header at the start of the system text is removed with its line break",
    { system: `${BILLING}\nBe brief.` },
    { messages: [{ role: "system", content: "Be brief." }, { role: "user", content: "Hello" }] },
  ],
  [
    "a system text that is only a billing header becomes no message",
    { system: BILLING },
    { messages: [{ role: "user", content: "Hello" }] },
  ],
  [
    "a billing header block is removed from a system message",
    {
      messages: [user(text("One")), { role: "system", content: [text("Hint"), text(BILLING)] }],
    },
    { messages: [{ role: "user", content: "One" }, { role: "system", content: "Hint" }] },
  ],
  [
    "a billing header in the middle of the system text is kept",
    { system: `Never write "${BILLING}"` },
    {
      messages: [
        { role: "system", content: `Never write "${BILLING}"` },
        { role: "user", content: "Hello" },
      ],
    },
  ],
  ...["", [], null, undefined].map((content): [string, Json, Json] => [
    `a tool result with content ${JSON.stringify(content)} becomes (no output)`,
    {
      messages: [
        user(text("Look")),
        assistant(toolUse("call_a")),
        user(toolResult("call_a", { content })),
      ],
    },
    {
      messages: [
        { role: "user", content: "Look" },
        { role: "assistant", content: null, tool_calls: [sentCall("call_a")] },
        { role: "tool", tool_call_id: "call_a", content: "(no output)" },
      ],
    },
  ]),
];

for (const [name, body, expected] of ROWS) {
  Deno.test(name, async () => {
    const seen = await readUpstreamBody(requestBody(body));
    assertEquals(
      Object.fromEntries(Object.keys(expected).map((key) => [key, seen[key]])),
      expected,
    );
  });
}

const PDF = { type: "base64", media_type: "application/pdf", data: "JVBERi0=" };

Deno.test("a PDF in a user message or a tool result becomes a file part", async () => {
  const document = { type: "document", source: PDF };
  const file = {
    type: "file",
    file: { filename: "document.pdf", file_data: `data:${PDF.media_type};base64,${PDF.data}` },
  };
  const direct = await readUpstreamBody(
    requestBody({ messages: [user(text("Sum up"), document)] }),
  );
  assertEquals(direct["messages"], [{ role: "user", content: [text("Sum up"), file] }]);
  const read = await readUpstreamBody(requestBody({
    messages: [
      user(text("Look")),
      assistant(toolUse("call_a")),
      user(toolResult("call_a", { content: [document] })),
    ],
  }));
  const [, , message, userMessage] = Array.isArray(read["messages"]) ? read["messages"] : [];
  assertEquals(message, {
    role: "tool",
    tool_call_id: "call_a",
    content: "(file in the next message)",
  });
  assertEquals(userMessage, {
    role: "user",
    content: [text("Files from the result of tool call call_a:"), file],
  });
});

const PDF_BLOCK = {
  type: "document",
  source: { type: "base64", media_type: "application/pdf", data: "JVBERi0=" },
};

Deno.test("POST /v1/messages sends PDF_ENGINE if there is a PDF_BLOCK", async () => {
  const messages = [{ role: "user", content: [PDF_BLOCK] }];
  const { seen } = await sendOne({ messages }, replyWith({}), { PDF_ENGINE: "native" });
  assertEquals(seen.body["plugins"], [{ id: "file-parser", pdf: { engine: "native" } }]);
  const plain = await sendOne({}, replyWith({}), { PDF_ENGINE: "native" });
  assertEquals("plugins" in plain.seen.body, false);
});
