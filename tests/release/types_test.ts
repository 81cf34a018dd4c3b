/**
 * Programs that import the package type-check with Deno's default options, and with stricter ones.
 * @module
 */

import { assertEquals } from "@std/assert";
import config from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);

/** Undefined values are what `exactOptionalPropertyTypes` rejects. */
const PROGRAM = `
import {
  createHandler,
  type ProxyHandler,
  type RequestSummary,
  type Settings,
} from "${config.name}/handler";
import {
  createTranslator,
  encodeEvents,
  parseMessagesRequest,
  translateRequest,
  translateStream,
} from "${config.name}/translate";
import "${config.name}";

// @ts-expect-error: a misspelt setting
const misspelt: Settings = { OPENROUTER_KEY: "sk-or-v1-0123" };
const summaries: RequestSummary[] = [];
const environment: Record<string, string | undefined> = {};
export const proxy: ProxyHandler = createHandler({
  settings: { ...misspelt, ...environment, OPENROUTER_API_KEY: undefined, TIMEOUT_S: 60, LOG_LEVEL: "warn" },
  writeLog: undefined,
  onFinish: (summary) => summaries.push(summary),
  fetch: undefined,
});
export const info = proxy(new Request("http://localhost/"), {
  remoteAddr: { transport: "tcp", hostname: "127.0.0.1" },
  completed: undefined,
});
const request = parseMessagesRequest({});
const { response } = translateRequest(request, { models: ["a/b"] });
createTranslator({ ...response, messageId: undefined, newCallId: undefined });
export function translate(upstream: Response): Response {
  if (upstream.body === null) return upstream;
  return new Response(encodeEvents(translateStream(upstream.body, response)));
}
`;

/** Type-checks the program in a project of its own; returns the errors, "" if there are none. */
async function check(compilerOptions: Record<string, boolean>): Promise<string> {
  const folder = await Deno.makeTempDir();
  const map = JSON.parse(
    Deno.readTextFileSync(new URL("tools/jsr_fallback/import_map.json", ROOT)),
  );
  const imports = Object.fromEntries([
    ...Object.entries<string>(map.imports).map(([name, path]) => [
      name,
      new URL(path, new URL("tools/jsr_fallback/", ROOT)).href,
    ]),
    ...Object.entries(config.exports).map(([name, path]) => [
      config.name + name.slice(1),
      new URL(path, ROOT).href,
    ]),
  ]);
  try {
    const settings = { lock: false, compilerOptions };
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(settings));
    await Deno.writeTextFile(`${folder}/map.json`, JSON.stringify({ imports }));
    await Deno.writeTextFile(`${folder}/program.ts`, PROGRAM);
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      // Otherwise the repository's deno.json applies to its files.
      args: ["check", "-q", "--config=deno.json", "--import-map=map.json", "program.ts"],
      cwd: folder,
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    }).output();
    return code === 0 ? "" : new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The latter with `exactOptionalPropertyTypes` and `noUncheckedIndexedAccess`. */
const OPTIONS: readonly [about: string, options: Record<string, boolean>][] = [
  ["Deno's default options", {}],
  ["the options of this repository", config.compilerOptions],
];

for (const [about, options] of OPTIONS) {
  Deno.test(`a program that imports the package type-checks with ${about}`, async () => {
    assertEquals(await check(options), "");
  });
}
