/**
 * `check`: tells within a few seconds whether the proxy will work, without starting it. Looks at the settings,
 * the permissions, the port, upstream, the key and the models; all that takes time at once.
 * @module
 */

import { type Config, VARIABLES } from "../../config.ts";
import { ApiError } from "../../errors.ts";
import { Catalog } from "../../openrouter/catalog.ts";
import { type Client, createClient } from "../../openrouter/client.ts";
import { createColorizer } from "../../colors.ts";
import { createRedactor, listSecrets } from "../../redact.ts";
import { findKeyWarnings, findLimitWarnings } from "../startup_message.ts";
import { checkPort } from "./port.ts";
import { type Finding, formatReport, type Report, type Setting } from "./report.ts";
import { checkTargets } from "./models.ts";
import { checkKey, checkUpstream, type UpstreamAnswers } from "./upstream.ts";
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

/** What a caller or a test sets otherwise. */
export interface CheckOptions {
  /** One JSON object instead of text. */
  isJson?: boolean;
  /** Reads the settings. @throws {StartError} where they may not be read */
  read?: () => EnvSources;
  /** Takes what is to be printed. */
  print?: (text: string) => void;
  fetcher?: typeof fetch;
  /** How long upstream may take. */
  waitMs?: number;
}

/** With the start of the program this stays under five seconds. */
const WAIT_MS = 3500;

/** Prints what was found. Returns whether nothing has failed. */
export async function runCheck(about: About, options: CheckOptions = {}): Promise<boolean> {
  const { isJson = false, read = readUsual, print = printLine } = options;
  const { fetcher = fetch, waitMs = WAIT_MS } = options;
  const startedAt = performance.now();
  const { settings, secrets, findings } = await inspect(read, { fetcher, waitMs });
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

function readUsual(): EnvSources {
  return readSources({ option: null, readsFolder: true });
}

/** What was found, and which words nobody may see. */
interface Inspection {
  settings: Setting[];
  secrets: string[];
  findings: Finding[];
}

async function inspect(
  read: () => EnvSources,
  options: Required<Pick<CheckOptions, "fetcher" | "waitMs">>,
): Promise<Inspection> {
  const found: Inspection = { settings: [], secrets: [], findings: [] };
  let config: Config;
  let notes: readonly string[];
  try {
    const sources = read();
    notes = sources.notes;
    found.secrets = readSecrets(sources);
    found.settings = listSettings(sources);
    config = parseSources(sources);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    found.findings = [{ topic: "settings", state: "failed", message: error.message }];
    return found;
  }
  const [port, upstream] = await Promise.all([checkPort(config), askUpstream(config, options)]);
  const settings = checkSettings(found.settings, [
    ...notes,
    ...findKeyWarnings(config),
    ...findLimitWarnings(config),
  ]);
  found.findings = [...settings, checkPermissions(config), port, ...upstream];
  return found;
}

/** From the text: what is wrong with a setting is said without its value, too. */
function readSecrets({ env }: EnvSources): string[] {
  const proxyApiKeys = (env("PROXY_API_KEYS") ?? "").split(",").map((key) => key.trim());
  return listSecrets({ openrouterApiKey: env("OPENROUTER_API_KEY")?.trim() ?? null, proxyApiKeys });
}

function listSettings({ env, sourceOf }: EnvSources): Setting[] {
  return VARIABLES.map(({ name, default: standard }) => {
    const value = env(name)?.trim() || standard;
    return { name, value: maskSecret(name, value), source: sourceOf(name) };
  });
}

/** Of OpenRouter's long random keys the end may show, as OpenRouter itself shows it; of others nothing. */
function maskSecret(name: string, value: string): string {
  if (value === "") return "";
  if (name === "PROXY_API_KEYS") return "(hidden)";
  if (name !== "OPENROUTER_API_KEY") return value;
  return /^sk-or-v1-.{16,}$/.test(value) ? `sk-or-v1-…${value.slice(-4)}` : "(hidden)";
}

function checkSettings(settings: readonly Setting[], warnings: readonly string[]): Finding[] {
  const topic = "settings";
  const count = (origin: string) => settings.filter((setting) => setting.source === origin).length;
  const [environment, standard] = [count("environment"), count("default")];
  const file = settings.find(({ source }) => !/^(environment|default)$/.test(source))?.source;
  const says = `${environment} from the environment, ` +
    `${settings.length - environment - standard} from ${file ?? "a file"}, ${standard} by default`;
  return [
    { topic, state: "ok", message: says },
    ...warnings.map((says): Finding => ({ topic, state: "warning", message: says })),
  ];
}

function checkPermissions(config: Config): Finding {
  const topic = "permissions";
  const missing = [toListenAddress(config), toUpstreamAddress(config)]
    .filter((address) => !mayReach(address));
  if (missing.length > 0) {
    const cure = `add --allow-net=${missing.join(",")}`;
    return {
      topic,
      state: "failed",
      message: `may not reach ${missing.join(" and ")}`,
      hint: cure,
    };
  }
  return { topic, state: "ok", message: "settings, port and upstream are allowed" };
}

/** Upstream, the key and the models, by two requests at once. */
async function askUpstream(
  config: Config,
  { fetcher, waitMs }: Required<Pick<CheckOptions, "fetcher" | "waitMs">>,
): Promise<Finding[]> {
  const address = toUpstreamAddress(config);
  if (!mayReach(address)) {
    const message = `not checked: no permission for ${describeFlag(address)}`;
    const rest: Finding[] = ["upstream", "key"].map((topic) => ({
      topic,
      state: "unchecked",
      message,
    }));
    return [...rest, ...checkTargets(config, null)];
  }
  const client = createClient({ ...config, timeoutMs: waitMs }, fetcher);
  const { openrouterApiKey: key } = config;
  const [listed, keyAnswer] = await Promise.allSettled([
    loadCatalog(client),
    key === null ? null : client.fetchKey(key),
  ]);
  const answers: UpstreamAnswers = { models: listed, key: key === null ? null : keyAnswer };
  return [
    checkUpstream(answers, config),
    checkKey(answers.key, config),
    ...checkTargets(config, listed.status === "fulfilled" ? listed.value.catalog : null),
  ];
}

/** The catalog, and how many models it has. @throws {ApiError} where upstream gives none */
async function loadCatalog(client: Client): Promise<{ catalog: Catalog; count: number }> {
  const answer = await client.fetchModels();
  if (answer === undefined) {
    throw new ApiError("api_error", "its answer is not JSON, perhaps a web page", { status: 502 });
  }
  const catalog = new Catalog({ fetchModels: () => Promise.resolve(answer), now: () => 0 });
  // The answer is there: this bound is never reached.
  const { length: count } = await catalog.list(1000);
  if (count > 0) return { catalog, count };
  throw new ApiError("api_error", "its answer holds no models", { status: 502 });
}
