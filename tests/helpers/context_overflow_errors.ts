/**
 * Error messages of real servers about a context overflow, and messages that only look like one. Collected from
 * recorded responses, public issues, and the source code of the servers.
 * @module
 */

/** One message, and the token counts in it. */
export interface Overflow {
  /** The server or provider. */
  server: string;
  message: string;
  /** Requested tokens and limit; null if the message does not have both. */
  tooLong?: readonly [requested: number, limit: number] | null;
  /** Input, output and limit, if the input alone fits. */
  lessOutput?: readonly [input: number, output: number, limit: number];
  /** Too general to be recognized with a status of 500 or more. */
  isLoose?: boolean;
}

export const OVERFLOWS: readonly Overflow[] = [
  {
    server: "Anthropic",
    message: "prompt is too long: 210000 tokens > 200000 maximum",
    tooLong: [210000, 200000],
  },
  {
    server: "Anthropic, input and output",
    message:
      "input length and `max_tokens` exceed context limit: 190000 + 16384 > 200000, decrease " +
      "input length or `max_tokens` and try again",
    lessOutput: [190000, 16384, 200000],
  },
  {
    server: "Anthropic, older",
    message: "input length and max_tokens exceed context limit (i.e 156321 + 48384 > 200000)",
    lessOutput: [156321, 48384, 200000],
  },
  {
    server: "OpenRouter",
    message:
      "This endpoint's maximum context length is 200000 tokens. However, you requested about " +
      "2500021 tokens (2500021 of text input). Please reduce the length of either one, or use the " +
      "context-compression plugin to compress your prompt automatically.",
    tooLong: [2500021, 200000],
  },
  {
    server: "OpenRouter, input and output",
    message:
      "This endpoint's maximum context length is 32768 tokens. However, you requested about " +
      "45000 tokens (13000 of text input, 32000 in the output). Please reduce the length of either one.",
    lessOutput: [13000, 32000, 32768],
  },
  {
    server: "OpenRouter, with tools",
    message:
      "This endpoint's maximum context length is 204800 tokens. However, you requested about " +
      "205432 tokens (81684 of text input, 3748 of tool input, 120000 in the output). Please reduce " +
      "the length of either one, or use the context-compression plugin",
    lessOutput: [85432, 120000, 204800],
  },
  {
    server: "OpenRouter, input alone too long",
    message:
      "This endpoint's maximum context length is 200000 tokens. However, you requested about " +
      "242000 tokens (210000 of text input, 32000 in the output).",
    tooLong: [210000, 200000],
  },
  {
    server: "OpenRouter, the whole window as output",
    message:
      "this endpoint's maximum context length is 131072 tokens. however, you requested about " +
      "138956 tokens (7884 of text input, 131072 in the output).",
    lessOutput: [7884, 131072, 131072],
  },
  {
    server: "OpenAI",
    message:
      "This model's maximum context length is 128000 tokens. However, your messages resulted in " +
      "130501 tokens. Please reduce the length of the messages.",
    tooLong: [130501, 128000],
  },
  {
    server: "OpenAI with commas",
    message: "maximum context length is 128,000 tokens, however you requested 130,501 tokens",
    tooLong: [130501, 128000],
  },
  {
    server: "OpenAI, input and output",
    message:
      "This model's maximum context length is 8192 tokens. However, you requested 8500 tokens " +
      "(4000 in the messages, 404 in the functions, 4096 in the completion).",
    lessOutput: [4404, 4096, 8192],
  },
  {
    server: "OpenAI, GPT-5",
    message:
      "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in " +
      "289650 tokens. Please reduce the length of the messages.",
    tooLong: [289650, 272000],
  },
  {
    server: "OpenAI without counts",
    message:
      "Your input exceeds the context window of this model. Please adjust your input and try again.",
    tooLong: null,
  },
  {
    server: "DeepSeek",
    message:
      "This model's maximum context length is 1048565 tokens. However, you requested 1250025 " +
      "tokens (1250025 in the messages, 0 in the completion). Please reduce the length of the messages.",
    tooLong: [1250025, 1048565],
  },
  {
    server: "vLLM",
    message:
      "This model's maximum context length is 16384 tokens. However, you requested 122946 tokens " +
      "(112946 in the messages, 10000 in the completion). Please reduce the length of the messages.",
    tooLong: [112946, 16384],
  },
  {
    server: "vLLM, max_tokens too large",
    message:
      "'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's maximum context " +
      "length is 32768 tokens and your request has 13000 input tokens (32000 > 32768 - 13000).",
    lessOutput: [13000, 32000, 32768],
  },
  {
    server: "vLLM, input alone",
    message:
      "This model's maximum context length is 32768 tokens. However, your request has 40000 input " +
      "tokens. Please reduce the length of the input messages.",
    tooLong: [40000, 32768],
  },
  {
    server: "vLLM, newer",
    message:
      "This model's maximum context length is 131072 tokens. However, you requested 8000 output " +
      "tokens and your prompt contains at least 123073 input tokens, for a total of at least 131073 " +
      "tokens. Please reduce the length of the input prompt or the number of requested output tokens.",
    lessOutput: [123073, 8000, 131072],
  },
  {
    server: "vLLM, newest",
    message:
      "You passed 98305 input tokens and requested 32768 output tokens. However, the model's " +
      "context length is only 131072 tokens, resulting in a maximum input length of 98304 tokens. " +
      "Please reduce the length of the input prompt. (parameter=input_tokens, value=98305)",
    lessOutput: [98305, 32768, 131072],
  },
  {
    server: "vLLM, newest, input alone",
    message:
      "You passed 131073 input tokens and requested 0 output tokens. However, the model's context " +
      "length is only 131072 tokens, resulting in a maximum input length of 131072 tokens.",
    tooLong: [131073, 131072],
  },
  {
    server: "vLLM, images counted",
    message:
      "The decoder prompt (length 8357) is longer than the maximum model length of 8192. Make " +
      "sure that `max_model_len` is no smaller than the number of text tokens.",
    tooLong: [8357, 8192],
  },
  {
    server: "SGLang",
    message: "The input (345516 tokens) is longer than the model's context length (262144 tokens).",
    tooLong: [345516, 262144],
  },
  {
    server: "SGLang, input and output",
    message:
      "Requested token count exceeds the model's maximum context length of 32768 tokens. You " +
      "requested a total of 70000 tokens: 6000 tokens from the input messages and 64000 tokens for the " +
      "completion. Please reduce the number of tokens in the input messages or the completion.",
    lessOutput: [6000, 64000, 32768],
  },
  {
    server: "Gemini",
    message:
      "The input token count (1200293) exceeds the maximum number of tokens allowed (1048576).",
    tooLong: [1200293, 1048576],
  },
  {
    server: "Vertex",
    message:
      "Unable to submit request because the input token count is 135538 but model only supports " +
      "up to 32768. Reduce the input token count and try again.",
    tooLong: [135538, 32768],
  },
  {
    server: "xAI",
    message: "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
    tooLong: [140000, 131072],
  },
  {
    server: "Copilot",
    message: "prompt token count of 128023 exceeds the limit of 128000",
    tooLong: [128023, 128000],
  },
  {
    server: "Groq",
    message: "Please reduce the length of the messages or completion.",
    tooLong: null,
  },
  {
    server: "Cerebras",
    message:
      "Please reduce the length of the messages or completion. Current length is 69553 while " +
      "limit is 65536",
    tooLong: [69553, 65536],
  },
  {
    server: "Kimi",
    message: "Invalid request: Your request exceeded model token limit: 262144 (requested: 269030)",
    tooLong: [269030, 262144],
  },
  { server: "Kimi, input", message: "Input token length too long", tooLong: null },
  {
    server: "Alibaba",
    message:
      "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 204800]",
    tooLong: null,
  },
  {
    server: "Mistral",
    message:
      "Prompt contains 70289 tokens and 0 draft tokens, too large for model with 32768 maximum " +
      "context length",
    tooLong: [70289, 32768],
  },
  {
    server: "DwarfStar",
    message: "Prompt has 256468 tokens, but the configured context size is 256000 tokens",
    tooLong: [256468, 256000],
  },
  {
    server: "llama.cpp",
    message:
      "request (2009 tokens) exceeds the available context size (512 tokens), try increasing it",
    tooLong: [2009, 512],
  },
  {
    server: "llama.cpp, older",
    message: "the request exceeds the available context size, try increasing it",
    tooLong: null,
  },
  {
    server: "llama.cpp while it writes",
    message: "Context size has been exceeded.",
    tooLong: null,
  },
  {
    server: "llama-cpp-python",
    message: "Requested tokens (9437) exceed context window of 8192",
    tooLong: [9437, 8192],
  },
  {
    server: "LM Studio",
    message:
      "The number of tokens to keep from the initial prompt is greater than the context length " +
      "(n_keep: 13055>= n_ctx: 4096). Try to load the model with a larger context length, or provide a " +
      "shorter input",
    tooLong: [13055, 4096],
  },
  {
    server: "LM Studio, newer",
    message: "Cannot truncate prompt with n_keep (15028) >= n_ctx (7424)",
    tooLong: [15028, 7424],
  },
  {
    server: "LM Studio, older",
    message:
      "Trying to keep the first 111490 tokens when context the overflows. However, the model is " +
      "loaded with context length of only 32768 tokens, which is not enough.",
    tooLong: [111490, 32768],
  },
  {
    server: "Ollama's cloud",
    message: "prompt too long; exceeded max context length by 1119046 tokens " +
      "(ref: 96164522-08b2-4cbf-886e-e5a38961a688)",
    tooLong: null,
  },
  { server: "Ollama", message: "the input length exceeds the context length", tooLong: null },
  {
    server: "TGI",
    message:
      "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 1500 " +
      "`inputs` tokens and 1000 `max_new_tokens`",
    lessOutput: [1500, 1000, 2048],
  },
  {
    server: "TGI, input alone too long",
    message:
      "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 3000 " +
      "`inputs` tokens and 20 `max_new_tokens`",
    tooLong: [3000, 2048],
  },
  {
    server: "TGI, inputs",
    message: "Input validation error: `inputs` must have less than 1024 tokens. Given: 1234",
    tooLong: [1234, 1024],
  },
  {
    server: "Together",
    message: "Input length (265330) exceeds model's maximum context length (262144).",
    tooLong: [265330, 262144],
  },
  {
    server: "Poolside",
    message: "Input length 131393 exceeds the maximum allowed input length of 131,040 tokens.",
    tooLong: [131393, 131040],
  },
  {
    server: "DeepInfra",
    message:
      "Upstream error from DeepInfra: Requested input length 35327 exceeds maximum input length " +
      "32767",
    tooLong: [35327, 32767],
  },
  {
    server: "Fireworks",
    message: "The prompt is too long: 131_210, model maximum context length: 131_071",
    tooLong: [131210, 131071],
  },
  {
    server: "Cohere",
    message:
      "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292.",
    tooLong: [4292, 4081],
  },
  {
    server: "SambaNova",
    message:
      "Requested generation length 1 is not possible! The provided prompt is 17000 tokens long, " +
      "so generating 1 tokens requires a sequence length of 17001, but the maximum supported sequence " +
      "length is just 16384!",
    tooLong: [17000, 16384],
  },
  {
    server: "Cloudflare",
    message:
      "The estimated number of input and maximum output tokens (32769) exceeded this model " +
      "context window limit (32768).",
    tooLong: [32769, 32768],
  },
  {
    server: "Perplexity",
    message: "The total length of all messages is too long.",
    tooLong: null,
  },
  { server: "Bedrock", message: "Input is too long for requested model.", tooLong: null },
  {
    server: "Bedrock Nova",
    message:
      "Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the " +
      "input to try again.",
    tooLong: null,
  },
  {
    server: "MiniMax",
    message: "invalid params, context window exceeds limit (2013)",
    tooLong: null,
  },
  { server: "Z.ai", message: "Prompt exceeds max length", tooLong: null },
  {
    server: "Z.ai, older",
    message: "tokens in request more than max tokens allowed",
    tooLong: null,
  },
  {
    server: "LiteLLM",
    message:
      "litellm.ContextWindowExceededError: litellm.BadRequestError: OpenAIException - Too big",
    tooLong: null,
  },
  { server: "a gateway", message: "Too many tokens in this request", tooLong: null, isLoose: true },
  { server: "another", message: "Context length exceeded", tooLong: null, isLoose: true },
];

