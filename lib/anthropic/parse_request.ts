/**
 * The door for `POST /v1/messages` bodies: unknown JSON in, {@linkcode MessagesRequest} out.
 * Checks only what is read, keeps to the API's wording, and gives every string content one form: blocks.
 * Unknown top-level fields and betas never fail.
 * @module
 */

import { ApiError } from "../errors.ts";
import { isJsonObject } from "../json.ts";
import {
  parseAssistantContent,
  parseSystemContent,
  parseSystemText,
  parseUserContent,
} from "./parse_messages.ts";
import { parseCacheControl } from "./parse_content.ts";
import { parseContextManagement } from "./parse_context_management.ts";
import { Field, invalidError } from "./field.ts";
import { parseToolChoice, parseTools } from "./parse_tools.ts";
import type { Effort, MessageParam, MessagesRequest, Thinking } from "./types.ts";
import { findDroppedFields } from "./dropped_fields.ts";
import type { ServerTools } from "./server_tools.ts";

const ROLES = ["user", "assistant", "system"] as const;
const EFFORTS = ["low", "medium", "high", "xhigh", "max"] as const;
const SAFEGUARD = "dangerous_tool_use";
/** Each character of an answer is compared with each of them. */
const MAX_STOPS = 100;
const MAX_STOP_CHARS = 1000;
/** Claude Code's, a JSON object, has some 200. */
const MAX_USER_ID_CHARS = 4096;
/** Lists that hold one entry, or a handful. */
const MAX_FEW = 100;

/**
 * Checks a request body.
 * @throws {ApiError} `invalid_request_error` that names the path, e.g. `messages.0.role: Field required`
 */
export function parseMessagesRequest(body: unknown): MessagesRequest {
  const root = new Field(body);
  root.asObject();
  const size = {
    model: root.at("model").asName(),
    max_tokens: root.at("max_tokens").asInteger({ least: 0 }),
  };
  const { droppedFields, ...prompt } = parsePrompt(root);
  const { context, droppedFields: undone } = parseContextManagement(root.at("context_management"));
  const { safeguards, unread: unchecked } = parseSafeguards(root.at("safeguards"));
  const request: MessagesRequest = {
    ...size,
    ...prompt,
    ...context,
    stream: root.at("stream").isMissing ? false : root.at("stream").asBoolean(),
    stop_sequences: parseStopSequences(root.at("stop_sequences")),
    fallbacks: parseFallbacks(root.at("fallbacks")),
    safeguards,
    droppedFields: [...findDroppedFields(root), ...droppedFields, ...undone, ...unchecked],
    ...parseThinking(root.at("thinking")),
    ...parseSampling(root),
    ...parseIdentity(root),
    ...parseOutputConfig(root),
    ...parseServiceTier(root),
  };
  rejectUnsupportedModes(root);
  if (request.max_tokens === 0) rejectOutputWithZeroTokens(request);
  return request;
}

/**
 * Checks the part of a body that `count_tokens` shares with a request: `model`, `messages`, `system`, `tools`.
 * @throws {ApiError} as {@linkcode parseMessagesRequest}
 */
export function parseCountRequest(body: unknown): MessagesRequest {
  const root = new Field(body);
  root.asObject();
  const model = root.at("model").asName();
  return {
    model,
    max_tokens: 1,
    ...parsePrompt(root),
    ...parseContextManagement(root.at("context_management")).context,
    stream: false,
    stop_sequences: [],
    fallbacks: [],
    safeguards: false,
    droppedFields: [],
  };
}

type Prompt =
  & Pick<MessagesRequest, "messages" | "system" | "tools" | "tool_choice" | "droppedFields">
  & ServerTools;

function parsePrompt(root: Field): Prompt {
  const parsed = parseTools(root.at("tools"));
  if (hasServers(root.at("mcp_servers"))) {
    parsed.unsupportedTools.push({ type: "mcp_servers" });
    parsed.droppedFields.push("mcp_servers");
  }
  const { unsupportedTools: _, ...tools } = parsed;
  const prompt: Prompt = {
    messages: parseMessages(root.at("messages")),
    system: parseSystemText(root.at("system")),
    ...tools,
  };
  const choice = root.at("tool_choice");
  if (!choice.isMissing) prompt.tool_choice = parseToolChoice(choice, parsed);
  return prompt;
}

/** Servers that Anthropic would connect to: offered like tools, and left out like those. */
function hasServers(field: Field): boolean {
  return !field.isMissing && field.asList().length > 0;
}

function parseMessages(field: Field): MessageParam[] {
  const turns = field.asList();
  if (turns.length === 0) throw invalidError(field.path, "at least one message is required");
  return turns.map(parseMessage);
}

function parseMessage(turn: Field): MessageParam {
  turn.asObject();
  const role = turn.at("role").asOneOf(ROLES);
  const content = turn.at("content");
  switch (role) {
    case "user":
      return { role, content: parseUserContent(content) };
    case "assistant":
      return { role, content: parseAssistantContent(content) };
    case "system":
      return { role, content: parseSystemContent(content), ...parseTurnEffort(turn) };
  }
}

/** A word that is not an effort is left to `listUnread`: such a turn is a hint, and no reason to refuse. */
function parseTurnEffort(turn: Field): { effort?: Effort } {
  const { value } = turn.at("output_config").at("effort");
  const effort = EFFORTS.find((one) => one === value);
  return effort === undefined ? {} : { effort };
}

