/**
 * Translates upstreams' context overflow errors to the wording that Claude Code acts on. Pure.
 * It compacts on "prompt is too long" and retries with a lower `max_tokens` on "input length and `max_tokens` exceed
 * context limit: A + B > C". With any other wording the session is stuck.
 * @module
 */

import { MAX_WORDING_CHARS, type UpstreamError } from "./parse_error.ts";

/** The token counts in an error. */
interface OverflowCounts {
  /** The context window, or the maximum input. */
  limit: number;
  input?: number | undefined;
  /** Reserved by `max_tokens`. */
  output?: number | undefined;
  /** Input plus output. */
  total?: number | undefined;
}

/** Error codes and types for an overflow. */
const OVERFLOW_CODES: ReadonlySet<string> = new Set([
  "context_length_exceeded", // OpenRouter, OpenAI, Groq, Cerebras
  "exceed_context_size_error", // llama.cpp
  "too_many_prompt_tokens", // Perplexity
  "model_max_prompt_tokens_exceeded", // Copilot
  "model_context_window_exceeded", // Z.ai
  "context_window_exceeded",
  "ContextWindowExceededError", // LiteLLM
  "prompt_too_long",
]);

/**
 * Wordings as regular expressions in which <limit>, <input>, <output> and <total> stand for counts. The first match
 * wins, so a wording with counts precedes its shorter form.
 */
const WORDINGS: readonly RegExp[] = [
  // Anthropic, newer and older; Fireworks
  "input length and `?max_tokens`? exceed context limit(?:: | \\(i\\.e\\.?,? )<input> \\+ <output> > <limit>",
  "prompt is too long:? <input> tokens > <limit>",
  "prompt is too long:? <input>, model maximum context length:? <limit>",
  // OpenRouter: "about 45000 tokens (12000 of text input, 1000 of tool input, 32000 in the output)"
  "maximum context length is <limit> tokens\\. however, you requested about <total> tokens " +
  "\\([^)]{0,200}?<output> in the output",
  // OpenAI, DeepSeek, vLLM, llama-cpp-python
  "maximum context length is <limit> tokens[.,] however,? you requested <total> tokens " +
  "\\([^)]{0,120}?<output> (?:in|for) the completion",
  // vLLM, newest last
  "is too large: <output>\\. this model's maximum context length is <limit> tokens and your request has " +
  "<input> input tokens",
  "maximum context length is <limit> tokens\\. however, your request has <input> input tokens",
  "maximum context length is <limit> tokens\\. however, you requested <output> output tokens and your prompt " +
  "contains (?:at least )?<input> input tokens",
  "you passed <input> input tokens and requested <output> output tokens\\. however, the model's context length " +
  "is only <limit>",
  "prompt \\(length <input>\\) is longer than the maximum model length of <limit>",
  "longer than the maximum model length",
  // SGLang
  "maximum context length of <limit> tokens\\. you requested a total of <total> tokens: <input> tokens from " +
  "the input messages and <output> tokens",
  "input \\(<input> tokens\\) is longer than the model's context length \\(<limit>",
  "requested token count exceeds the model's maximum context length",
  // OpenAI, OpenRouter, Azure
  "maximum context length is <limit> tokens[.,] however,? (?:you requested|your messages resulted in)" +
  "(?: about)? <total> tokens",
  "input tokens exceed the configured limit of <limit> tokens\\. your messages resulted in <input> tokens",
  "exceeds the context window of this model",
  // Gemini
  "input token count \\(<input>\\) exceeds the maximum number of tokens allowed \\(<limit>",
  "input token count is <input> but model only supports up to <limit>",
  // xAI
  "maximum prompt length is <limit> but the request contains <input> tokens",
  // Copilot
  "prompt token count of <input> exceeds the limit of <limit>",
  // Cerebras; Groq, which gives no counts
  "current length is <input> while limit is <limit>",
  "please reduce the length of the messages or completion",
  // Kimi
  "exceeded model token limit ?: ?<limit> \\(requested: ?<total>",
  "exceeded model token limit|input token length too long",
  // Alibaba
  "range of input length should be \\[\\d{1,9}, ?<limit>\\]",
  // Mistral, DwarfStar
  "prompt contains <input> tokens\\b.{0,100}? too large for model with <limit> maximum context length",
  "too large for model with <limit> maximum context length",
  "prompt has <input> tokens, but the configured context size is <limit>",
  // llama.cpp, llama-cpp-python
  "request \\(<input> tokens\\) exceeds the available context size \\(<limit>",
  "input \\(<input> tokens\\) is larger than the max context size \\(<limit>",
  "exceeds the available context size|larger than the max context size|context size has been exceeded",
  "requested tokens \\(<input>\\) exceed context window of <limit>",
  // LM Studio, by age
  "keep the first <input> tokens when context.{0,80}?context length of only <limit> tokens",
  "greater than the context length \\(n_keep: <input> ?>= ?n_ctx: <limit>",
  "n_keep \\(<input>\\) >= n_ctx \\(<limit>",
  "tokens to keep from the initial prompt is greater than the context length",
  // Ollama: "by 1119046 tokens" is neither the total nor the limit
  "prompt too long; exceeded (?:max )?context length|input length exceeds the (?:maximum )?context length",
  // TGI
  "`inputs` tokens \\+ `max_new_tokens` must be <= <limit>\\. given: <input> `inputs` tokens and <output> ",
  "`inputs` tokens \\+ `max_new_tokens` must be <= <limit>",
  "`inputs` must have less than <limit> tokens\\. given: <input>",
  // Poolside, DeepInfra, and gateways
  "input length \\(?<input>\\)?(?: tokens)? exceeds (?:the |model's )?max(?:imum)? " +
  "(?:context|(?:allowed )?input) length (?:of )?\\(?<limit>",
  // Cohere, SambaNova, Cloudflare
  "number of tokens in the prompt cannot exceed <limit> - received <input>",
  "prompt is <input> tokens long,.{0,160}?maximum supported sequence length is just <limit>",
  "number of input and maximum output tokens \\(<total>\\) exceeded this model context window limit \\(<limit>",
  // Bedrock, MiniMax, Z.ai, Perplexity, LiteLLM
  "input is too long for requested model|number of input tokens exceeds maximum length",
  "context window exceeds limit",
  "prompt exceeds max length|tokens in request more than max tokens allowed|prompt ?超长",
  "total length of all messages is too long",
  "ContextWindowExceededError|context_length_exceeded",
].map(toWording);

