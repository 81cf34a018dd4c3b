/**
 * The stage of one case: a scripted upstream, the real proxy before it, and a browser with the page open.
 * @module
 */

import { ask, type RunningProxy, startProxy } from "../helpers/proxy.ts";
import { sseAnswer } from "../helpers/chunks.ts";
import { eventStream, type Reply, startUpstream } from "../helpers/upstream.ts";
import { type BrowserContext, type Found, type Page, startBrowser } from "./chromium.ts";

const FOUND: Found = await startBrowser();
const NOTE = "missing" in FOUND ? ` (not run: ${FOUND.missing})` : "";
/** What the driver does between two tests is no leak of theirs. */
const LOOSE = { sanitizeOps: false, sanitizeResources: false };
const PATIENCE_MS = 5000;

/** What a case may choose. */
export interface StageOptions {
  script?: Reply | Reply[];
  env?: Record<string, string>;
  /** Width of the window. */
  width?: number;
  colorScheme?: "light" | "dark";
  /** What the browser answers when it is asked for a password. */
  password?: string;
  /** Runs in the page before its own script. */
  before?: string;
}

/** The stage. Leave it with `await using`. */
export interface Stage extends AsyncDisposable {
  proxy: RunningProxy;
  context: BrowserContext;
  page: Page;
  /** What the browser complained about: errors of the script, and what the policy stopped. */
  complaints: string[];
  open(): Promise<void>;
  /** Sends a message through the proxy and reads the answer to its end. */
  send(more?: Record<string, unknown>): Promise<void>;
}

/** A case that needs the browser; without one it is ignored and says so. */
export function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `the page: ${name}${NOTE}`, ignore: "missing" in FOUND, ...LOOSE, fn });
}

Deno.test.afterAll(async () => {
  if ("browser" in FOUND) await FOUND.browser.close();
});

/** Sets the stage; nothing is open yet. @throws {Error} where there is no browser */
export async function startStage(options: StageOptions = {}): Promise<Stage> {
  if ("missing" in FOUND) throw new Error(FOUND.missing);
  const { script = () => eventStream(sseAnswer("Hello")), env = {}, password } = options;
  const upstream = startUpstream(script);
  const proxy = startProxy({ upstream, env });
  const context = await FOUND.browser.newContext({
    viewport: { width: options.width ?? 1280, height: 900 },
    colorScheme: options.colorScheme ?? "light",
    ...(password !== undefined && { httpCredentials: { username: "any", password } }),
  });
  context.setDefaultTimeout(PATIENCE_MS);
  if (options.before !== undefined) await context.addInitScript(options.before);
  const page = await context.newPage();
  const leaving = new AbortController();
  const sender = { url: proxy.url, key: env["PROXY_API_KEYS"], signal: leaving.signal };
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  return {
    proxy,
    context,
    page,
    complaints,
    open: async () => {
      await page.goto(proxy.url);
      await page.locator("#status[data-state=live]").waitFor();
    },
    send: (more) => send(sender, more),
    async [Symbol.asyncDispose]() {
      // An answer that a failed case left open would hold the proxy up.
      leaving.abort();
      await context.close();
      await proxy.stop();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** Whom a message goes to. */
interface Sender {
  url: string;
  key: string | undefined;
  signal: AbortSignal;
}

async function send({ url, key, signal }: Sender, more?: Record<string, unknown>): Promise<void> {
  const headers = new Headers({ "content-type": "application/json" });
  if (key !== undefined) headers.set("x-api-key", key);
  const body = JSON.stringify(ask({ stream: true, ...more }));
  const response = await fetch(`${url}/v1/messages`, { method: "POST", headers, body, signal });
  await response.text();
}
