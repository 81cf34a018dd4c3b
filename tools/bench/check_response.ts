// Checks responses of a bench: a proxy that loses or invents anything must not look fast.

import type { Sample } from "./samples.ts";
import type { Target } from "./trial.ts";

/** @throws {Error} for a response that is not the sample's, complete and in order */
export function checkResponse(text: string, sample: Sample, target: Target): void {
  const payloads = text.split("\n").filter((line) => line.startsWith("data: "))
    .map((line) => line.slice(6));
  const found = target === "pass" || target === "passjs"
    ? readChunks(payloads)
    : readEvents(payloads);
  if (found.deltas !== sample.deltas) {
    throw new Error(`${found.deltas} deltas instead of ${sample.deltas}: ${text.slice(-300)}`);
  }
  if (found.content !== sample.content) {
    throw new Error("The content of the response differs from upstream's");
  }
  if (!found.isComplete) throw new Error(`The response is incomplete: ${text.slice(-300)}`);
}

interface Found {
  deltas: number;
  content: string;
  isComplete: boolean;
}

function readEvents(payloads: string[]): Found {
  const found: Found = { deltas: 0, content: "", isComplete: false };
  const first = JSON.parse(payloads[0] ?? "{}");
  if (first.type !== "message_start") throw new Error(`The response starts with ${first.type}`);
  for (const payload of payloads) {
    const { type, delta } = JSON.parse(payload);
    if (type === "error") throw new Error(payload);
    if (type === "content_block_delta") {
      found.deltas++;
      found.content += delta.text ?? delta.partial_json;
    }
    found.isComplete = type === "message_stop";
  }
  return found;
}

function readChunks(payloads: string[]): Found {
  const found: Found = { deltas: 0, content: "", isComplete: payloads.pop() === "[DONE]" };
  for (const payload of payloads) {
    const delta = JSON.parse(payload).choices[0]?.delta;
    const content: string = delta?.content || (delta?.tool_calls?.[0].function.arguments ?? "");
    if (content === "") continue;
    found.deltas++;
    found.content += content;
  }
  return found;
}
