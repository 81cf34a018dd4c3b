/**
 * The program with several workers, and clients whose every request has a connection of its own: the system spreads
 * connections, not requests.
 * @module
 */

import type { Stats } from "../../lib/metrics/types.ts";
import { KEY, Program, ROOT, type Start, START_FLAGS } from "./program.ts";
import { requestBody } from "./proxy.ts";

/** Elsewhere one thread serves, whatever the setting. */
export const HAS_WORKERS = Deno.build.os === "linux";
/** The entry whose workers can be killed. */
export const MORTAL_ENTRY = new URL("./mortal_entry.ts", import.meta.url).pathname;

/** What a worker loads: in the start task these are relative to the folder of the clone. */
const MODULES = [
  "main.ts",
  "deno.json",
  "lib",
  "tools/jsr_fallback",
  "tests/helpers/mortal_entry.ts",
]
  .map((path) => `${ROOT}/${path}`);

/** So many connections reach all workers, but for a chance of less than 1 : 100,000 with three of them. */
export const MANY = 30;

/** The flags of the start task, with the folder of this run. */
export function listWorkerFlags(...more: string[]): string[] {
  const flags = START_FLAGS.filter((flag) => !/^--allow-(read|write)=/.test(flag));
  return [...flags, `--allow-read=.env,${MODULES.join(",")}`, ...more];
}

/** The same, with a history in this folder. */
export function listHistoryFlags({ folder }: { folder: string }): string[] {
  return listWorkerFlags(`--allow-write=${folder}`)
    .map((flag) => flag.replace("--allow-read=", `--allow-read=${folder},`));
}

/** Starts the program in front of an upstream. */
export function startWorkers(
  upstream: { baseUrl: string },
  { env = {}, ...more }: Start & { env?: Record<string, string> } = {},
): Program {
  return new Program({
    flags: listWorkerFlags(),
    ...more,
    env: {
      WORKERS: "3",
      OPENROUTER_API_KEY: KEY,
      OPENROUTER_BASE_URL: upstream.baseUrl,
      LOG_FORMAT: "json",
      ...env,
    },
  });
}

/** Starts the program with workers that can be killed. */
export function startMortals(
  upstream: { baseUrl: string },
  { env = {}, ...more }: Start = {},
): Program {
  return startWorkers(upstream, {
    flags: listWorkerFlags().map((flag) =>
      flag.replace("--allow-env=", "--allow-env=TEST_BROKEN_FILE,")
        .replace("--allow-read=", `--allow-read=${env["TEST_BROKEN_FILE"] ?? "none"},`)
    ),
    entry: MORTAL_ENTRY,
    ...more,
    env,
  });
}

/** Keeps no idle connections. Not of a single test, because some responses are cut. */
const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });

/** Sends a request on a connection of its own. */
export function fetchAlone(url: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, client });
}

/** Sends `POST /v1/messages` on a connection of its own. */
export function sendAlone(
  url: string,
  more: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetchAlone(`${url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(requestBody(more)),
  });
}

/** Requests a path as JSON on a connection of its own. */
export async function readAlone<T>(url: string, init: RequestInit = {}): Promise<T> {
  return await (await fetchAlone(url, init)).json();
}

export function readStats(url: string): Promise<Stats> {
  return readAlone<Stats>(`${url}/stats`);
}

/** The messages of a request whose only text is this one. */
export function say(text: string): Record<string, unknown> {
  return { messages: [{ role: "user", content: text }] };
}

/** Repeats until the result is accepted. @throws {Error} with the last result after five seconds */
export async function until<T>(read: () => Promise<T>, isDone: (value: T) => boolean): Promise<T> {
  for (const deadline = performance.now() + 5000;;) {
    const value = await read();
    if (isDone(value)) return value;
    if (performance.now() > deadline) throw new Error(`Still ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
