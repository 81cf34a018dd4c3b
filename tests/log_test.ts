/** One line a request: what it says, to whom, and what it never says. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { LogLevel } from "../lib/config.ts";
import { createLog, type LogOptions, type RequestRecord } from "../lib/log.ts";
import { createRedactor } from "../lib/redact.ts";

const KEY = "sk-or-v1-secret";

const RECORD: RequestRecord = {
  requestId: "req_1",
  method: "POST",
  path: "/v1/messages",
  status: 200,
  model: "claude-x",
  target: "vendor/model",
  provider: "Provider",
  inputTokens: 10,
  outputTokens: 20,
  cachedTokens: 5,
  costUsd: 0.00123456,
  firstEventMs: 310,
  totalMs: 2039,
  end: "complete",
  dropped: ["thinking", "speed"],
};

const PROBE: RequestRecord = {
  requestId: "req_2",
  method: "GET",
  path: "/health",
  status: 200,
  totalMs: 1,
  end: "complete",
};

function collect(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({
    level: "info",
    format: "text",
    writeLine: (line) => lines.push(line),
    redact: createRedactor([KEY]),
    date: () => new Date("2026-11-22T10:20:30.400Z"),
    ...options,
  });
  return { log, lines };
}

Deno.test("a text line holds no line break and no control character, whoever sent it", () => {
  const evil = "a\nb\r\nc\u2028d\u2029e\u001b[31mf\u0000g\u0085h\u202ei\tj";
  const { log, lines } = collect();
  log.request({ ...RECORD, model: evil, target: evil, provider: evil, error: evil, path: evil });
  log.write("warn", evil);
  assertEquals(lines.length, 2);
  for (const line of lines) assertEquals(/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(line), false, line);
});

Deno.test("a JSON line is one line of JSON, whoever sent its words", () => {
  const evil = 'a\nb\r\nc"d\u001b[31m\u0000';
  const { log, lines } = collect({ format: "json" });
  log.request({ ...RECORD, model: evil, error: evil });
  log.write("error", evil);
  for (const line of lines) {
    assertEquals(/\p{Cc}/u.test(line), false);
    JSON.parse(line);
  }
  assertEquals(lines.map((line) => JSON.parse(line)["model"] ?? JSON.parse(line)["message"]), [
    evil,
    evil,
  ]);
});

for (const format of ["text", "json"] as const) {
  Deno.test(`secrets are redacted in every field of a ${format} line`, () => {
    const { log, lines } = collect({ format, level: "debug" });
    const said = `x${KEY}y`;
    log.request({ ...RECORD, model: said, target: said, provider: said, error: said, path: said });
    log.request({ ...RECORD, dropped: [said] });
    log.write("error", said);
    assertEquals(lines.length, 3);
    for (const line of lines) {
      assertEquals(line.includes(KEY), false, line);
      assertStringIncludes(line, "x[redacted]y");
    }
  });
}

Deno.test("a secret is redacted in JSON although JSON writes it otherwise", () => {
  const secret = 'pass"word\\1';
  const { log, lines } = collect({ format: "json", redact: createRedactor([secret]) });
  log.write("error", `the key is ${secret}`);
  assertEquals(JSON.parse(lines[0] ?? "")["message"].includes(secret), false, lines[0]);
});

Deno.test("a text line says model, target, provider, tokens, cost, times, status and end", () => {
  const { log, lines } = collect();
  log.request(RECORD);
  assertEquals(lines, [
    "10:20:30 req_1 claude-x → vendor/model (Provider) in 10 out 20 cached 5 $0.001235 " +
    "first 0.31s total 2.04s 200 complete",
  ]);
});

Deno.test("a text line leaves out what is not known", () => {
  const { log, lines } = collect();
  const { requestId, method, path, model = "" } = RECORD;
  log.request({ requestId, method, path, model, status: 400, totalMs: 5, end: "api_error" });
  log.request({ ...PROBE, status: 404, end: "not_found_error", error: "Not found" });
  assertEquals(lines, [
    "10:20:30 req_1 claude-x → ? total 0.01s 400 api_error",
    "10:20:30 req_2 GET /health total 0.00s 404 not_found_error “Not found”",
  ]);
});

Deno.test("a text line names dropped fields at level debug only", () => {
  const debug = collect({ level: "debug" });
  debug.log.request(RECORD);
  assertStringIncludes(debug.lines[0] ?? "", "dropped thinking, speed");
  const info = collect();
  info.log.request(RECORD);
  assertEquals(info.lines[0]?.includes("dropped"), false);
});

Deno.test("a JSON line holds time, level and the whole record", () => {
  const { log, lines } = collect({ format: "json" });
  log.request(RECORD);
  log.write("warn", "a word");
  assertEquals(lines.map((line) => JSON.parse(line)), [
    { time: "2026-11-22T10:20:30.400Z", level: "info", ...RECORD },
    { time: "2026-11-22T10:20:30.400Z", level: "warn", message: "a word" },
  ]);
});

Deno.test("a text line names its level unless it is info", () => {
  const { log, lines } = collect({ level: "debug" });
  for (const level of ["debug", "info", "warn", "error"] as const) log.write(level, "word");
  assertEquals(lines, [
    "10:20:30 debug: word",
    "10:20:30 word",
    "10:20:30 warn: word",
    "10:20:30 error: word",
  ]);
});

const LEVELS: Record<LogLevel, LogLevel[]> = {
  debug: ["debug", "info", "warn", "error"],
  info: ["info", "warn", "error"],
  warn: ["warn", "error"],
  error: ["error"],
};

for (const [level, shown] of Object.entries(LEVELS)) {
  Deno.test(`at level ${level} a log shows ${shown.join(", ")}`, () => {
    const { log, lines } = collect({ level: shown[0] ?? "error", format: "json" });
    for (const said of LEVELS.debug) log.write(said, "word");
    assertEquals(lines.map((line) => JSON.parse(line)["level"]), shown);
  });
}

const RECORD_LEVELS: [about: string, record: RequestRecord, level: LogLevel][] = [
  ["an answer", RECORD, "info"],
  ["a refused request", { ...RECORD, status: 400 }, "info"],
  ["a failure of upstream", { ...RECORD, status: 502 }, "warn"],
  ["a failure behind a head of 200", { ...RECORD, error: "broke off" }, "warn"],
  ["a client that left", { ...RECORD, end: "client_gone" }, "info"],
  ["an overload", { ...RECORD, status: 529 }, "warn"],
  ["a health check", PROBE, "debug"],
  ["a probe that fails", { ...PROBE, status: 404 }, "info"],
  ["the model list", { ...PROBE, path: "/v1/models" }, "info"],
];

for (const [about, record, level] of RECORD_LEVELS) {
  Deno.test(`${about} is logged at level ${level}`, () => {
    const { log, lines } = collect({ level: "debug", format: "json" });
    log.request(record);
    assertEquals(JSON.parse(lines[0] ?? "")["level"], level);
  });
}
