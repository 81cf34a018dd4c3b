/** One line a request: what it says, to whom, and what it never says. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { LogLevel } from "../lib/config.ts";
import { createLog, type LogOptions, type RequestRecord } from "../lib/log.ts";
import { createRedactor } from "../lib/redact.ts";
import { ask, call, createProxy, post } from "./helpers/proxy.ts";
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

Deno.test("a text line holds no line break and no control character, whoever sent it", () => {
  const evil = "a\nb\r\nc\u2028d\u2029e\u001b[31mf\u0000g\u0085h\u202ei\tj";
  const { log, lines } = collect();
  log.request({
    ...RECORD,
    model: evil,
    upstreamModel: evil,
    provider: evil,
    error: evil,
    path: evil,
  });
  log.write("warn", evil);
  assertEquals(lines.length, 2);
  for (const line of lines) assertEquals(/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(line), false, line);
});

Deno.test("a JSON line is one line of JSON, whoever sent its words", () => {
  // C0, DEL, C1 (CSI), what turns the direction of text, what is not seen (one of it beyond the BMP), and line ends.
  const evil =
    'a\nb\r\nc"d\u001b[31m\u0000\u007f\u0085\u009b2J\u202e\u2066\u200b\ufeff\u{e0041}\u2028\u2029';
  const { log, lines } = collect({ format: "json" });
  log.request({ ...RECORD, model: evil, error: evil });
  log.write("error", evil);
  for (const line of lines) {
    assertEquals(/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(line), false);
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
    log.request({
      ...RECORD,
      model: said,
      upstreamModel: said,
      provider: said,
      error: said,
      path: said,
    });
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

const HUGE = 5 * 1024 * 1024;
const NAMES = Array.from({ length: 200_000 }, (_, i) => `field_${i}`);
const FLOODS: [about: string, record: RequestRecord][] = [
  ["a path of 60 KB", { ...PROBE, status: 403, path: `/${"p".repeat(60_000)}`, error: "no" }],
  ["200,000 dropped names", { ...RECORD, dropped: NAMES }],
  ["40 dropped names of 1 MB", { ...RECORD, dropped: Array(40).fill("n".repeat(1024 * 1024)) }],
  ["1,000 fallbacks", { ...RECORD, sentModels: NAMES.slice(0, 1000) }],
  ["an error of 5 MB", { ...RECORD, status: 400, error: "e".repeat(HUGE) }],
  ["every text of 2,000 controls", {
    ...RECORD,
    ...Object.fromEntries(
      ["path", "model", "upstreamModel", "provider", "error", "outcome"]
        .map((name) => [name, "\u202e".repeat(2000)]),
    ),
    dropped: Array(40).fill("\u009b".repeat(2000)),
  }],
  ["every text of 2,000 emoji", {
    ...RECORD,
    model: "🦕".repeat(1000),
    upstreamModel: "🦕".repeat(1000),
    error: "🦕".repeat(1000),
    dropped: ["🦕".repeat(1000)],
  }],
];

for (const format of ["text", "json"] as const) {
  for (const [about, record] of FLOODS) {
    Deno.test(`a ${format} line is at most 4 KB: ${about}`, () => {
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

Deno.test("a text that is cut says so, and a list says how many it leaves out", () => {
  const { log, lines } = collect({ format: "json" });
  log.request({ ...RECORD, error: "e".repeat(2001), dropped: NAMES.slice(0, 50) });
  log.request({ ...RECORD, error: "e".repeat(2000), dropped: NAMES.slice(0, 40) });
  const [cut, whole] = lines.map((line) => JSON.parse(line));
  assertEquals(cut.error, `${"e".repeat(2000)}…`);
  assertEquals(cut.dropped, [...NAMES.slice(0, 40), "… and 10 more"]);
  assertEquals(whole.error, "e".repeat(2000));
  assertEquals(whole.dropped, NAMES.slice(0, 40));
});

Deno.test("a secret at the place where a text is cut is redacted whole", () => {
  for (const format of ["text", "json"] as const) {
    const { log, lines } = collect({ format });
    for (let before = 1980; before <= 2000; before++) {
      log.write("error", `${"x".repeat(before)}${KEY}`);
    }
    for (const line of lines) assertEquals(/sk-or|secret/.test(line), false, line);
  }
});

for (const format of ["text", "json"] as const) {
  Deno.test(`lines that could not be written are counted in the next one that can (${format})`, () => {
    const lines: string[] = [];
    let isFull = false;
    const { log } = collect({ format, writeLine: (line) => isFull ? false : lines.push(line) });
    log.write("info", "one");
    isFull = true;
    for (let i = 0; i < 3; i++) log.request(RECORD);
    isFull = false;
    log.write("info", "two");
    log.write("info", "three");
    const words = ["one", "3 log lines were lost: standard output was not read", "two", "three"];
    assertEquals(lines.length, words.length, lines.join("\n"));
    words.forEach((word, i) => assertStringIncludes(lines[i] ?? "", word));
    if (format === "json") assertEquals(JSON.parse(lines[1] ?? "")["level"], "warn");
  });
}

Deno.test("what the door refuses is logged in at most 4 KB, however long its path", async () => {
  const { services, handler } = createProxy({ env: { PROXY_API_KEYS: "key-of-the-proxy" } });
  const url = `http://localhost:8000/${"p".repeat(60_000)}`;
  await (await call(handler, new Request(url))).text();
  await services.recorded();
  const [line = ""] = services.lines;
  assertEquals([JSON.parse(line)["status"], line.length < 4096], [401, true]);
});

Deno.test("a text line says status, model, target, provider, tokens, cost, times and end", () => {
  const { log, lines } = collect();
  log.request(RECORD);
  assertEquals(lines, [
    "10:20:30 200 claude-x → vendor/model (Provider)       " +
    "in     10 out     20 cached      5 $0.001235  first  0.31s total  2.04s complete " +
    "dropped thinking, speed",
  ]);
});

Deno.test("a text line leaves out what is not known, and names the request where it failed", () => {
  const { log, lines } = collect();
  const { requestId, method, path, model = "" } = RECORD;
  log.request({ requestId, method, path, model, status: 499, totalMs: 5, outcome: "client_gone" });
  log.request({ ...PROBE, status: 404, outcome: "not_found_error", error: "Not found" });
  const gap = " ".repeat("in     10 out     20 cached      5 $0.001235  first  0.31s ".length);
  assertEquals(lines, [
    `10:20:30 499 claude-x → ?                             ${gap}total  0.01s client_gone`,
    `10:20:30 404 GET /health                              ${gap}total  0.00s not_found_error ` +
    "“Not found” req_2",
  ]);
});

Deno.test("the columns of text lines stand below each other, also after a longer name", () => {
  const { log, lines } = collect();
  const long = { ...RECORD, upstreamModel: "vendor/a-model-with-a-name-that-is-longer" };
  const endless = { ...RECORD, upstreamModel: "vendor/".padEnd(200, "x") };
  for (const record of [RECORD, long, RECORD, endless, PROBE, { ...RECORD, inputTokens: 123456 }]) {
    log.request({ ...record, path: "/v1/models" });
  }
  const places = lines.map((line) => line.search(/total +\d/));
  const [short = 0, wide = 0, after, past = 0, ...rest] = places;
  assert(short > 0 && wide > short && past > wide, lines.join("\n"));
  assertEquals([after, ...rest], [wide, wide, wide]);
});

Deno.test("a text line shows which model was asked when one of its fallbacks answered", () => {
  const sent = ["vendor/a", "other/b"];
  for (
    const [target, words] of [
      ["other/b", "complete instead of vendor/a"],
      ["other/b-20251101", "complete instead of vendor/a"],
      ["vendor/a", "complete"],
      ["vendor/a-20251101", "complete"],
      ["unknown/c", "complete"],
    ] as const
  ) {
    const { log, lines } = collect();
    log.request({ ...RECORD, dropped: [], upstreamModel: target, sentModels: sent });
    assertEquals(/complete.*/.exec(lines[0] ?? "")?.[0], words, target);
  }
});

