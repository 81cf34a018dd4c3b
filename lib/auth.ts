/**
 * Who may use the proxy, and whose key pays: a pure decision over peer, headers and configuration.
 * Three rules in order: proxy keys, no key held, local use only. And in every case: no foreign web page.
 * @module
 */

import { STATUS_CODE } from "@std/http/status";
import type { Config } from "./config.ts";
import { ApiError } from "./errors.ts";

/** Who is at the other end of the connection. */
export type Peer = { transport: "unix" } | { transport: "tcp"; address: string };

/** An address as `Deno.serve` tells it. */
export interface RemoteAddress {
  /** `tcp`, `unix`, … */
  transport: string;
  /** An IP address, where the transport has one. */
  hostname?: string;
}

/** Who is at an address. Where that cannot be told, it is a stranger. */
export function toPeer(address: RemoteAddress | undefined): Peer {
  if (address?.transport === "unix") return { transport: "unix" };
  const isTcp = address?.transport === "tcp";
  return { transport: "tcp", address: isTcp ? address.hostname ?? "" : "" };
}

/** What is known of a request before anybody reads its body. */
export interface AuthRequest {
  method: string;
  path: string;
  headers: Headers;
  /** Host and port, from the Host header or HTTP/2's `:authority`. */
  host: string;
  peer: Peer;
}

/** The settings that access depends on. */
export type AuthConfig = Pick<
  Config,
  "openrouterApiKey" | "proxyApiKeys" | "allowedOrigins" | "onDenoDeploy" | "dialect"
>;

/** A request that may go on. */
export interface AuthResult {
  /** The OpenRouter key that pays; null where there is none (the request needs none, or gets a 401). */
  upstreamKey: string | null;
}

const OPEN_PATHS: ReadonlySet<string> = new Set(["/health", "/api/hello"]);
/** It tells of everybody's requests, so it is never open to all. */
const STATS_PATH = "/stats";
/**
 * Headers that proxies and CDNs add. With one of them the client is elsewhere, although the connection comes from this
 * machine. One regular expression over all names: asking for 22 fixed ones takes longer (2.9 µs, not 2.2).
 */
const FORWARDING_HEADER = new RegExp(
  "^(forwarded|via|(x-)?real-ip|(x-)?client-ip|(true|fly|fastly)-client-ip|x-cluster-client-ip|" +
    "x-(original-)?forwarded(-.*)?|x-envoy-external-address|x-azure-(clientip|socketip|ref)|" +
    "x-appengine-user-ip|cdn-loop|tailscale-.*|cf-.*)$",
);
const LOCAL_ADDRESS = /^(::ffff:)?127\.|^::1$|^(::ffff:|0:0:0:0:0:ffff:)7f[0-9a-f]{2}:/i;
const LOCAL_HOST = /^(\[[0-9a-f:.%]+\]|\d{1,3}(\.\d{1,3}){3}|([a-z0-9-]+\.)*localhost)(:\d+)?$/i;
const OPENROUTER_KEY = /^sk-or-/;

/**
 * Decides on a request.
 * @throws {ApiError} 401, 403 or 415, in words that say what to set
 */
export function authorize(visit: AuthRequest, config: AuthConfig): AuthResult {
  if (isOpen(visit)) return { upstreamKey: null };
  checkOrigin(visit, config);
  checkContentType(visit);
  return { upstreamKey: resolveUpstreamKey(visit, config) };
}

/**
 * The answer to a preflight: it carries no key, so only the origin decides.
 * @throws {ApiError} 403 for an origin that is not listed
 */
export function authorizePreflight(visit: AuthRequest, config: AuthConfig): { corsOrigin: string } {
  checkOrigin(visit, config);
  const corsOrigin = findAllowedOrigin(visit.headers, config);
  if (corsOrigin === null) throw forbiddenError("Preflights are answered only for ALLOWED_ORIGINS");
  return { corsOrigin };
}

/** The foreign origin that may read every answer, errors included; null for none. */
export function findAllowedOrigin(
  headers: Headers,
  { allowedOrigins }: Pick<AuthConfig, "allowedOrigins">,
): string | null {
  const origin = headers.get("origin");
  return origin !== null && allowedOrigins.includes(origin) ? origin : null;
}

/** The keys a client presented, in either header. They are secrets and are redacted like our own. */
export function readClientKeys(headers: Headers): string[] {
  const bearer = /^bearer\s+(\S+)\s*$/i.exec(headers.get("authorization") ?? "")?.[1];
  const keys = [headers.get("x-api-key")?.trim(), bearer];
  return keys.filter((key): key is string => key !== undefined && key !== "");
}

function isOpen({ method, path }: AuthRequest): boolean {
  const isRead = method === "GET" || method === "HEAD";
  return isRead && (OPEN_PATHS.has(path) || (method === "HEAD" && path === "/"));
}

