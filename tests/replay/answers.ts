/**
 * Recorded chat answers through the proxy: what comes out must be what went in, however it arrives.
 * @module
 */

import { toText } from "../../lib/json.ts";
import { compare } from "./compare.ts";
import { expectAnswer, listTools } from "./expected.ts";
import type { Cut } from "./pieces.ts";
import { type Dialect, type Params, send, type Setup } from "./proxy.ts";
import type { Exchange } from "./recorded.ts";
import { readAnswer, type Reading } from "./reference.ts";
import { Verdict } from "./verdict.ts";

/** How one group of recordings is replayed. */
export interface Way {
  cut: Cut;
  /** Whether the client asks for a stream. */
  stream: boolean;
  /** Fewer recordings than these are a mistake in the test. */
  least: number;
}

/** Replays recordings in one way. @throws {AssertionError} that names those that come out wrong */
export async function replay(exchanges: readonly Exchange[], way: Way): Promise<void> {
  const verdict = new Verdict("answers");
  for (const exchange of exchanges) {
    const reading = readAnswer(exchange.body);
    const { status, contentType } = exchange;
    const seen = await send(
      { ...toParams(exchange, reading), stream: way.stream },
      { status, contentType, pieces: way.cut(exchange.body) },
      toSetup(exchange),
    );
    verdict.note(exchange.name, compare(seen, expectAnswer(reading, way.stream)));
  }
  verdict.check(way.least);
}

/** A request of an Anthropic client that offers the tools of the recorded one. */
export function toParams(exchange: Exchange, reading: Reading): Params {
  const tools = listTools(exchange, reading)
    .map((name) => ({ name, input_schema: { type: "object" } }));
  return {
    model: "claude-sonnet-5",
    max_tokens: 64_000,
    messages: [{ role: "user", content: "Hello" }],
    ...(tools.length > 0 && { tools }),
  };
}

/** The dialect of the recorded host, and its model as the target. */
export function toSetup({ url, request, body }: Exchange): Setup {
  const answered = /"model":\s*"([^"]*)"/.exec(body)?.[1] ?? "";
  const model = toText(request?.["model"]) || answered;
  // Gateways that speak OpenRouter's dialect name models as it does.
  const isGateway = model.includes("/") && body.includes('"reasoning_details"');
  const dialect: Dialect = url.includes("openrouter") || isGateway ? "openrouter" : "openai";
  return { dialect, target: model.replace(/[\s"'\\,]/g, "") || "unknown-model" };
}
