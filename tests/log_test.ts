/** The log: levels, formats, limits and redaction. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { LogLevel } from "../lib/config.ts";
import { createLog, type LogOptions, type RequestRecord } from "../lib/log.ts";
import { createRedactor } from "../lib/redact.ts";
import { call, createProxy, post, requestBody } from "./helpers/proxy.ts";
import { startUpstream } from "./helpers/upstream.ts";

const KEY = "sk-or-v1-secret";

const RECORD: RequestRecord = {
  requestId: "req_1",
  method: "POST",
  path: "/v1/messages",
  status: 200,
  model: "claude-x",
  upstreamModel: "vendor/model",
  provider: "Provider",
  inputTokens: 10,
  outputTokens: 20,
  cachedTokens: 5,
  costUsd: 0.00123456,
  firstEventMs: 310,
  totalMs: 2039,
  outcome: "complete",
  dropped: ["thinking", "speed"],
};

const PROBE: RequestRecord = {
  requestId: "req_2",
  method: "GET",
  path: "/health",
  status: 200,
  totalMs: 1,
  outcome: "complete",
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

Deno.test("createLog writes text lines without line breaks and control characters", () => {
  const unsafe = "a\nb\r\nc\u2028d\u2029e\u001b[31mf\u0000g\u0085h\u202ei\tj";
  const { log, lines } = collect();
  log.request({
    ...RECORD,
    model: unsafe,
    upstreamModel: unsafe,
    provider: unsafe,
    error: unsafe,
    path: unsafe,
  });
  log.write("warn", unsafe);
  assertEquals(lines.length, 2);
  for (const line of lines) assertEquals(/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(line), false, line);
});

Deno.test("createLog writes JSON lines without line breaks and control characters", () => {
  // C0, DEL, C1 (CSI), bidi controls, invisible characters (one outside the BMP), and line separators.
  const unsafe =
    'a\nb\r\nc"d\u001b[31m\u0000\u007f\u0085\u009b2J\u202e\u2066\u200b\ufeff\u{e0041}\u2028\u2029';
  const { log, lines } = collect({ format: "json" });
  log.request({ ...RECORD, model: unsafe, error: unsafe });
  log.write("error", unsafe);
  for (const line of lines) {
    assertEquals(/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(line), false);
    JSON.parse(line);
  }
  assertEquals(lines.map((line) => JSON.parse(line)["model"] ?? JSON.parse(line)["message"]), [
    unsafe,
    unsafe,
  ]);
});

for (const format of ["text", "json"] as const) {
  Deno.test(`createLog redacts secrets in every field of a ${format} line`, () => {
    const { log, lines } = collect({ format, level: "debug" });
    const text = `x${KEY}y`;
    log.request({
      ...RECORD,
      model: text,
      upstreamModel: text,
      provider: text,
      error: text,
      path: text,
    });
    log.request({ ...RECORD, dropped: [text] });
    log.write("error", text);
    assertEquals(lines.length, 3);
    for (const line of lines) {
      assertEquals(line.includes(KEY), false, line);
      assertStringIncludes(line, "x[redacted]y");
    }
  });
}

Deno.test("createLog redacts a secret that JSON escapes", () => {
  const secret = 'pass"word\\1';
  const { log, lines } = collect({ format: "json", redact: createRedactor([secret]) });
  log.write("error", `the key is ${secret}`);
  assertEquals(JSON.parse(lines[0] ?? "")["message"].includes(secret), false, lines[0]);
});

const HUGE = 5 * 1024 * 1024;
const NAMES = Array.from({ length: 200_000 }, (_, i) => `field_${i}`);
const LONG_RECORDS: [about: string, record: RequestRecord][] = [
  ["a path of 60 KB", { ...PROBE, status: 403, path: `/${"p".repeat(60_000)}`, error: "no" }],
  ["200,000 dropped names", { ...RECORD, dropped: NAMES }],
  ["40 dropped names of 1 MB", { ...RECORD, dropped: Array(40).fill("n".repeat(1024 * 1024)) }],
  ["1,000 fallbacks", { ...RECORD, sentModels: NAMES.slice(0, 1000) }],
  ["an error of 5 MB", { ...RECORD, status: 400, error: "e".repeat(HUGE) }],
  ["2,000 control characters in every text", {
    ...RECORD,
    ...Object.fromEntries(
      ["path", "model", "upstreamModel", "provider", "error", "outcome"]
        .map((name) => [name, "\u202e".repeat(2000)]),
    ),
    dropped: Array(40).fill("\u009b".repeat(2000)),
  }],
  ["1,000 emoji in every text", {
    ...RECORD,
    model: "🦕".repeat(1000),
    upstreamModel: "🦕".repeat(1000),
    error: "🦕".repeat(1000),
    dropped: ["🦕".repeat(1000)],
  }],
];

for (const format of ["text", "json"] as const) {
  for (const [about, record] of LONG_RECORDS) {
    Deno.test(`createLog limits a ${format} line to 4 KB: ${about}`, () => {
      const { log, lines } = collect({ format });
      log.request(record);
      log.write("error", record.error ?? record.path);
      assertEquals(lines.length, 2);
      for (const line of lines) {
        const bytes = new TextEncoder().encode(`${line}\n`).length;
        assert(bytes <= 4096, `${bytes} bytes`);
        if (format === "json") assertEquals(typeof JSON.parse(line)["level"], "string");
      }
    });
  }
}

Deno.test("createLog marks shortened texts and lists", () => {
  const { log, lines } = collect({ format: "json" });
  log.request({ ...RECORD, error: "e".repeat(2001), dropped: NAMES.slice(0, 50) });
  log.request({ ...RECORD, error: "e".repeat(2000), dropped: NAMES.slice(0, 40) });
  const [cut, complete] = lines.map((line) => JSON.parse(line));
  assertEquals(cut.error, `${"e".repeat(2000)}…`);
  assertEquals(cut.dropped, [...NAMES.slice(0, 40), "… and 10 more"]);
  assertEquals(complete.error, "e".repeat(2000));
  assertEquals(complete.dropped, NAMES.slice(0, 40));
});

Deno.test("createLog redacts a secret at the cut of a text", () => {
  for (const format of ["text", "json"] as const) {
    const { log, lines } = collect({ format });
    for (let before = 1980; before <= 2000; before++) {
      log.write("error", `${"x".repeat(before)}${KEY}`);
    }
    for (const line of lines) assertEquals(/sk-or|secret/.test(line), false, line);
  }
});

for (const format of ["text", "json"] as const) {
  Deno.test(`createLog reports the number of lost lines (${format})`, () => {
    const lines: string[] = [];
    let isFull = false;
    const { log } = collect({ format, writeLine: (line) => isFull ? false : lines.push(line) });
    log.write("info", "one");
    isFull = true;
    for (let i = 0; i < 3; i++) log.request(RECORD);
    isFull = false;
    log.write("info", "two");
    log.write("info", "three");
    const expected = ["one", "3 log lines were lost: standard output was not read", "two", "three"];
    assertEquals(lines.length, expected.length, lines.join("\n"));
    expected.forEach((text, i) => assertStringIncludes(lines[i] ?? "", text));
    if (format === "json") assertEquals(JSON.parse(lines[1] ?? "")["level"], "warn");
  });
}

Deno.test("an unauthorized request with a long path is logged in at most 4 KB", async () => {
  const { services, handler } = createProxy({ env: { PROXY_API_KEYS: "key-of-the-proxy" } });
  const url = `http://localhost:8000/${"p".repeat(60_000)}`;
  await (await call(handler, new Request(url))).text();
  await services.recorded();
  const [line = ""] = services.lines;
  assertEquals([JSON.parse(line)["status"], line.length < 4096], [401, true]);
});

Deno.test("createLog writes status, models, provider, tokens, cost and times as text", () => {
  const { log, lines } = collect();
  log.request(RECORD);
  assertEquals(lines, [
    "10:20:30 200 claude-x → vendor/model (Provider)   " +
    "in   10 out   20 cached    5  $0.0012 0.31s/2.04s dropped 2",
  ]);
});

Deno.test("createLog names the model that described images, and the request of a description", () => {
  const { log, lines } = collect();
  log.request({ ...RECORD, imageModel: "vendor/vision" });
  log.request({ ...RECORD, imageOf: "req_7" });
  assertEquals(lines.map((line) => line.split("dropped 2")[1]), [
    " images described by vendor/vision",
    " describes an image of req_7",
  ]);
});

Deno.test("createLog leaves out unknown fields, and adds outcome and request ID to errors", () => {
  const { log, lines } = collect();
  const { requestId, method, path, model = "" } = RECORD;
  log.request({ requestId, method, path, model, status: 499, totalMs: 5, outcome: "client_gone" });
  log.request({ ...PROBE, status: 404, outcome: "not_found_error", error: "Not found" });
  const gap = " ".repeat("in   10 out   20 cached    5  $0.0012 0.31s/".length);
  assertEquals(lines, [
    `10:20:30 499 claude-x → ?                         ${gap}0.01s client_gone`,
    "10:20:30 404 GET /health                          0.00s not_found_error “Not found” req_2",
  ]);
});

Deno.test("createLog aligns the columns of text lines, also after a longer name", () => {
  const { log, lines } = collect();
  const long = { ...RECORD, upstreamModel: "vendor/a-model-with-a-name" };
  const endless = { ...RECORD, upstreamModel: "vendor/".padEnd(200, "x") };
  for (const record of [RECORD, long, RECORD, endless, PROBE, { ...RECORD, inputTokens: 123456 }]) {
    log.request({ ...record, path: "/v1/models" });
  }
  const places = lines.map((line) => line.search(/\d\.\d\ds( dropped|$)/));
  const [short = 0, wide = 0, after, widest = 0, ...rest] = places;
  assert(short > 0 && wide > short && widest > wide, lines.join("\n"));
  assertEquals([after, ...rest], [wide, widest, widest]);
});

for (
  const [about, change, route] of [
    [
      "no name that fits",
      { upstreamModel: "anthropic/claude-opus-4.8", provider: "Bedrock" },
      "claude-x → anthropic/claude-opus-4.8 (Bedrock)",
    ],
    [
      "a name that fits without its vendor",
      { model: "claude-opus-4-8", upstreamModel: "anthropic/claude-opus-4.8" },
      "claude-opus-4-8 → claude-opus-4.8 (Provider)",
    ],
    [
      "a longer name",
      { model: "claude-sonnet-4-5-20250929", upstreamModel: "anthropic/claude-sonnet-4.5" },
      "claude-sonnet-4-5-20250929 → claude-sonnet-4.…",
    ],
  ] as const
) {
  Deno.test(`createLog shortens ${about} to the column of the models`, () => {
    const { log, lines } = collect();
    log.request({ ...RECORD, ...change });
    assertEquals(lines[0]?.slice("10:20:30 200 ".length).split(/ +in /)[0], route);
  });
}

Deno.test("createLog writes successful requests in at most 120 columns, whatever their values", () => {
  const { log, lines } = collect();
  const names = Array.from({ length: 99 }, (_, i) => `field_${i}`);
  for (const costUsd of [undefined, 0, 0.00001234, 0.9999, 123.456789]) {
    for (const tokens of [0, 999, 99_949, 999_499, 99_000_000]) {
      for (const totalMs of [0, 9999, 99_999, 9_999_000]) {
        log.request({
          ...RECORD,
          model: "claude-opus-4-8-20260101",
          upstreamModel: `vendor/${"m".repeat(100)}`,
          ...{ inputTokens: tokens, outputTokens: tokens, cachedTokens: tokens },
          ...{ totalMs, firstEventMs: totalMs, dropped: names },
          ...(costUsd !== undefined && { costUsd }),
        });
      }
    }
  }
  const longest = Math.max(...lines.map((line) => [...line].length));
  assertEquals([lines.length, longest <= 120], [100, true], `${longest} columns`);
});

Deno.test("createLog never shortens an error and its request ID, and names dropped fields at level debug", () => {
  const error = "e".repeat(500);
  const { log, lines } = collect({ level: "debug" });
  log.request({ ...RECORD, status: 502, outcome: "api_error", error });
  assertStringIncludes(lines[0] ?? "", ` api_error “${error}” dropped thinking, speed req_1`);
});

Deno.test("createLog writes which model a fallback replaced", () => {
  const sentModels = ["vendor/a", "other/b"];
  for (
    const [upstreamModel, expected] of [
      ["other/b", " instead of vendor/a"],
      ["other/b-20251101", " instead of vendor/a"],
      ["vendor/a", ""],
      ["vendor/a-20251101", ""],
      ["unknown/c", ""],
    ] as const
  ) {
    const { log, lines } = collect();
    log.request({ ...RECORD, dropped: [], upstreamModel, sentModels });
    assertEquals(lines[0]?.split("2.04s")[1], expected, upstreamModel);
  }
});

Deno.test("the log record lists the sent models only if there are several", async () => {
  await using upstream = startUpstream(() => new Response("slow down", { status: 429 }));
  for (
    const { target, sent } of [
      { target: "vendor/a,other/b", sent: ["vendor/a", "other/b"] },
      { target: "vendor/a", sent: undefined },
    ]
  ) {
    const { services, handler } = createProxy({ upstream, env: { TARGET_MODEL_BIG: target } });
    await (await call(handler, post(requestBody()))).text();
    assertEquals((await services.recorded()).sentModels, sent);
  }
});

Deno.test("createLog adds the ID of successful requests at level debug only", () => {
  for (const level of ["debug", "info"] as const) {
    const { log, lines } = collect({ level });
    log.request(RECORD);
    assertEquals(lines[0]?.endsWith(" req_1"), level === "debug", lines[0]);
  }
});

/** Record → ECMA-48 color: 31 red, 32 green, 33 yellow. */
for (
  const [record, code] of [
    [RECORD, 32],
    [{ ...RECORD, status: 400, error: "no" }, 33],
    [{ ...RECORD, outcome: "client_gone" }, 33],
    [{ ...RECORD, status: 502, error: "no" }, 31],
    [{ ...RECORD, error: "broke off" }, 31],
  ] as const
) {
  const { status, outcome, error } = { error: undefined, ...record };
  Deno.test(`createLog colors ${status} ${outcome} ${error ?? ""} with ${code}, and writes the same text without colors`, () => {
    const colored = collect({ isColored: true });
    const plain = collect();
    for (const { log } of [colored, plain]) {
      log.request(record);
      log.write("warn", "a word");
    }
    assertStringIncludes(colored.lines[0] ?? "", ` \x1b[${code}m${status}\x1b[39m `);
    // deno-lint-ignore no-control-regex
    assertEquals(colored.lines.map((line) => line.replace(/\x1b\[\d+m/g, "")), plain.lines);
  });
}

Deno.test("createLog never colors JSON", () => {
  const { log, lines } = collect({ format: "json", isColored: true });
  log.request({ ...RECORD, sentModels: ["vendor/a", "vendor/model"] });
  assertEquals(JSON.parse(lines[0] ?? "")["sentModels"], ["vendor/a", "vendor/model"]);
});

Deno.test("createLog writes time, level and the complete record as JSON", () => {
  const { log, lines } = collect({ format: "json" });
  log.request(RECORD);
  log.write("warn", "a word");
  assertEquals(lines.map((line) => JSON.parse(line)), [
    { time: "2026-11-22T10:20:30.400Z", level: "info", ...RECORD },
    { time: "2026-11-22T10:20:30.400Z", level: "warn", message: "a word" },
  ]);
});

Deno.test("createLog writes the level of text lines, except info", () => {
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
  Deno.test(`createLog at level ${level} writes ${shown.join(", ")}`, () => {
    const { log, lines } = collect({ level: shown[0] ?? "error", format: "json" });
    for (const one of LEVELS.debug) log.write(one, "word");
    assertEquals(lines.map((line) => JSON.parse(line)["level"]), shown);
  });
}

const RECORD_LEVELS: [about: string, record: RequestRecord, level: LogLevel][] = [
  ["a response", RECORD, "info"],
  ["a rejected request", { ...RECORD, status: 400 }, "info"],
  ["an upstream error", { ...RECORD, status: 502 }, "warn"],
  ["an error after a status of 200", { ...RECORD, error: "broke off" }, "warn"],
  ["a client disconnect", { ...RECORD, outcome: "client_gone" }, "info"],
  ["an overload", { ...RECORD, status: 529 }, "warn"],
  ["a health check", PROBE, "debug"],
  ["a probe that fails", { ...PROBE, status: 404 }, "info"],
  ["the model list", { ...PROBE, path: "/v1/models" }, "info"],
];

for (const [about, record, level] of RECORD_LEVELS) {
  Deno.test(`createLog logs ${about} at level ${level}`, () => {
    const { log, lines } = collect({ level: "debug", format: "json" });
    log.request(record);
    assertEquals(JSON.parse(lines[0] ?? "")["level"], level);
  });
}
