/**
 * Attacks on a proxy that runs as a process of its own: how much memory and how much of its event loop each takes,
 * and whether other clients are served meanwhile. Linux only: memory and time are read from /proc.
 *
 * ```sh
 * deno task soak --attack uploads
 * ```
 * @module
 */

import { BODIES, type Body } from "./attack_bodies.ts";
import { type AnswerKind, ANSWERS, startAttackUpstream } from "./attack_upstream.ts";
import { type Proxy, startProxyProcess } from "./process.ts";

const MB = 1024 * 1024;
const BODY_BYTES = 32 * MB - 4096;
/** What no attack may pass. */
const MOST_RSS = 1024 * MB;
/** Where an attack is ended, so that it harms no one else on this machine. */
const KILL_RSS = 1536 * MB;
const KILL_MS = 60_000;
const WATCH_MS = 25;
// deno-lint-ignore no-console
const print = console.log;

type Attack = () => Promise<boolean>;

/** The attacks, by name. */
const ATTACKS: Readonly<Record<string, Attack>> = {
  bodies: attackWithBodies,
  uploads: () => attackWithUploads("upload that never ends", false),
  finished: () => attackWithUploads("upload whose answer never begins", true),
  streams: attackWithHeldStreams,
  answers: () => attackWithAnswers(16, ANSWERS.filter((kind) => !kind.startsWith("gzip"))),
  gzip: () => attackWithAnswers(10, ANSWERS.filter((kind) => kind.startsWith("gzip"))),
  inspect: attackInspection,
  chunks: attackWithChunks,
};

/** Runs an attack, or all of them. @returns whether the proxy withstood */
export async function attack(name: string): Promise<boolean> {
  const names = name === "all" ? Object.keys(ATTACKS) : [name];
  let withstood = true;
  for (const one of names) {
    const run = ATTACKS[one];
    if (run === undefined) throw new Error(`--attack ${Object.keys(ATTACKS).join(" | ")} | all`);
    withstood = await run() && withstood;
  }
  return withstood;
}

/** What was seen of a proxy under attack. */
interface Sight {
  rss: number;
  /** The longest wait for /health, in milliseconds. */
  stallMs: number;
  /** CPU time of the event loop's thread, in milliseconds. */
  cpuMs: number;
  served: number;
  refused: number;
  wasKilled: boolean;
}

/** Watches while `work` is done: memory, and small requests of other clients. */
async function watch(proxy: Proxy, work: (end: AbortSignal) => Promise<unknown>): Promise<Sight> {
  const sight: Sight = { rss: 0, stallMs: 0, cpuMs: 0, served: 0, refused: 0, wasKilled: false };
  const end = new AbortController();
  const startedAt = performance.now();
  const cpu = proxy.readCpuMs();
  const look = () => {
    sight.rss = Math.max(sight.rss, proxy.readRss());
    sight.cpuMs = proxy.readCpuMs() - cpu || sight.cpuMs;
    sight.wasKilled ||= sight.rss > KILL_RSS || performance.now() - startedAt > KILL_MS;
    if (sight.wasKilled) end.abort();
  };
  const timer = setInterval(look, WATCH_MS);
  const again = async (what: () => Promise<void>) => {
    while (!end.signal.aborted) {
      // Refused connections and the end of the attack.
      await what().catch(() => {});
      await pause(WATCH_MS);
    }
  };
  const others = [
    again(() => checkHealth(proxy, sight, end.signal)),
    again(() => visit(proxy, sight, end.signal)),
  ];
  await Promise.race([
    work(end.signal).catch(() => {}),
    new Promise((resolve) => end.signal.addEventListener("abort", resolve)),
  ]);
  look();
  end.abort();
  clearInterval(timer);
  await Promise.all(others);
  return sight;
}

async function checkHealth(proxy: Proxy, sight: Sight, signal: AbortSignal): Promise<void> {
  const since = performance.now();
  try {
    await (await fetch(`${proxy.url}/health`, { signal })).body?.cancel();
  } finally {
    sight.stallMs = Math.max(sight.stallMs, performance.now() - since);
  }
}