/** Sufficient with a 4xx status; with a 5xx the message may only mention these words. */
const LOOSE_WORDING = new RegExp(
  "maximum (?:context|prompt) length|context length exceeded|exceed.{0,40} context (?:window|length|limit)|" +
    "(?:prompt|input) is too long|too many tokens|exceeds the maximum number of tokens",
  "i",
);

/** Rate limits, and limits on characters of a string: compacting does not help. */
const OTHER_LIMITS = new RegExp(
  "\\b(?:tokens|requests) per (?:second|minute|min|hour|day)\\b|\\b(?:TPM|TPD|RPM)\\b|" +
    "string too long\\. expected a string with maximum length|expected maxlength",
  "i",
);

const CLIENT_ERRORS: ReadonlySet<number> = new Set([400, 413, 422]);
/** llama.cpp and LM Studio return 500. An error in a stream without a status counts as 502. */
const SERVER_ERRORS: ReadonlySet<number> = new Set([500, 502]);

/**
 * The message for the client if the error is a context overflow, else null.
 * @param estimateInput the proxy's own count, for servers that stop counting at their limit
 */
export function describeOverflow(
  report: UpstreamError,
  estimateInput: () => number = () => 0,
): string | null {
  if (!CLIENT_ERRORS.has(report.status) && !SERVER_ERRORS.has(report.status)) return null;
  const { wording, message } = report;
  const isOther = OTHER_LIMITS.test(wording);
  const counts = isOther ? undefined : findCounts(wording);
  const hasCode = [...report.codes, ...report.innerCodes].some((code) => OVERFLOW_CODES.has(code));
  const isLoose = !isOther && CLIENT_ERRORS.has(report.status) && LOOSE_WORDING.test(wording);
  if (counts === undefined && !hasCode && !isLoose) return null;
  if (isAnthropicMessage(message)) return message;
  return formatMessage(counts ?? readCountFields(report), { message, estimateInput });
}

/** The counts in the first matching wording: null if it has none, undefined if none matches. */
function findCounts(text: string): OverflowCounts | null | undefined {
  for (const wording of WORDINGS) {
    const match = wording.exec(text);
    if (match !== null) return toCounts(match.groups ?? {});
  }
  return undefined;
}

function toCounts(groups: Record<string, string | undefined>): OverflowCounts | null {
  const limit = toNumber(groups["limit"]);
  if (limit === undefined) return null;
  return {
    limit,
    input: toNumber(groups["input"]),
    output: toNumber(groups["output"]),
    total: toNumber(groups["total"]),
  };
}

/** llama.cpp also has the counts in separate fields, older versions only there. */
function readCountFields({ numbers }: UpstreamError): OverflowCounts | null {
  const { n_ctx: limit, n_prompt_tokens: input } = numbers;
  return limit === undefined || input === undefined ? null : { limit, input };
}

function formatMessage(
  counts: OverflowCounts | null,
  { message, estimateInput }: { message: string; estimateInput: () => number },
): string {
  const plain = /prompt is too long/i.test(message) ? message : `prompt is too long: ${message}`;
  if (counts === null) return plain;
  const { limit, output = 0 } = counts;
  const total = counts.total ?? (counts.input ?? 0) + output;
  const reported = counts.input ?? total - output;
  // vLLM stops counting one token over its limit: the input may be longer.
  const isTruncated = output > 0 && counts.input !== undefined && reported + output === limit + 1;
  const input = isTruncated ? Math.max(reported, estimateInput()) : reported;
  if (output > 0 && input < limit && input + output > limit) {
    return `input length and \`max_tokens\` exceed context limit: ${input} + ${output} > ${limit}, ` +
      `decrease input length or \`max_tokens\` and try again (${message})`;
  }
  if (isTruncated) return plain;
  const tokens = input > limit ? input : total;
  return tokens > limit
    ? `prompt is too long: ${tokens} tokens > ${limit} maximum (${message})`
    : plain;
}

/** Whether Claude Code can parse the message as it is. */
function isAnthropicMessage(message: string): boolean {
  const start = message.slice(0, MAX_WORDING_CHARS);
  return /prompt is too long[^0-9]{0,20}\d{1,12} tokens > \d/i.test(start) ||
    /input length and `max_tokens` exceed context limit: \d{1,12} \+ \d{1,12} > \d/.test(start);
}

function toWording(source: string): RegExp {
  return new RegExp(source.replace(/<(\w+)>/g, "(?<$1>\\d[\\d,_]{0,14})"), "i");
}

/** Also reads `128,000` and `128_000`. */
function toNumber(digits = ""): number | undefined {
  return digits === "" ? undefined : Number(digits.replaceAll(/[,_]/g, ""));
}
