/**
 * `check`: checks settings, permissions, port, upstream, API key and models in a few seconds, without starting the
 * proxy. Slow checks run in parallel.
 * @module
 */

import { type Config, VARIABLES } from "../../config.ts";
import { ApiError } from "../../errors.ts";
import { Catalog } from "../../openrouter/catalog.ts";
import { type Client, createClient } from "../../openrouter/client.ts";
import { createColorizer } from "../../colors.ts";
import { createRedactor, listSecrets } from "../../redact.ts";
import { findKeyWarnings, findLimitWarnings } from "../startup_message.ts";
import { findTargetWarnings } from "../model_targets.ts";
import { checkPort } from "./port.ts";
import { type Finding, formatReport, type Report, type Setting } from "./report.ts";
import { checkImageModel } from "./image_model.ts";
import { checkTargets } from "./models.ts";
import { checkKey, checkUpstream, type UpstreamResponses } from "./upstream.ts";
import {
  describeFlag,
  type EnvSources,
  mayReach,
  parseSources,
  readSources,
  toListenAddress,
  toUpstreamAddress,
} from "../environment.ts";
import type { About } from "../serve.ts";
import { canShowColors, printLine, StartError } from "../terminal.ts";
import { checkWorkers } from "../workers/support.ts";

/** Options of {@linkcode runCheck}. */
export interface CheckOptions {
  /** Prints the report as one JSON object instead of text. */
  isJson?: boolean;
  /** Reads the settings. @throws {StartError} without permission */
  read?: () => EnvSources;
  print?: (text: string) => void;
  fetcher?: typeof fetch;
  /** Time limit for upstream. */
  timeoutMs?: number;
  /** The URL of the program's entry, which workers need (WORKERS). */
  entry?: string;
}

/** With the start of the program the check stays under five seconds. */
const TIMEOUT_MS = 3500;

/** Runs all checks and prints the report. @returns whether no check has failed */
export async function runCheck(about: About, options: CheckOptions = {}): Promise<boolean> {
  const { isJson = false, read = readDefaultSources, print = printLine } = options;
  const { fetcher = fetch, timeoutMs = TIMEOUT_MS, entry = import.meta.url } = options;
  const startedAt = performance.now();
  const { settings, secrets, findings } = await runChecks(read, { fetcher, timeoutMs, entry });
  const report: Report = {
    ok: findings.every(({ state }) => state !== "failed"),
    ...about,
    tookMs: Math.round(performance.now() - startedAt),
    settings,
    findings,
  };
  const redact = createRedactor(secrets);
  if (isJson) print(redact(JSON.stringify(report)));
  else {
    const paint = createColorizer(canShowColors());
    for (const line of formatReport(report, paint)) print(redact(line));
  }
  return report.ok;
}

function readDefaultSources(): EnvSources {
  return readSources({ option: null, readsFolder: true });
}

/** The findings, and the secrets to redact from them. */
interface CheckResult {
  settings: Setting[];
  secrets: string[];
  findings: Finding[];
}

type FetchOptions = Required<Pick<CheckOptions, "fetcher" | "timeoutMs">>;
type RunOptions = FetchOptions & Required<Pick<CheckOptions, "entry">>;

async function runChecks(read: () => EnvSources, options: RunOptions): Promise<CheckResult> {
  const result: CheckResult = { settings: [], secrets: [], findings: [] };
  let config: Config;
  let notes: readonly string[];
  try {
    const sources = read();
    notes = sources.notes;
    result.secrets = readSecrets(sources);
    result.settings = listSettings(sources);
    config = parseSources(sources);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    result.findings = [{ topic: "settings", state: "failed", message: error.message }];
    return result;
  }
  const [port, upstream] = await Promise.all([checkPort(config), fetchFindings(config, options)]);
  const workers = checkWorkerThreads(config, options.entry);
  const settings = checkSettings(result.settings, [
    ...notes,
    ...workers.notes,
    ...findKeyWarnings(config),
    ...findTargetWarnings(config),
    ...findLimitWarnings(config),
  ]);
  result.findings = [...settings, checkPermissions(config), ...workers.failures, port, ...upstream];
  return result;
}