/** Another client with a small request. */
async function visit(proxy: Proxy, sight: Sight, signal: AbortSignal): Promise<void> {
  const body = JSON.stringify({
    model: "claude-sonnet-4-5",
    max_tokens: 1,
    messages: [{ role: "user", content: "attack:ok" }],
  });
  const { status } = await post(proxy, "/v1/messages", { body, signal });
  if (status === 200) sight.served++;
  else sight.refused++;
}

async function post(
  proxy: Proxy,
  path: string,
  { body, signal }: { body: BodyInit; signal: AbortSignal },
): Promise<{ status: number; text: string }> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(proxy.url + path, { method: "POST", headers, body, signal });
  return { status: response.status, text: await response.text() };
}

function report(what: string, sight: Sight, more = ""): boolean {
  const withstood = !sight.wasKilled && sight.rss < MOST_RSS;
  print(
    `${withstood ? "ok  " : "FAIL"} ${what}: ${(sight.rss / MB).toFixed(0)} MB, stall ` +
      `${sight.stallMs.toFixed(0)} ms, event loop ${sight.cpuMs.toFixed(0)} ms CPU; others: ` +
      `${sight.served} served, ${sight.refused} refused${sight.wasKilled ? "; ended" : ""}${more}`,
  );
  return withstood;
}

/** One request of 32 MB, each kind in a process of its own. */
async function attackWithBodies(): Promise<boolean> {
  let withstood = true;
  const only = readWord("only");
  for (const one of BODIES.filter(({ name }) => name.includes(only))) {
    withstood = await sendBody(one) && withstood;
  }
  return withstood;
}

