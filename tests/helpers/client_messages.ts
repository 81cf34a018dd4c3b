/**
 * Error messages to clients, made by the situations in which the proxy sends them.
 * @module
 */

import { type AuthConfig, authorize, authorizePreflight, toPeer } from "../../lib/auth.ts";
import { loadConfig } from "../../lib/config.ts";
import { parseErrorResponse } from "../../lib/openrouter/errors.ts";
import { requireBudget } from "../../lib/routes/budget.ts";
import { sse, textChunk } from "./chunks.ts";
import { countRequest, createRecord, createTimeline } from "./metrics.ts";
import { call, createProxy, createTestServices, get, post, requestBody } from "./proxy.ts";
import { startRawUpstream, STREAM_HEADERS } from "./raw_upstream.ts";
import { eventStream, startSilentUpstream, startUpstream } from "./upstream.ts";

const AUTH_CONFIG: AuthConfig = {
  openrouterApiKey: "sk-or-v1-server",
  proxyApiKeys: [],
  allowedOrigins: [],
  onDenoDeploy: false,
  dialect: "openrouter",
};
const REMOTE = toPeer({ transport: "tcp", hostname: "203.0.113.7" });
const JSON_TYPE = { "content-type": "application/json" };

interface RejectedRequest {
  path?: string;
  headers?: Record<string, string>;
  config?: Partial<AuthConfig>;
  isPreflight?: true;
}

function rejectedMessage(
  { path = "/v1/messages", headers = JSON_TYPE, config = {}, ...rest }: RejectedRequest,
) {
  const request = {
    method: path === "/stats" ? "GET" : "POST",
    path,
    headers: new Headers(headers),
    host: "localhost:8000",
    peer: REMOTE,
  };
  const merged = { ...AUTH_CONFIG, ...config };
  return thrownMessage(() =>
    rest.isPreflight ? authorizePreflight(request, merged) : authorize(request, merged)
  );
}

/** The message of the error that is thrown. */
function thrownMessage(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  throw new Error("No error was thrown");
}

