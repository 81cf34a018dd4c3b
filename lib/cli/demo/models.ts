/**
 * The models and prices of the simulated OpenRouter. The prices are examples; they differ by model, so that the
 * dashboard shows what a choice costs.
 * @module
 */

import type { JsonObject } from "../../json.ts";

/** USD per million tokens. */
interface Price {
  prompt: number;
  completion: number;
}

interface Model {
  id: string;
  name: string;
  context: number;
  output: number;
  price: Price;
}

const MODELS_CREATED = 1_759_000_000;
const OPUS = { prompt: 5, completion: 25 };
const SONNET = { prompt: 3, completion: 15 };
const HAIKU = { prompt: 1, completion: 5 };
const FABLE = { prompt: 10, completion: 50 };

/** The models of `GET /models`. */
export const MODELS: readonly Model[] = [
  claude("opus-5.5", "Opus 5.5", { context: 1_000_000, price: OPUS }),
  claude("sonnet-5.5", "Sonnet 5.5", { context: 1_000_000, price: SONNET }),
  claude("haiku-5.5", "Haiku 5.5", { context: 200_000, price: HAIKU }),
  claude("fable-5.2", "Fable 5.2", { context: 1_000_000, price: FABLE }),
  claude("opus-4.5", "Opus 4.5", { context: 200_000, price: OPUS }),
  claude("sonnet-4.5", "Sonnet 4.5", { context: 1_000_000, price: SONNET }),
  claude("haiku-4.5", "Haiku 4.5", { context: 200_000, price: HAIKU }),
  {
    id: "google/gemini-2.5-pro",
    name: "Google: Gemini 2.5 Pro",
    context: 1_048_576,
    output: 65_536,
    price: { prompt: 1.25, completion: 10 },
  },
  {
    id: "openai/gpt-5",
    name: "OpenAI: GPT-5",
    context: 400_000,
    output: 128_000,
    price: { prompt: 1.25, completion: 10 },
  },
  {
    id: "z-ai/glm-5.3-flash",
    name: "Z.AI: GLM 5.3 Flash",
    context: 200_000,
    output: 64_000,
    price: { prompt: 0.1, completion: 0.4 },
  },
];

function claude(
  id: string,
  name: string,
  { context, price }: { context: number; price: Price },
): Model {
  return {
    id: `anthropic/claude-${id}`,
    name: `Anthropic: Claude ${name}`,
    ...{ context, output: 64_000, price },
  };
}

/** The price of a listed model, else that of its family: every model is accepted. */
export function findPrice(id: string): Price {
  const listed = MODELS.find((model) => model.id === id);
  if (listed !== undefined) return listed.price;
  if (id.includes("opus")) return OPUS;
  if (id.includes("haiku")) return HAIKU;
  return id.includes("fable") ? FABLE : SONNET;
}

/** In the form of `GET /models`. */
export function describeModel({ id, name, context, output, price }: Model): JsonObject {
  const toText = (usd: number) => (usd / 1e6).toFixed(9).replace(/0+$/, "");
  return {
    id,
    name,
    created: MODELS_CREATED,
    context_length: context,
    architecture: { input_modalities: ["text", "image"], output_modalities: ["text"] },
    pricing: { prompt: toText(price.prompt), completion: toText(price.completion) },
    top_provider: { context_length: context, max_completion_tokens: output, is_moderated: false },
    supported_parameters: [
      "max_tokens",
      "reasoning",
      "stop",
      "temperature",
      "tool_choice",
      "tools",
    ],
    reasoning: { mandatory: false, supports_max_tokens: id.startsWith("anthropic/") },
  };
}