/** Error codes of an overflow, each with a message that does not say so. */
export const OVERFLOW_ERRORS: readonly (readonly [server: string, error: object])[] = [
  ["OpenRouter", { code: 400, message: "No", metadata: { error_type: "context_length_exceeded" } }],
  ["OpenAI", { code: "context_length_exceeded", type: "invalid_request_error", message: "No" }],
  ["llama.cpp", { code: 400, type: "exceed_context_size_error", message: "No" }],
  ["Perplexity", { code: 400, type: "too_many_prompt_tokens", message: "No" }],
  ["Copilot", { code: "model_max_prompt_tokens_exceeded", message: "No" }],
];

/** Errors about tokens, limits or context that compaction would not fix. */
export const OTHER_ERRORS: readonly (readonly [status: number, message: string])[] = [
  [500, "context deadline exceeded"],
  [500, "rpc error: code = Canceled desc = context canceled"],
  [500, "CUDA out of memory while allocating the context window cache"],
  [500, "failed to decode, try again, increasing context size or reducing parallel"],
  [500, "The maximum context length of this deployment could not be read"],
  [502, "upstream connect error: context limit service is down"],
  [503, "Server overloaded: too many tokens in the queue, prompt is too long to be served now"],
  [503, "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens."],
  [504, "Input is too long for requested model."],
  [401, "Requested tokens (9437) exceed context window of 8192"],
  [
    413,
    "Request too large for model `llama-3.3-70b` on tokens per minute (TPM): Limit 6000, Requested " +
    "7000, please reduce your message size and try again.",
  ],
  [400, "Rate limit reached: too many tokens per minute"],
  [
    400,
    "Invalid 'messages[0].content': string too long. Expected a string with maximum length " +
    "10485760, but got a string with length 12000000 instead.",
  ],
  [
    400,
    "max_tokens: 32000 > 8192, which is the maximum allowed number of output tokens for this model",
  ],
  [
    400,
    "max_tokens is too large: 32000. This model supports at most 16384 completion tokens, whereas " +
    "you provided 32000.",
  ],
  [400, "The maximum tokens you requested exceeds the model limit of 4096."],
  [400, "Range of max_tokens should be [1, 8192]"],
  [400, "max_tokens=140000 cannot be greater than max_model_len=max_total_tokens=131072."],
  [400, "Token limit reached"],
  [400, "Image exceeds the limit of 20 MB"],
  [400, "tools: too many tools: 130 > 128"],
];