/** Lenient: newer clients may ask for checks of other types. Those are named. */
function parseSafeguards(field: Field): { safeguards: boolean; unread: string[] } {
  if (field.isMissing) return { safeguards: false, unread: [] };
  const entries: unknown[] = Array.isArray(field.value)
    ? field.asList(MAX_FEW).map(({ value }) => value)
    : [field.value];
  const types = entries.map((entry) => isJsonObject(entry) ? entry["type"] : undefined);
  return {
    safeguards: types.includes(SAFEGUARD),
    unread: types.filter((type) => type !== SAFEGUARD)
      .map((type) => typeof type === "string" && type !== "" ? `safeguards.${type}` : "safeguards"),
  };
}

function parseThinking(field: Field): { thinking?: Thinking } {
  if (field.isMissing) return {};
  const type = field.asTag(["enabled", "adaptive", "disabled", "between_tools"]);
  // Any other display is shown: a summary is what upstream sends.
  const display = field.at("display").value === "omitted" ? { display: "omitted" as const } : {};
  if (type !== "enabled") return { thinking: { type, ...display } };
  const budget = field.as(type).at("budget_tokens").asInteger({ least: 1024 });
  return { thinking: { type, budget_tokens: budget, ...display } };
}

function parseStopSequences(field: Field): string[] {
  if (field.isMissing) return [];
  return field.asList(MAX_STOPS).map((item) => item.asStringUpTo(MAX_STOP_CHARS));
}

/** The models to try next. `"default"` is Anthropic's own choice, which nobody else knows. */
function parseFallbacks(field: Field): string[] {
  if (field.isMissing || field.value === "default") return [];
  return field.asList(MAX_FEW).map((entry) => {
    entry.asObject();
    return entry.at("model").asName();
  });
}

/** "Not set": Anthropic takes it so for both, and LangChain.js sends it by default. */
const UNSET = -1;

type Sampling = Pick<MessagesRequest, "temperature" | "top_p" | "top_k">;

function parseSampling(root: Field): Sampling {
  const sampling: Sampling = {};
  const temperature = root.at("temperature");
  const topP = root.at("top_p");
  const topK = root.at("top_k");
  if (!temperature.isMissing) sampling.temperature = temperature.asNumber({ least: 0, most: 1 });
  if (!topP.isMissing && topP.value !== UNSET) {
    sampling.top_p = topP.asNumber({ least: 0, most: 1 });
  }
  if (!topK.isMissing && topK.value !== UNSET) sampling.top_k = topK.asInteger({ least: 0 });
  return sampling;
}

type Identity = Pick<MessagesRequest, "user_id" | "cache_control">;

function parseIdentity(root: Field): Identity {
  const identity: Identity = {};
  const metadata = root.at("metadata");
  if (!metadata.isMissing) {
    metadata.asObject();
    const userId = metadata.at("user_id");
    if (!userId.isMissing) identity.user_id = userId.asStringUpTo(MAX_USER_ID_CHARS);
  }
  const cacheControl = parseCacheControl(root.at("cache_control"));
  if (cacheControl !== undefined) identity.cache_control = cacheControl;
  return identity;
}

/** `output_config`, and the older top-level `output_format` that raw clients still send. */
function parseOutputConfig(root: Field): Pick<MessagesRequest, "effort" | "output_schema"> {
  const output: Pick<MessagesRequest, "effort" | "output_schema"> = {};
  const config = root.at("output_config");
  if (!config.isMissing) config.asObject();
  const effort = config.at("effort");
  if (!effort.isMissing) output.effort = effort.asOneOf(EFFORTS);
  const format = config.at("format").isMissing ? root.at("output_format") : config.at("format");
  if (!format.isMissing) {
    format.asObject();
    format.at("type").asOneOf(["json_schema"]);
    output.output_schema = format.at("schema").asObject();
  }
  return output;
}

/** `speed` and `service_tier`, which upstream knows as one. */
function parseServiceTier(root: Field): Pick<MessagesRequest, "service_tier"> {
  const speed = root.at("speed");
  const tier = root.at("service_tier");
  if (!speed.isMissing && speed.asOneOf(["standard", "fast"]) === "fast") {
    return { service_tier: "priority" };
  }
  if (tier.isMissing || tier.asOneOf(["auto", "standard_only"]) === "auto") return {};
  return { service_tier: "standard" };
}

/** No tokens, no answer: what asks for one contradicts that. */
function rejectOutputWithZeroTokens(request: MessagesRequest): void {
  const choice = request.tool_choice?.type ?? "auto";
  const asksFor = request.stream
    ? "stream"
    : request.thinking?.type === "enabled"
    ? "thinking"
    : request.output_schema !== undefined
    ? "output_config.format"
    : choice !== "auto" && choice !== "none"
    ? "tool_choice"
    : null;
  if (asksFor !== null) throw invalidError("max_tokens", `0 cannot be combined with ${asksFor}`);
}

/**
 * Fields that ask for another kind of answer. A continued thread holds only the new turns: answering it would
 * silently lose the history. The SDK's tool runner reads these details and sends everything instead.
 */
function rejectUnsupportedModes(root: Field): void {
  if (!root.at("compaction").isMissing) {
    throw invalidError("compaction", "This proxy cannot compact; ask for a summary in a message");
  }
  if (root.at("thread").at("type").value !== "continue") return;
  const message = "thread: This server keeps no threads; send all turns";
  throw new ApiError("invalid_request_error", message, {
    details: { error_code: "thread_unsupported_request", unsupported: ["thread"] },
  });
}
