/**
 * Parses the body of `POST /v1/messages`: unknown JSON in, {@linkcode MessagesRequest} out. Errors have the API's
 * wording. Unknown fields never fail a request; they are reported as dropped.
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
import { listSafeguards, SAFEGUARD } from "./safeguards.ts";
import type { MessageParam, MessagesRequest, Thinking } from "./types.ts";
import type { ServerTools } from "./server_tools.ts";

const ROLES = ["user", "assistant", "system"] as const;
const EFFORTS = ["low", "medium", "high", "xhigh", "max"] as const;
/** The response is searched for each of them at every character. */
const MAX_STOPS = 100;
const MAX_STOP_CHARS = 1000;
/** Claude Code's, a JSON object, has some 200. */
const MAX_USER_ID_CHARS = 4096;
/** In lists that usually have one entry. */
const MAX_FEW = 100;
/** LangChain.js sends it by default, and Anthropic takes it as absent. */
const UNSET = -1;

/**
 * Parses a request.
 * @throws {ApiError} `invalid_request_error` that names the path, e.g. `messages.0.role: Field required`
 */
export function parseMessagesRequest(body: unknown): MessagesRequest {
  const root = new Field(body);
  root.requireObject();
  const request: Omit<MessagesRequest, "droppedFields"> = {
    model: root.at("model").asName(),
    max_tokens: root.at("max_tokens").asInteger({ min: 0 }),
    ...parsePrompt(root),
    safeguards: root.optional("safeguards", parseSafeguards) ?? false,
    stream: root.optional("stream", (stream) => stream.asBoolean()) ?? false,
    stop_sequences: root.optional("stop_sequences", parseStopSequences) ?? [],
    fallbacks: root.optional("fallbacks", parseFallbacks) ?? [],
    thinking: root.optional("thinking", parseThinking),
    ...parseSampling(root),
    user_id: root.optional("metadata", parseUserId),
    cache_control: parseCacheControl(root.at("cache_control")),
    ...parseOutputConfig(root),
    service_tier: parseServiceTier(root),
  };
  rejectUnsupportedModes(root);
  if (request.max_tokens === 0) rejectOutputWithZeroTokens(request);
  return { ...request, droppedFields: root.listDroppedFields() };
}

/**
 * Parses the fields that `count_tokens` shares with a request: `model` and the prompt.
 * @throws {ApiError} as {@linkcode parseMessagesRequest}
 */
export function parseCountRequest(body: unknown): MessagesRequest {
  const root = new Field(body);
  root.requireObject();
  return {
    model: root.at("model").asName(),
    max_tokens: 1,
    ...parsePrompt(root),
    stream: false,
    stop_sequences: [],
    fallbacks: [],
    safeguards: false,
    droppedFields: [],
  };
}

type Prompt =
  & Pick<MessagesRequest, "messages" | "system" | "tools" | "tool_choice">
  & Pick<MessagesRequest, "manages_context" | "thinking_turns">
  & ServerTools;

function parsePrompt(root: Field): Prompt {
  const parsed = parseTools(root.at("tools"));
  const servers = root.at("mcp_servers");
  if (!servers.isMissing && servers.asList().length > 0) {
    parsed.unsupportedTools.push({ type: "mcp_servers" });
    servers.drop();
  }
  const { unsupportedTools: _, ...tools } = parsed;
  return {
    messages: parseMessages(root),
    system: parseSystemText(root.at("system")),
    ...tools,
    tool_choice: root.optional("tool_choice", (choice) => parseToolChoice(choice, parsed)),
    ...parseContextManagement(root.at("context_management")),
  };
}

function parseMessages(root: Field): MessageParam[] {
  const field = root.at("messages");
  const turns = field.asList();
  if (turns.length === 0) throw invalidError(field.path, "at least one message is required");
  const effort = root.at("output_config").at("effort").value;
  return turns.map((turn) => parseMessage(turn, effort));
}

/** @param requestEffort the effort of the whole request */
function parseMessage(turn: Field, requestEffort: unknown): MessageParam {
  turn.requireObject();
  const role = turn.at("role").asOneOf(ROLES);
  const content = turn.at("content");
  const config = turn.at("output_config");
  if (!config.isMissing && !repeatsEffort(config.value, requestEffort)) config.drop();
  switch (role) {
    case "user":
      return { role, content: parseUserContent(content) };
    case "assistant":
      return { role, content: parseAssistantContent(content) };
    case "system": {
      const { value } = config.at("effort");
      // An unknown effort is dropped and reported, like the rest of the turn's `output_config`.
      const effort = EFFORTS.find((one) => one === value);
      return { role, content: parseSystemContent(content), effort };
    }
  }
}

/**
 * Whether the `output_config` of a turn only repeats the effort of the request, as Claude Code sends it. Another effort
 * is reported, because it applies to the whole request and not from that turn on.
 */
