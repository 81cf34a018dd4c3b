/**
 * Attacks a proxy in its own process: measures memory, the load of its event loop, and whether other clients are
 * served meanwhile. Linux only: memory and time are read from /proc.
 *
 * ```sh
 * deno task soak --attack uploads
 * ```
 * @module
 */

import { BODIES, type Body } from "./attack_bodies.ts";
import { type ResponseKind, RESPONSES, startAttackUpstream } from "./attack_upstream.ts";
import { close, pause, post, readStatus, report, watch, writeAll } from "./attack_watch.ts";
import { startProxyProcess } from "./process.ts";

const MB = 1024 * 1024;
const BODY_BYTES = 32 * MB - 4096;
type Attack = () => Promise<boolean>;

/** The attacks, by name. */
const ATTACKS: Readonly<Record<string, Attack>> = {
  bodies: attackWithBodies,
  uploads: () => attackWithUploads("unfinished upload", "x", false),
  finished: () => attackWithUploads("upload without a response", "x", true),
  // One non-Latin-1 character doubles the memory of a string.
  wide: () => attackWithUploads("upload of two-byte characters without a response", "世", true),
  streams: attackWithOpenStreams,
  responses: () => attackWithResponses(16, RESPONSES.filter((kind) => !kind.startsWith("gzip"))),
  gzip: () => attackWithResponses(10, RESPONSES.filter((kind) => kind.startsWith("gzip"))),
  inspect: attackInspection,
  chunks: attackWithChunks,
};

/** Runs one attack, or all. @returns whether the proxy stayed within the limits */
export async function attack(name: string): Promise<boolean> {
  const names = name === "all" ? Object.keys(ATTACKS) : [name];
  let passed = true;
  for (const one of names) {
    const run = ATTACKS[one];
    if (run === undefined) {
      throw new Error(`Unknown attack ${one}: use ${Object.keys(ATTACKS).join(", ")} or all`);
    }
    passed = await run() && passed;
  }
  return passed;
}

/** One request of 32 MB of each kind, each with a new process. */
async function attackWithBodies(): Promise<boolean> {
  let passed = true;
  const only = readOption("only");
  for (const one of BODIES.filter(({ name }) => name.includes(only))) {
    passed = await sendBody(one) && passed;
  }
  return passed;
}

