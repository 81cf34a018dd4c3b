/** The span of each message, and the runtime's own export to a collector on loopback. */

import { assert, assertEquals } from "@std/assert";
import { isJsonObject, type JsonObject } from "../../lib/json.ts";
import { createReportSpan, type Span } from "../../lib/cli/telemetry.ts";
import { createRecord, NOON } from "../helpers/metrics.ts";
import { requestBody } from "../helpers/proxy.ts";
import { roleChunk, sse, sseAnswer, textChunk } from "../helpers/chunks.ts";
import { createOpenStream, startUpstream } from "../helpers/upstream.ts";

interface RecordedSpan {
  name: string;
  from: number;
  to: number | null;
  attributes: Record<string, unknown>;
  status: unknown;
}

function createTracer(
  isRecording: boolean,
): { spans: RecordedSpan[]; startSpan: (name: string, options: { startTime: number }) => Span } {
  const spans: RecordedSpan[] = [];
  return {
    spans,
    startSpan(name, { startTime }) {
      const span: RecordedSpan = { name, from: startTime, to: null, attributes: {}, status: null };
      spans.push(span);
      return {
        isRecording: () => isRecording,
        setAttributes: (attributes) => Object.assign(span.attributes, attributes),
        setStatus: (status) => void (span.status = status),
        end: (time) => void (span.to = time),
      };
    },
  };
}

Deno.test("a span lasts from the request to the end of the response, and has its usage", () => {
  const tracer = createTracer(true);
  createReportSpan(tracer, () => new Date(NOON))(createRecord({
    model: "claude-x",
    upstreamModel: "a/x",
    provider: "P",
    inputTokens: 10,
    cachedTokens: 100,
    writtenTokens: 5,
    outputTokens: 7,
    costUsd: 0.5,
    firstEventMs: 300,
  }));
  assertEquals(tracer.spans, [{
    name: "chat claude-x",
    from: NOON - 1000,
    to: NOON,
    status: null,
    attributes: {
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "claude-x",
      "gen_ai.response.model": "a/x",
      "gen_ai.usage.input_tokens": 115,
      "gen_ai.usage.cache_read.input_tokens": 100,
      "gen_ai.usage.cache_creation.input_tokens": 5,
      "gen_ai.usage.output_tokens": 7,
      "http.response.status_code": 200,
      "claudeproxy.request_id": "req_1",
      "claudeproxy.provider": "P",
      "claudeproxy.cost_usd": 0.5,
      "claudeproxy.first_event_ms": 300,
      "claudeproxy.end": "complete",
    },
  }]);
});

Deno.test("the span of a failed request has its error, and omits unknown values", () => {
  const tracer = createTracer(true);
  const record = createRecord({ status: 429, outcome: "rate_limit_error", error: "Slow down" });
  createReportSpan(tracer, () => new Date(NOON))(record);
  const [span] = tracer.spans;
  assertEquals([span?.name, span?.status], ["chat unknown", { code: 2, message: "Slow down" }]);
  assertEquals(span?.attributes, {
    "gen_ai.operation.name": "chat",
    "http.response.status_code": 429,
    "error.type": "rate_limit_error",
    "claudeproxy.request_id": "req_1",
    "claudeproxy.end": "rate_limit_error",
  });
});

Deno.test("without a tracer nothing is reported", () => {
  createReportSpan(null, () => new Date(NOON))(createRecord());
});

Deno.test("a span that is not recorded gets no attributes", () => {
  const tracer = createTracer(false);
  createReportSpan(tracer, () => new Date(NOON))(createRecord());
  assertEquals(tracer.spans.map(({ to, attributes }) => [to, attributes]), [[null, {}]]);
});

// --- the runtime's export ---

/** Collects OTLP exports over HTTP in JSON. */
function startCollector() {
  const bodies: { path: string; body: unknown }[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      bodies.push({ path: new URL(request.url).pathname, body: await request.json() });
      return Response.json({});
    },
  );
  return { server, bodies, url: `http://127.0.0.1:${server.addr.port}` };
}

/** All objects of a tree that have a key. */
function findAll(value: unknown, key: string): JsonObject[] {
  if (Array.isArray(value)) return value.flatMap((item) => findAll(item, key));
  if (!isJsonObject(value)) return [];
  const inner = Object.values(value).flatMap((item) => findAll(item, key));
  return key in value ? [value, ...inner] : inner;
}

function toMs(span: JsonObject): number {
  return (Number(span["endTimeUnixNano"]) - Number(span["startTimeUnixNano"])) / 1e6;
}

Deno.test("OTEL_DENO=true exports a span for the whole stream, below the runtime's span of the request", async () => {
  const source = createOpenStream(sse(roleChunk(), textChunk("Hello")));
  await using upstream = startUpstream(() => source.response);
  const collector = startCollector();
  const root = new URL("../../", import.meta.url);
  const proxy = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-prompt",
      "--import-map=tools/jsr_fallback/import_map.json",
      "main.ts",
    ],
    cwd: root,
    env: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OPENROUTER_API_KEY: "sk-or-v1-telemetry",
      OPENROUTER_BASE_URL: upstream.baseUrl,
      HOST: "127.0.0.1",
      PORT: "0",
      LOG_FORMAT: "text",
    },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = proxy.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let stdout = "";
  while (!/listening on 127[\d.]+:\d+/.test(stdout)) {
    const { value, done } = await output.read();
    assert(!done, stdout);
    stdout += value;
  }
  const url = `http://${/127\.0\.0\.1:\d+/.exec(stdout)?.[0]}`;
  const response = await fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(requestBody({ stream: true })),
  });
  setTimeout(() => {
    source.send(sseAnswer(" you"));
    source.close();
  }, 300);
  await response.text();
  proxy.kill("SIGTERM");
  while (!(await output.read()).done);
  await proxy.status;
  await collector.server.shutdown();
  const spans = findAll(collector.bodies.map(({ body }) => body), "spanId")
    .filter((one) => "startTimeUnixNano" in one);
  const message = spans.find(({ name }) => name === "chat claude-sonnet-4-5");
  assert(message !== undefined, JSON.stringify(spans.map(({ name }) => name)));
  const request = spans.find(({ spanId }) => spanId === message["parentSpanId"]);
  assertEquals([request?.["kind"], request?.["name"]], [2, "POST"]);
  assert(toMs(message) >= 250, `${toMs(message)} ms`);
  assert(toMs(request ?? {}) < toMs(message), "the runtime's own span now lasts as long");
  const text = JSON.stringify(collector.bodies);
  assert(text.includes('"gen_ai.usage.output_tokens"'));
  assertEquals([text.includes("sk-or-v1-telemetry"), text.includes("Hello")], [false, false]);
});