/** A web page may call only from our own origin or a listed one: a page elsewhere would spend the key. */
function checkOrigin(visit: AuthRequest, config: AuthConfig): void {
  const { headers, host } = visit;
  if (findAllowedOrigin(headers, config) !== null) return;
  const origin = headers.get("origin");
  if (origin !== null && origin !== `http://${host}` && origin !== `https://${host}`) {
    throw forbiddenError("This origin may not use the proxy; list it in ALLOWED_ORIGINS");
  }
  if (headers.get("sec-fetch-site") === "cross-site" && !isLinkToPage(visit)) {
    throw forbiddenError("Cross-site requests are refused; list the origin in ALLOWED_ORIGINS");
  }
}

/** A click on a link: the browser shows the page to its user, and the site that has the link reads nothing. */
function isLinkToPage({ method, path, headers }: AuthRequest): boolean {
  return method === "GET" && path === "/" && headers.get("sec-fetch-mode") === "navigate" &&
    headers.get("sec-fetch-dest") === "document";
}

/** Other content types reach us from any page without a preflight. */
function checkContentType({ method, headers }: AuthRequest): void {
  if (method !== "POST") return;
  const type = (headers.get("content-type") ?? "").split(";")[0]?.trim() ?? "";
  if (/^application\/(json|[\w.-]+\+json)$/i.test(type)) return;
  throw new ApiError("invalid_request_error", "Content-Type must be application/json", {
    status: STATUS_CODE.UnsupportedMediaType,
  });
}

function resolveUpstreamKey(visit: AuthRequest, config: AuthConfig): string | null {
  const { openrouterApiKey: held, proxyApiKeys } = config;
  // Another server than OpenRouter may need no key, and is no place for a client's OpenRouter key.
  const mayPay = config.dialect !== "openai";
  const presented = readClientKeys(visit.headers);
  const isProxyKey = (key: string) => isAllowedOrigin(key, proxyApiKeys);
  const isOwn = (key: string) => mayPay && OPENROUTER_KEY.test(key) && !isProxyKey(key);
  const clientsOwn = presented.find(isOwn) ?? null;
  if (proxyApiKeys.length > 0) {
    const shown = acceptsBasicAuth(visit)
      ? [...presented, ...readPassword(visit.headers)]
      : presented;
    if (!shown.some(isProxyKey)) throw invalidKeyError(visit);
    return held ?? clientsOwn;
  }
  if (held === null && mayPay) {
    if (visit.path === STATS_PATH && !isLocal(visit, config)) throw statsForbiddenError();
    return clientsOwn;
  }
  checkLocal(visit, config);
  return held;
}

/** Pages for people, who get in by the browser's own password box. */
function acceptsBasicAuth({ method, path }: AuthRequest): boolean {
  return method === "GET" && (path === "/" || path === STATS_PATH);
}

/** The password of HTTP Basic; the user name does not matter. */
function readPassword(headers: Headers): string[] {
  const encoded = /^basic\s+([a-z0-9+/=]+)\s*$/i.exec(headers.get("authorization") ?? "")?.[1];
  if (encoded === undefined) return [];
  try {
    return [/^[^:]*:(.*)$/s.exec(atob(encoded))?.[1] ?? ""];
  } catch {
    return [];
  }
}

function invalidKeyError(visit: AuthRequest): ApiError {
  // Not Anthropic's words: at "x-api-key" Claude Code says "Please run /login" and shows nothing of the message.
  const message = "Unknown key: this proxy wants one of its own keys (PROXY_API_KEYS)";
  const headers = acceptsBasicAuth(visit)
    ? { "www-authenticate": 'Basic realm="claudeproxy"' }
    : {};
  return new ApiError("authentication_error", message, { headers });
}

/** A key is held and nobody has to show one: then only this machine may spend it. */
function checkLocal(visit: AuthRequest, config: AuthConfig): void {
  if (isLocal(visit, config)) return;
  throw forbiddenError("This proxy serves only its own machine; set PROXY_API_KEYS to open it");
}

function isLocal({ peer, host, headers }: AuthRequest, config: AuthConfig): boolean {
  return !config.onDenoDeploy &&
    (peer.transport === "unix" || LOCAL_ADDRESS.test(peer.address)) &&
    LOCAL_HOST.test(host) &&
    ![...headers.keys()].some((name) => FORWARDING_HEADER.test(name));
}

function statsForbiddenError(): ApiError {
  return forbiddenError(
    "Statistics are for local clients only. Set PROXY_API_KEYS to accept remote clients",
  );
}

/** Compares with every listed key, each to its end, so that time tells nothing about a near miss. */
function isAllowedOrigin(presented: string, listed: readonly string[]): boolean {
  let found = false;
  for (const key of listed) found = isEqual(presented, key) || found;
  return found;
}

function isEqual(presented: string, key: string): boolean {
  let difference = presented.length ^ key.length;
  for (let i = 0; i < presented.length; i++) {
    difference |= presented.charCodeAt(i) ^ key.charCodeAt(i % key.length);
  }
  return difference === 0;
}

function forbiddenError(message: string): ApiError {
  return new ApiError("permission_error", message);
}