/** The error message of a response, or at the end of a stream. */
async function sendForError(request: Request, options: Parameters<typeof createProxy>[0] = {}) {
  const { handler } = createProxy(options);
  const text = await (await call(handler, request)).text();
  const line = text.startsWith("{")
    ? text
    : /^data: (\{"type":"error".*)$/m.exec(text)?.[1] ?? "{}";
  return String(JSON.parse(line).error?.message);
}

async function sendForErrorWith(reply: () => Response, more: Record<string, unknown> = {}) {
  await using upstream = startUpstream(reply);
  return await sendForError(post(requestBody(more)), { upstream });
}

async function timeOutBeforeResponse(): Promise<string> {
  await using upstream = startSilentUpstream();
  return await sendForError(post(requestBody()), { upstream, env: { TIMEOUT_S: "0.05" } });
}

async function timeOutMidStream(): Promise<string> {
  const encoder = new TextEncoder();
  await using upstream = startUpstream(() =>
    eventStream(
      new ReadableStream({ start: (body) => body.enqueue(encoder.encode(sse(textChunk("Hel")))) }),
    )
  );
  return await sendForError(post(requestBody({ stream: true })), {
    upstream,
    env: { TIMEOUT_S: "0.05" },
  });
}

async function closeConnection(): Promise<string> {
  await using upstream = startRawUpstream(async (call) => {
    await call.send(STREAM_HEADERS);
    await call.chunk(sse(textChunk("Hel")));
  });
  return await sendForError(post(requestBody({ stream: true })), { upstream });
}

function exceedBudget(env: Record<string, string>): string {
  const services = createTestServices({ env });
  const timeline = createTimeline(createRecord({ costUsd: 5.01 }));
  timeline.keyIndex = 0;
  countRequest(services.metrics, timeline);
  return thrownMessage(() => requireBudget({ timeline, services }));
}

function parseUpstreamMessage(status: number, message: string, model = "x/y"): string {
  const body = JSON.stringify({ error: { code: status, message } });
  return parseErrorResponse(status, body, { model, suggestModels: () => ["x/z"] }).message;
}

const user = (block: unknown) => ({ messages: [{ role: "user", content: [block] }] });
const FILE = { type: "document", source: { type: "file", file_id: "file_1" } };
const CODE = { type: "code_execution_20250522", name: "code_execution" };

/** Situation → message. OpenRouter's messages are from its documentation and recorded responses. */
export const MESSAGES: Readonly<Record<string, () => string | Promise<string>>> = {
  "no key": () => sendForError(post(requestBody()), { env: { OPENROUTER_API_KEY: undefined } }),
  "an upstream key that OpenRouter rejects": () => parseUpstreamMessage(401, "User not found."),
  "an invalid proxy key": () => rejectedMessage({ config: { proxyApiKeys: ["mine"] } }),
  "a remote client": () => rejectedMessage({}),
  "a remote client that requests metrics": () =>
    rejectedMessage({ path: "/stats", config: { openrouterApiKey: null } }),
  "a page of another origin": () =>
    rejectedMessage({ headers: { ...JSON_TYPE, origin: "https://a.example" } }),
  "a page of another site without an origin": () =>
    rejectedMessage({ headers: { ...JSON_TYPE, "sec-fetch-site": "cross-site" } }),
  "a preflight": () => rejectedMessage({ isPreflight: true }),
  "no credit": () =>
    parseUpstreamMessage(402, "This request requires more credits, but can only afford 1234."),
  "the daily limit": () => exceedBudget({ MAX_COST_USD: "5" }),
  "the daily limit of a key": () =>
    exceedBudget({ MAX_COST_USD_PER_KEY: "5", PROXY_API_KEYS: "one" }),
  "no such model": () => parseUpstreamMessage(400, "x/y is not a valid model ID"),
  "a model without endpoints": () => parseUpstreamMessage(404, "No endpoints found for x/y."),
  "a data policy": () =>
    parseUpstreamMessage(404, "No endpoints found matching your data policy (Free model training)"),
  "a model without tools": () =>
    parseUpstreamMessage(404, "No endpoints found that support tool use. Try disabling 'Read'."),
  "no allowed provider": () =>
    parseUpstreamMessage(404, "No allowed providers are available for the selected model."),
  "too many requests a minute": () =>
    parseUpstreamMessage(429, "Rate limit exceeded: free-models-per-min. "),
  "a context overflow": () =>
    parseUpstreamMessage(
      400,
      "This endpoint's maximum context length is 200000 tokens. However, you requested about 210000 tokens.",
    ),
  "too many concurrent requests": async () => {
    await using upstream = startSilentUpstream();
    const { handler } = createProxy({ upstream, env: { MAX_INFLIGHT: "1", TIMEOUT_S: "0.2" } });
    const first = call(handler, post(requestBody()));
    const second = await (await call(handler, post(requestBody()))).json();
    await (await first).text();
    return String(second.error.message);
  },
  "too many large bodies": async () => {
    const { handler, services } = createProxy();
    for (const megabytes of [60, 30]) services.byteBudget.open().resize(megabytes * 1024 * 1024);
    const headers = { "content-length": `${32 * 1024 * 1024}` };
    const body = await (await call(handler, post(requestBody(), headers))).json();
    return String(body.error.message);
  },
  "a large body": () =>
    sendForError(post(requestBody({ system: "x".repeat(3000) })), {
      env: { MAX_BODY_MB: "0.002" },
    }),
  "an unreachable upstream": () => sendForError(post(requestBody())),
  "no response within the timeout": timeOutBeforeResponse,
  "an idle timeout during a stream": timeOutMidStream,
  "a closed connection": closeConnection,
  "an incomplete stream": () =>
    sendForErrorWith(() => eventStream(sse(textChunk("Hel"))), { stream: true }),
  "an HTML page instead of an API": () =>
    sendForErrorWith(() => new Response("<html></html>", { status: 404 })),
  "a redirect": () => sendForErrorWith(() => new Response("", { status: 301 })),
  "a base URL with /v1": () =>
    sendForError(get("/v1/v1/messages", { method: "POST", headers: JSON_TYPE })),
  "another content type": () => rejectedMessage({ headers: { "content-type": "text/plain" } }),
  "a tool_choice of an unsupported server tool": () =>
    sendForError(
      post(requestBody({ tools: [CODE], tool_choice: { type: "tool", name: CODE.name } })),
    ),
  "tool_choice any with only unsupported tools": () =>
    sendForError(
      post(requestBody({ tools: [CODE, { type: "mcp_toolset" }], tool_choice: { type: "any" } })),
    ),
  "another method": () => sendForError(get("/v1/messages")),
  "a thread that continues": () =>
    sendForError(post(requestBody({ thread: { type: "continue", id: "thread_1" } }))),
  "a page behind an unknown model": () => sendForError(get("/v1/models?after_id=unknown")),
  "an unknown session": () => sendForError(get("/stats?session=unknown")),
  "a request without a role": () => sendForError(post(requestBody({ messages: [{}] }))),
  "an error response without a body": () =>
    sendForErrorWith(() => new Response(null, { status: 500 })),
  "an error in a stream without a message": () =>
    sendForErrorWith(() => eventStream('data: {"error":{}}\n\n'), { stream: true }),
  "a file id": () => sendForError(post(requestBody(user(FILE)))),
  "an invalid setting": () =>
    thrownMessage(() => loadConfig((name) => name === "PORT" ? "many" : undefined)),
};