async function sendBody({ name, path = "/v1/messages", build }: Body): Promise<boolean> {
  using upstream = await startAttackUpstream("ok");
  await using proxy = await startProxyProcess(upstream.baseUrl);
  const body = new TextEncoder().encode(build(BODY_BYTES));
  let response = { status: 0, text: "" };
  const observation = await watch(proxy, async (signal) => {
    response = await post(proxy, path, { body, signal });
  });
  const message = response.text.replace(/^.*?"message":"/s, "").slice(0, 90);
  return report(
    name,
    observation,
    `; ${response.status} ${response.status === 200 ? "" : message}`,
  );
}

/** 256 uploads of 32 MB at once. */
async function attackWithUploads(
  about: string,
  char: string,
  isFinished: boolean,
): Promise<boolean> {
  using upstream = await startAttackUpstream("silent");
  await using proxy = await startProxyProcess(upstream.baseUrl);
  const piece = new TextEncoder().encode("x".repeat(64 * 1024 - 3) + char);
  const { hostname, port, host } = new URL(proxy.url);
  const statuses = new Map<string, number>();
  const uploadOne = async (signal: AbortSignal) => {
    const connection = await Deno.connect({ hostname, port: Number(port) });
    signal.addEventListener("abort", () => close(connection), { once: true });
    const headers = `POST /v1/messages HTTP/1.1\r\nhost: ${host}\r\n` +
      `content-type: application/json\r\ncontent-length: ${BODY_BYTES}\r\n\r\n`;
    const start =
      '{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":"';
    const responded = readStatus(connection).then((status) => {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    });
    const room = BODY_BYTES - start.length - '"}]}'.length;
    await writeAll(connection, new TextEncoder().encode(headers + start));
    let sent = 0;
    for (; sent + piece.length <= room; sent += piece.length) await writeAll(connection, piece);
    await writeAll(connection, new TextEncoder().encode("x".repeat(room - sent)));
    if (isFinished) await writeAll(connection, new TextEncoder().encode('"}]}'));
    await responded;
  };
  const observation = await watch(proxy, async (signal) => {
    const uploads = Array.from({ length: 256 }, () => uploadOne(signal).catch(() => {}));
    await Promise.race([Promise.all(uploads), pause(25_000)]);
  });
  const counts = [...statuses].map(([status, count]) => `${count} × ${status}`).join(", ");
  return report(`256 × ${about}`, observation, `; ${counts}`);
}

/** Consecutive requests of 32 MB, each with a response that has started and does not end. */
async function attackWithOpenStreams(): Promise<boolean> {
  using upstream = await startAttackUpstream("open");
  await using proxy = await startProxyProcess(upstream.baseUrl);
  const body = JSON.stringify({
    model: "claude-sonnet-4-5",
    max_tokens: 9,
    stream: true,
    messages: [{ role: "user", content: "x".repeat(BODY_BYTES) }],
  });
  let open = 0;
  const observation = await watch(proxy, async (signal) => {
    for (; open < 40; open++) {
      const headers = { "content-type": "application/json" };
      const init = { method: "POST", headers, body, signal };
      const response = await fetch(`${proxy.url}/v1/messages`, init);
      if (response.status !== 200) throw new Error(await response.text());
    }
  });
  return report(`${open} × open stream of a request of 32 MB`, observation);
}

async function attackWithResponses(
  count: number,
  kinds: readonly ResponseKind[],
): Promise<boolean> {
  let passed = true;
  for (const kind of kinds) {
    using upstream = await startAttackUpstream(kind);
    await using proxy = await startProxyProcess(upstream.baseUrl);
    const endings = new Map<string, number>();
    const body = JSON.stringify({
      model: "claude-sonnet-4-5",
      max_tokens: 9,
      stream: !kind.includes("json"),
      messages: [{ role: "user", content: "Hello" }],
    });
    const observation = await watch(
      proxy,
      (signal) =>
        Promise.all(Array.from({ length: count }, async () => {
          const { text } = await post(proxy, "/v1/messages", { body, signal });
          const end = text.slice(-400).replace(/^.*"message":"/s, "").slice(0, 60);
          endings.set(end, (endings.get(end) ?? 0) + 1);
        })),
    );
    const summary = [...endings].map(([end, times]) => `${times} × ${end}`).join(", ");
    passed = report(`${count} × ${kind}`, observation, `; ${summary}`) && passed;
  }
  return passed;
}

/** Consecutive large bodies with INSPECT=1. */
async function attackInspection(): Promise<boolean> {
  using upstream = await startAttackUpstream("ok");
  let passed = true;
  for (const filler of ["x", "世界"]) {
    await using proxy = await startProxyProcess(upstream.baseUrl, { INSPECT: "1" });
    const content = "attack:ok " + filler.repeat(BODY_BYTES / (filler === "x" ? 1 : 6) - 100);
    const body = JSON.stringify({
      model: "claude-sonnet-4-5",
      max_tokens: 9,
      messages: [{ role: "user", content }],
    });
    const observation = await watch(proxy, async (signal) => {
      for (let n = 0; n < 20; n++) await post(proxy, "/v1/messages", { body, signal });
    });
    passed = report(`20 inspected requests of 32 MB of ${filler}`, observation) && passed;
  }
  return passed;
}

/** One connection that sends its body in chunks of one byte. */
async function attackWithChunks(): Promise<boolean> {
  using upstream = await startAttackUpstream("ok");
  await using proxy = await startProxyProcess(upstream.baseUrl);
  const { hostname, port, host } = new URL(proxy.url);
  let status = "";
  let sent = 0;
  const observation = await watch(proxy, async () => {
    using connection = await Deno.connect({ hostname, port: Number(port) });
    const headers = `POST /v1/messages HTTP/1.1\r\nhost: ${host}\r\n` +
      "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    await writeAll(connection, new TextEncoder().encode(headers));
    const chunks = new TextEncoder().encode("1\r\n \r\n".repeat(10_000));
    const responded = readStatus(connection).then((text) => status = text);
    const endAt = performance.now() + 8000;
    for (; performance.now() < endAt; sent += 10_000) await writeAll(connection, chunks);
    await Promise.race([responded, pause(100)]);
  });
  const each = `${(observation.cpuMs * 1000 / sent).toFixed(1)} µs CPU for each of ${sent} chunks`;
  return report(
    "one connection with chunks of one byte for 8 s",
    observation,
    `; ${status}; ${each}`,
  );
}

function readOption(name: string): string {
  const index = Deno.args.indexOf(`--${name}`);
  return index === -1 ? "" : Deno.args[index + 1] ?? "";
}
