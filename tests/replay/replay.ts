/**
 * Replays recorded chat responses through the proxy and compares the client's result with the recording, for any
 * chunking.
 * @module
 */

import { toText } from "../../lib/json.ts";
import { compare } from "./compare.ts";
import { expectResponse, listTools } from "./expected.ts";
import type { Cut } from "./pieces.ts";
import { type Dialect, type Params, send, type Setup } from "./proxy.ts";
import type { Exchange } from "./recorded.ts";
import { type ParsedResponse, parseResponse } from "./reference.ts";
import { Verdict } from "./verdict.ts";

/** How a group of recordings is replayed. */
export interface ReplayOptions {
  cut: Cut;
  /** Whether the client requests a stream. */
  stream: boolean;
  /** Fewer recordings than this are an error in the test. */
  minimum: number;
}

/** Replays recordings. @throws {AssertionError} that names those with differences */
export async function replay(
  exchanges: readonly Exchange[],
  { cut, stream, minimum }: ReplayOptions,
): Promise<void> {
  const verdict = new Verdict("responses");
  for (const exchange of exchanges) {
    const recorded = parseResponse(exchange.body);
    const { status, contentType } = exchange;
    const result = await send(
      { ...toParams(exchange, recorded), stream },
      { status, contentType, pieces: cut(exchange.body) },
      toSetup(exchange),
    );
    verdict.note(exchange.name, compare(result, expectResponse(recorded, stream)));
  }
  verdict.check(minimum);
}

/** A request of an Anthropic client with the tools of the recorded one. */
export function toParams(exchange: Exchange, recorded: ParsedResponse): Params {
  const tools = listTools(exchange, recorded)
    .map((name) => ({ name, input_schema: { type: "object" } }));
  return {
    model: "claude-sonnet-5",
    max_tokens: 64_000,
    messages: [{ role: "user", content: "Hello" }],
    ...(tools.length > 0 && { tools }),
  };
}

/** The dialect of the recorded host, and its model as the upstream model. */
export function toSetup({ url, request, body }: Exchange): Setup {
  const respondingModel = /"model":\s*"([^"]*)"/.exec(body)?.[1] ?? "";
  const model = toText(request?.["model"]) || respondingModel;
  // Gateways with OpenRouter's dialect use its model names.
  const isGateway = model.includes("/") && body.includes('"reasoning_details"');
  const dialect: Dialect = url.includes("openrouter") || isGateway ? "openrouter" : "openai";
  return { dialect, target: model.replace(/[\s"'\\,]/g, "") || "unknown-model" };
}