function repeatsEffort(config: unknown, requestEffort: unknown): boolean {
  return isJsonObject(config) &&
    Object.entries(config).every(([key, value]) =>
      value === null || (key === "effort" && value === requestEffort)
    );
}

/** Whether verdicts on tool calls are requested. Entries of other types, which newer clients may send, are dropped. */
function parseSafeguards(field: Field): boolean {
  const entries: unknown[] = Array.isArray(field.value)
    ? field.asList(MAX_FEW).map(({ value }) => value)
    : [field.value];
  const types = listSafeguards(entries);
  for (const type of types.filter((one) => one !== SAFEGUARD)) {
    field.drop(typeof type === "string" && type !== "" ? `safeguards.${type}` : "safeguards");
  }
  return types.includes(SAFEGUARD);
}

function parseThinking(field: Field): Thinking {
  const type = field.asTag(["enabled", "adaptive", "disabled", "between_tools"]);
  // With any other display the client gets thinking as upstream sends it.
  const display = field.at("display").value === "omitted" ? "omitted" : undefined;
  if (type !== "enabled") return { type, display };
  const budget = field.as(type).at("budget_tokens").asInteger({ min: 1024 });
  return { type, budget_tokens: budget, display };
}

function parseStopSequences(field: Field): string[] {
  return field.asList(MAX_STOPS).map((item) => item.asStringUpTo(MAX_STOP_CHARS));
}

/** The models to try next. Only Anthropic can make the choice that `"default"` leaves to it. */
export function parseFallbacks(field: Field): string[] {
  if (field.value === "default") {
    field.drop();
    return [];
  }
  return field.asList(MAX_FEW).map((entry) => {
    entry.requireObject();
    return entry.at("model").asName();
  });
}

function parseSampling(root: Field): Pick<MessagesRequest, "temperature" | "top_p" | "top_k"> {
  return {
    temperature: root.optional("temperature", (field) => field.asNumber({ min: 0, max: 1 })),
    top_p: root.optional(
      "top_p",
      (field) => field.value === UNSET ? undefined : field.asNumber({ min: 0, max: 1 }),
    ),
    top_k: root.optional(
      "top_k",
      (field) => field.value === UNSET ? undefined : field.asInteger({ min: 0 }),
    ),
  };
}

function parseUserId(metadata: Field): string | undefined {
  metadata.requireObject();
  return metadata.optional("user_id", (userId) => userId.asStringUpTo(MAX_USER_ID_CHARS));
}

/** `output_config`, and the older top-level `output_format` that some clients still send. */
function parseOutputConfig(root: Field): Pick<MessagesRequest, "effort" | "output_schema"> {
  const config = root.at("output_config");
  if (!config.isMissing) config.requireObject();
  return {
    effort: config.optional("effort", (effort) => effort.asOneOf(EFFORTS)),
    output_schema: config.at("format").isMissing
      ? root.optional("output_format", parseFormat)
      : parseFormat(config.at("format")),
  };
}

function parseFormat(format: Field): Record<string, unknown> {
  format.requireObject();
  format.at("type").asOneOf(["json_schema"]);
  return format.at("schema").asObject();
}

/** `speed` and `service_tier`, which are one field upstream. */
function parseServiceTier(root: Field): MessagesRequest["service_tier"] {
  const tier = root.at("service_tier");
  const speed = root.optional("speed", (field) => field.asOneOf(["standard", "fast"]));
  if (speed === "fast") return "priority";
  if (tier.isMissing || tier.asOneOf(["auto", "standard_only"]) === "auto") return undefined;
  return "standard";
}

/** With `max_tokens: 0` the response is empty, so options that require output are rejected. */
function rejectOutputWithZeroTokens(request: Omit<MessagesRequest, "droppedFields">): void {
  const choice = request.tool_choice?.type ?? "auto";
  const option = request.stream
    ? "stream"
    : request.thinking?.type === "enabled"
    ? "thinking"
    : request.output_schema !== undefined
    ? "output_config.format"
    : choice !== "auto" && choice !== "none"
    ? "tool_choice"
    : null;
  if (option !== null) throw invalidError("max_tokens", `0 cannot be combined with ${option}`);
}

/**
 * Rejects fields that request another kind of response. A continued thread has only the new turns, so its history
 * would be lost. The SDK's tool runner reads the details of the error and sends all turns instead.
 */
function rejectUnsupportedModes(root: Field): void {
  if (!root.at("compaction").isMissing) {
    throw invalidError("compaction", "This proxy cannot compact; ask for a summary in a message");
  }
  const thread = root.at("thread");
  if (thread.isMissing) return;
  thread.drop();
  if (thread.at("type").value !== "continue") return;
  const message = "thread: This server keeps no threads; send all turns";
  throw new ApiError("invalid_request_error", message, {
    details: { error_code: "thread_unsupported_request", unsupported: ["thread"] },
  });
}