/** Read before the settings are validated: an error message may contain a secret, too. */
function readSecrets({ env }: EnvSources): string[] {
  const proxyApiKeys = (env("PROXY_API_KEYS") ?? "").split(",").map((key) => key.trim());
  return listSecrets({ openrouterApiKey: env("OPENROUTER_API_KEY")?.trim() ?? null, proxyApiKeys });
}

function listSettings({ env, sourceOf }: EnvSources): Setting[] {
  return VARIABLES.map(({ name, default: defaultValue }) => {
    const value = env(name)?.trim() || defaultValue;
    return { name, value: maskSecret(name, value), source: sourceOf(name) };
  });
}

/** Shows the end of OpenRouter's long random keys, as OpenRouter does, and hides all others. */
function maskSecret(name: string, value: string): string {
  if (value === "") return "";
  if (name === "PROXY_API_KEYS") return "(hidden)";
  if (name !== "OPENROUTER_API_KEY") return value;
  return /^sk-or-v1-.{16,}$/.test(value) ? `sk-or-v1-…${value.slice(-4)}` : "(hidden)";
}

function checkSettings(settings: readonly Setting[], warnings: readonly string[]): Finding[] {
  const topic = "settings";
  const count = (source: string) => settings.filter((setting) => setting.source === source).length;
  const [environment, defaults] = [count("environment"), count("default")];
  const file = settings.find(({ source }) => !/^(environment|default)$/.test(source))?.source;
  const message = `${environment} from the environment, ` +
    `${settings.length - environment - defaults} from ${file ?? "a file"}, ${defaults} by default`;
  return [
    { topic, state: "ok", message },
    ...warnings.map((message): Finding => ({ topic, state: "warning", message })),
  ];
}

/** What several workers lack here. */
function checkWorkerThreads(
  config: Config,
  entry: string,
): { notes: string[]; failures: Finding[] } {
  try {
    return { notes: checkWorkers(config, entry).notes, failures: [] };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    const { message } = error;
    return { notes: [], failures: [{ topic: "permissions", state: "failed", message }] };
  }
}

function checkPermissions(config: Config): Finding {
  const topic = "permissions";
  const missing = [toListenAddress(config), toUpstreamAddress(config)]
    .filter((address) => !mayReach(address));
  if (missing.length > 0) {
    const message = `no permission for ${missing.join(" and ")}`;
    return { topic, state: "failed", message, hint: `add --allow-net=${missing.join(",")}` };
  }
  return { topic, state: "ok", message: "settings, port and upstream are allowed" };
}

/** Checks upstream, the API key and the models with two parallel requests. */
async function fetchFindings(
  config: Config,
  { fetcher, timeoutMs }: FetchOptions,
): Promise<Finding[]> {
  const address = toUpstreamAddress(config);
  if (!mayReach(address)) {
    const message = `not checked: no permission for ${describeFlag(address)}`;
    return [
      { topic: "upstream", state: "unchecked", message },
      { topic: "key", state: "unchecked", message },
      ...checkTargets(config, null),
      ...checkImageModel(config, null),
    ];
  }
  const client = createClient({ ...config, timeoutMs }, fetcher);
  const { openrouterApiKey } = config;
  const [models, key] = await Promise.allSettled([
    loadCatalog(client),
    openrouterApiKey === null ? null : client.fetchKey(openrouterApiKey),
  ]);
  const responses: UpstreamResponses = { models, key: openrouterApiKey === null ? null : key };
  const catalog = models.status === "fulfilled" ? models.value.catalog : null;
  return [
    checkUpstream(responses, config),
    checkKey(responses.key, config),
    ...checkTargets(config, catalog),
    ...checkImageModel(config, catalog),
  ];
}

/** Loads the catalog and counts its models. @throws {ApiError} if upstream has no model list */
async function loadCatalog(client: Client): Promise<{ catalog: Catalog; count: number }> {
  const body = await client.fetchModels();
  if (body === undefined) {
    const message = "the response is not JSON, perhaps a web page";
    throw new ApiError("api_error", message, { status: 502 });
  }
  const catalog = new Catalog({ fetchModels: () => Promise.resolve(body), now: () => 0 });
  // The time limit is never reached, because the response is there already.
  const { length: count } = await catalog.list(1000);
  if (count > 0) return { catalog, count };
  throw new ApiError("api_error", "the response contains no models", { status: 502 });
}
