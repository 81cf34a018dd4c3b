// `deno bench tools/bench/`: the pure translation alone, at the size of a real Claude Code request.

import { parseMessagesRequest } from "../../lib/anthropic/parse_request.ts";
import { encodeEvent } from "../../lib/stream/sse.ts";
import { estimateInputTokens } from "../../lib/translate/tokens.ts";
import { translateRequest } from "../../lib/translate/request/request.ts";
import { StreamTranslator } from "../../lib/translate/response/stream_translator.ts";
import { createClaudeCodeRequest, createSample, type Kind } from "./samples.ts";

const body = JSON.stringify(createClaudeCodeRequest("one"));
const request = parseMessagesRequest(JSON.parse(body));
const options = { models: ["bench/one"] } as const;

Deno.bench(`JSON.parse of a request of ${Math.round(body.length / 1024)} KB`, () => {
  JSON.parse(body);
});

Deno.bench("parseMessagesRequest of its value", () => {
  parseMessagesRequest(JSON.parse(body));
});

Deno.bench("translateRequest", () => {
  translateRequest(request, options);
});

Deno.bench("translateRequest and JSON.stringify", () => {
  JSON.stringify(translateRequest(request, options).body);
});

Deno.bench("estimateInputTokens", () => {
  estimateInputTokens(request);
});

/** The parsed chunks of a sample. */
function readChunks(kind: Kind): Record<string, unknown>[] {
  return createSample(kind).pieces.join("").split("\n\n")
    .filter((event) => event !== "" && event !== "data: [DONE]")
    .map((event) => JSON.parse(event.slice("data: ".length)));
}

for (const kind of ["one", "tools"] as const) {
  const chunks = readChunks(kind);
  Deno.bench(`StreamTranslator and encodeEvent, ${chunks.length} chunks of '${kind}'`, () => {
    const translator = new StreamTranslator({
      messageId: "msg_bench",
      model: "bench/one",
      inputTokens: 100,
      newCallId: () => "toolu_bench",
    });
    for (const chunk of chunks) translator.push(chunk).forEach(encodeEvent);
    translator.finish().forEach(encodeEvent);
  });
}
