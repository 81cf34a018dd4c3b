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
import { close, pause, post, readStatus, report, watch, writeAll } from "./attack_watch.ts";
import { startProxyProcess } from "./process.ts";

const MB = 1024 * 1024;
const BODY_BYTES = 32 * MB - 4096;
type Attack = () => Promise<boolean>;

/** The attacks, by name. */
const ATTACKS: Readonly<Record<string, Attack>> = {
  bodies: attackWithBodies,
  uploads: () => attackWithUploads("upload that never ends", "x", false),
  finished: () => attackWithUploads("upload whose answer never begins", "x", true),
  // One such letter makes a text twice as large in memory.
  wide: () => attackWithUploads("upload with wide letters, of which none is answered", "世", true),
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
async function attackWithUploads(
  what: string,
  letter: string,
  isFinished: boolean,
): Promise<boolean> {
  using upstream = await startAttackUpstream("silent");
  await using proxy = await startProxyProcess(upstream.baseUrl);
  const piece = new TextEncoder().encode("x".repeat(64 * 1024 - 3) + letter);
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
    let sent = 0;
    for (; sent + piece.length <= room; sent += piece.length) await writeAll(connection, piece);
    await writeAll(connection, new TextEncoder().encode("x".repeat(room - sent)));
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
  let sent = 0;
  const sight = await watch(proxy, async () => {
    using connection = await Deno.connect({ hostname, port: Number(port) });
    const head = `POST /v1/messages HTTP/1.1\r\nhost: ${host}\r\n` +
      "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    await writeAll(connection, new TextEncoder().encode(head));
    const chunks = new TextEncoder().encode("1\r\n \r\n".repeat(10_000));
    const answered = readStatus(connection).then((word) => status = word);
    const endAt = performance.now() + 8000;
    for (; performance.now() < endAt; sent += 10_000) await writeAll(connection, chunks);
    await Promise.race([answered, pause(100)]);
  });
  const each = `${(sight.cpuMs * 1000 / sent).toFixed(1)} µs CPU for each of ${sent} chunks`;
  return report("one connection with chunks of one byte for 8 s", sight, `; ${status}; ${each}`);
}

function readWord(name: string): string {
  const at = Deno.args.indexOf(`--${name}`);
  return at === -1 ? "" : Deno.args[at + 1] ?? "";
}
