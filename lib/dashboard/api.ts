/**
 * The page's requests to its own proxy. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import type { Bodies, CompletedRequest, Setup, Stats } from "../metrics/types.ts";

/** Completed requests in one response; parsing more would take too long at once. */
const PAGE_REQUESTS = 400;

/** The metrics, with completed requests after this number. @throws {Error} with the proxy's message */
export function fetchStats(after: number): Promise<Stats> {
  return fetchJson(`stats?after=${after}`);
}

/** Older requests, oldest first. */
export async function fetchOlder(before: number): Promise<CompletedRequest[]> {
  const { requests } = await fetchJson<{ requests: CompletedRequest[] }>(
    `stats?before=${before}&limit=${PAGE_REQUESTS}`,
  );
  return requests;
}

/** The captured bodies of a request. */
export function fetchBodies(requestId: string): Promise<Bodies> {
  return fetchJson(`stats?request=${encodeURIComponent(requestId)}`);
}

export function fetchSetup(): Promise<Setup> {
  return fetchJson("stats?setup=1");
}

/** Switches the capture of bodies. */
export async function setCapture(isOn: boolean): Promise<void> {
  await fetchJson("stats/capture", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ on: isOn }),
  });
}

export async function fetchJson<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(path, { cache: "no-store", ...init });
  const body = await response.json();
  if (!response.ok) throw new Error(body.error?.message ?? `HTTP ${response.status}`);
  return body;
}

/** The message of an error; that of a failed fetch is only "Failed to fetch". */
export function describeError(error: unknown): string {
  if (error instanceof TypeError) return "The proxy does not respond";
  return error instanceof Error ? error.message : String(error);
}