Deno.test("the record of a request holds the targets that were sent only where they are a list", async () => {
  await using upstream = startUpstream(() => new Response("slow down", { status: 429 }));
  for (
    const { target, sent } of [
      { target: "vendor/a,other/b", sent: ["vendor/a", "other/b"] },
      { target: "vendor/a", sent: undefined },
    ]
  ) {
    const { services, handler } = createProxy({ upstream, env: { TARGET_MODEL_BIG: target } });
    await (await call(handler, post(ask()))).text();
    assertEquals((await services.recorded()).sentModels, sent);
  }
});

Deno.test("a text line names the request that went well at level debug only", () => {
  for (const level of ["debug", "info"] as const) {
    const { log, lines } = collect({ level });
    log.request(RECORD);
    assertEquals(lines[0]?.endsWith(" req_1"), level === "debug", lines[0]);
  }
});

/** Status → its colour: ECMA-48's 31 red, 32 green, 33 yellow. */
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
  Deno.test(`${status} ${outcome} ${error ?? ""} has colour ${code}, and without it the same words`, () => {
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

Deno.test("JSON is never coloured", () => {
  const { log, lines } = collect({ format: "json", isColored: true });
  log.request({ ...RECORD, sentModels: ["vendor/a", "vendor/model"] });
  assertEquals(JSON.parse(lines[0] ?? "")["sentModels"], ["vendor/a", "vendor/model"]);
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
  ["a client that left", { ...RECORD, outcome: "client_gone" }, "info"],
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