async function sendBody({ name, path = "/v1/messages", build }: Body): Promise<boolean> {
  using upstream = await startAttackUpstream("ok");
  await using proxy = await startProxyProcess(upstream.baseUrl);
  const body = new TextEncoder().encode(build(BODY_BYTES));
  let answer = { status: 0, text: "" };
  const sight = await watch(proxy, async (signal) => {
    answer = await post(proxy, path, { body, signal });
  });
  const words = answer.text.replace(/^.*?"message":"/s, "").slice(0, 90);
  return report(name, sight, `; ${answer.status} ${answer.status === 200 ? "" : words}`);
}

/** 256 uploads of 32 MB at once. */
async function attackWithUploads(what: string, isFinished: boolean): Promise<boolean> {
  using upstream = await startAttackUpstream("silent");
  await using proxy = await startProxyProcess(upstream.baseUrl);
  const piece = new TextEncoder().encode("x".repeat(64 * 1024));
  const { hostname, port, host } = new URL(proxy.url);
  const statuses = new Map<string, number>();
  const uploadOne = async (signal: AbortSignal) => {
    const connection = await Deno.connect({ hostname, port: Number(port) });
    signal.addEventListener("abort", () => close(connection), { once: true });
    const head = `POST /v1/messages HTTP/1.1\r\nhost: ${host}\r\n` +
      `content-type: application/json\r\ncontent-length: ${BODY_BYTES}\r\n\r\n`;
    const start =
      '{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":"';
    const answered = readStatus(connection).then((status) => {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    });
    const room = BODY_BYTES - start.length - '"}]}'.length;
    await writeAll(connection, new TextEncoder().encode(head + start));
    for (let sent = 0; sent < room; sent += piece.length) {
      await writeAll(connection, piece.subarray(0, Math.min(piece.length, room - sent)));
    }
    if (isFinished) await writeAll(connection, new TextEncoder().encode('"}]}'));
    await answered;
  };
  const sight = await watch(proxy, async (signal) => {
    const uploads = Array.from({ length: 256 }, () => uploadOne(signal).catch(() => {}));
    await Promise.race([Promise.all(uploads), pause(25_000)]);
  });
  const counts = [...statuses].map(([status, count]) => `${count} × ${status}`).join(", ");
  return report(`256 × ${what}`, sight, `; ${counts}`);
}

/** Requests of 32 MB one after the other, each with an answer that has begun and does not end. */
async function attackWithHeldStreams(): Promise<boolean> {
  using upstream = await startAttackUpstream("held");
  await using proxy = await startProxyProcess(upstream.baseUrl);
  const body = JSON.stringify({
    model: "claude-sonnet-4-5",
    max_tokens: 9,
    stream: true,
    messages: [{ role: "user", content: "x".repeat(BODY_BYTES) }],
  });
  let open = 0;
  const sight = await watch(proxy, async (signal) => {
    for (; open < 40; open++) {
      const headers = { "content-type": "application/json" };
      const init = { method: "POST", headers, body, signal };
      const response = await fetch(`${proxy.url}/v1/messages`, init);
      if (response.status !== 200) throw new Error(await response.text());
    }
  });
  return report(`${open} × open stream of a request of 32 MB`, sight);
}

async function attackWithAnswers(count: number, kinds: readonly AnswerKind[]): Promise<boolean> {
  let withstood = true;
  for (const kind of kinds) {
    using upstream = await startAttackUpstream(kind);
    await using proxy = await startProxyProcess(upstream.baseUrl);
    const words = new Map<string, number>();
    const body = JSON.stringify({
      model: "claude-sonnet-4-5",
      max_tokens: 9,
      stream: !kind.includes("json"),
      messages: [{ role: "user", content: "Hello" }],
    });
    const sight = await watch(
      proxy,
      (signal) =>
        Promise.all(Array.from({ length: count }, async () => {
          const { text } = await post(proxy, "/v1/messages", { body, signal });
          const end = text.slice(-400).replace(/^.*"message":"/s, "").slice(0, 60);
          words.set(end, (words.get(end) ?? 0) + 1);
        })),
    );
    const said = [...words].map(([word, times]) => `${times} × ${word}`).join(" | ");
    withstood = report(`${count} × ${kind}`, sight, `; ${said}`) && withstood;
  }
  return withstood;
}

/** With INSPECT=1 large bodies one after the other. */
async function attackInspection(): Promise<boolean> {
  using upstream = await startAttackUpstream("ok");
  let withstood = true;
  for (const filler of ["x", "世界"]) {
    await using proxy = await startProxyProcess(upstream.baseUrl, { INSPECT: "1" });
    const content = "attack:ok " + filler.repeat(BODY_BYTES / (filler === "x" ? 1 : 6) - 100);
    const body = JSON.stringify({
      model: "claude-sonnet-4-5",
      max_tokens: 9,
      messages: [{ role: "user", content }],
    });
    const sight = await watch(proxy, async (signal) => {
      for (let n = 0; n < 20; n++) await post(proxy, "/v1/messages", { body, signal });
    });
    withstood = report(`20 inspected requests of 32 MB of ${filler}`, sight) && withstood;
  }
  return withstood;
}

/** One connection that sends its body in chunks of one byte. */
async function attackWithChunks(): Promise<boolean> {
  using upstream = await startAttackUpstream("ok");
  await using proxy = await startProxyProcess(upstream.baseUrl);
  const { hostname, port, host } = new URL(proxy.url);
  let status = "";
  const sight = await watch(proxy, async () => {
    using connection = await Deno.connect({ hostname, port: Number(port) });
    const head = `POST /v1/messages HTTP/1.1\r\nhost: ${host}\r\n` +
      "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    await writeAll(connection, new TextEncoder().encode(head));
    const chunks = new TextEncoder().encode("1\r\n \r\n".repeat(10_000));
    const answered = readStatus(connection).then((word) => status = word);
    const endAt = performance.now() + 8000;
    while (performance.now() < endAt) await writeAll(connection, chunks);
    await Promise.race([answered, pause(100)]);
  });
  return report("one connection with chunks of one byte for 8 s", sight, `; ${status}`);
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // The proxy has closed it.
  }
}

async function readStatus(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(1024);
  // Closed by us at the end, or by a proxy that has ended.
  const count = await connection.read(buffer).catch(() => null);
  if (count === null) return "cut";
  return new TextDecoder().decode(buffer.subarray(9, Math.min(count, 12)));
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function readWord(name: string): string {
  const at = Deno.args.indexOf(`--${name}`);
  return at === -1 ? "" : Deno.args[at + 1] ?? "";
}
