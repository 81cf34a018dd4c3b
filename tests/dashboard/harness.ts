/**
 * Sets up one browser test: a scripted upstream, the real proxy in front of it, and a browser.
 * @module
 */

import { requestBody, type RunningProxy, startProxy } from "../helpers/proxy.ts";
import { sseAnswer } from "../helpers/chunks.ts";
import { eventStream, type Reply, startUpstream } from "../helpers/upstream.ts";
import {
  type Browser,
  type BrowserContext,
  type Found,
  type Page,
  startBrowser,
} from "./chromium.ts";

const FOUND: Found = await startBrowser();
const NOTE = "missing" in FOUND ? ` (not run: ${FOUND.missing})` : "";
/** The driver's connection outlives a test. */
const UNSANITIZED = { sanitizeOps: false, sanitizeResources: false };
const PATIENCE_MS = 5000;

/** Options of a test. */
export interface HarnessOptions {
  script?: Reply | Reply[];
  env?: Record<string, string>;
  /** Width of the window. */
  width?: number;
  reducedMotion?: "reduce";
  colorScheme?: "light" | "dark";
  /** The browser's password for HTTP basic authentication. */
  password?: string;
  /** The key of the client that sends messages; else that of PROXY_API_KEYS. */
  clientKey?: string;
  /** A script that runs before the dashboard's own. */
  before?: string;
}

/** The setup. Dispose of it with `await using`. */
export interface Harness extends AsyncDisposable {
  proxy: RunningProxy;
  browser: Browser;
  context: BrowserContext;
  page: Page;
  /** Errors on the browser's console, such as violations of the Content-Security-Policy. */
  errors: string[];
  open(): Promise<void>;
  /** Sends a message through the proxy and reads the response to its end. */
  send(more?: Record<string, unknown>, headers?: Record<string, string>): Promise<void>;
}

/** Registers a test that needs the browser; without one it is ignored, and its name says why. */
export function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `dashboard: ${name}${NOTE}`, ignore: "missing" in FOUND, ...UNSANITIZED, fn });
}

Deno.test.afterAll(async () => {
  if ("browser" in FOUND) await FOUND.browser.close();
});

/** Starts upstream, proxy and an empty browser tab. @throws {Error} if there is no browser */
export async function startHarness(options: HarnessOptions = {}): Promise<Harness> {
  if ("missing" in FOUND) throw new Error(FOUND.missing);
  const { script = () => eventStream(sseAnswer("Hello")), env = {}, password } = options;
  const upstream = startUpstream(script);
  const proxy = startProxy({ upstream, env });
  // The page asks for the credit of the key; the script only answers messages.
  proxy.services.client.fetchKey = () => Promise.reject(new Error("No credit in this test"));
  const context = await FOUND.browser.newContext({
    viewport: { width: options.width ?? 1280, height: 900 },
    colorScheme: options.colorScheme ?? "light",
    ...(options.reducedMotion && { reducedMotion: options.reducedMotion }),
    permissions: ["clipboard-read", "clipboard-write"],
    ...(password !== undefined && { httpCredentials: { username: "any", password } }),
  });
  context.setDefaultTimeout(PATIENCE_MS);
  if (options.before !== undefined) await context.addInitScript(options.before);
  const page = await context.newPage();
  const disposal = new AbortController();
  const client = {
    url: proxy.url,
    key: options.clientKey ?? env["PROXY_API_KEYS"],
    signal: disposal.signal,
  };
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  return {
    proxy,
    browser: FOUND.browser,
    context,
    page,
    errors,
    open: async () => {
      await page.goto(proxy.url);
      await page.locator("#status[data-state=live]").waitFor();
    },
    send: (more, headers) => send(client, more, headers),
    async [Symbol.asyncDispose]() {
      // A response that a failed test left open would keep the proxy from stopping.
      disposal.abort();
      await context.close();
      await proxy.stop();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** A client of the proxy. */
interface Client {
  url: string;
  key: string | undefined;
  signal: AbortSignal;
}

async function send(
  { url, key, signal }: Client,
  more?: Record<string, unknown>,
  moreHeaders: Record<string, string> = {},
): Promise<void> {
  const headers = new Headers({ "content-type": "application/json", ...moreHeaders });
  if (key !== undefined) headers.set("x-api-key", key);
  const body = JSON.stringify(requestBody({ stream: true, ...more }));
  const response = await fetch(`${url}/v1/messages`, { method: "POST", headers, body, signal });
  await response.text();
}
