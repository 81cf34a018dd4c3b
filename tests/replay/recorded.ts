/**
 * Loads recorded HTTP exchanges from RECORDED_DIR, or from `../shared/recorded` beside the repository. The recordings
 * are not part of the repository; if the folder is missing, the tests are ignored and named accordingly.
 * @module
 */

import { isJsonObject, type JsonObject, parseJson, toText } from "../../lib/json.ts";

/** One recorded HTTP exchange. */
export interface Exchange {
  /** Repository, path and number within that file; the name of a failure. */
  name: string;
  /** The body of the request; null if it was not recorded. */
  request: JsonObject | null;
  /** Host or URL, as far as recorded. */
  url: string;
  status: number;
  contentType: string;
  /** The response body, as text. */
  body: string;
}

/** The recorded API. */
export type Kind = "chat" | "messages";

const ROOT = new URL("../../", import.meta.url);
const FOLDER = findFolder();

/** Whether there are no recordings. */
export const IS_MISSING = FOLDER === null;

/** All exchanges of one API, in the order of their files. */
export async function loadExchanges(kind: Kind): Promise<Exchange[]> {
  if (FOLDER === null) return [];
  const files = [...Deno.readDirSync(FOLDER)].map(({ name }) => name)
    .filter((name) => name.endsWith(".jsonl.gz")).toSorted();
  const texts = await Promise.all(files.map((name) => readGzip(new URL(name, FOLDER))));
  return texts.flatMap((text) => text.split("\n")).filter((line) => line.includes(`"${kind}"`))
    .map(parseJson).filter(isJsonObject)
    .filter((line) => line["kind"] === kind)
    .map(toExchange);
}

/** One of the published request schemas, as JSON. */
export function loadSchema(name: "openai" | "openrouter"): unknown {
  if (FOLDER === null) return {};
  return JSON.parse(Deno.readTextFileSync(new URL(`schemas/${name}.json`, FOLDER)));
}

/** Registers a test over the recordings; ignored, and named accordingly, without recordings. */
export function testRecorded(name: string, run: () => void | Promise<void>): void {
  const note = IS_MISSING ? "not run: no recorded traffic (RECORDED_DIR): " : "";
  Deno.test({ name: note + name, ignore: IS_MISSING, fn: run });
}

function toExchange(line: JsonObject): Exchange {
  const { repo, path, index, request, url, status, contentType, body } = line;
  return {
    name: `${repo} ${path} ${index}`,
    request: isJsonObject(request) ? request : null,
    url: toText(url),
    status: Number(status),
    contentType: toText(contentType) || guessContentType(toText(body)),
    body: toText(body),
  };
}

/** Some recorders kept no headers. */
function guessContentType(body: string): string {
  return body.trimStart().startsWith("{") ? "application/json" : "text/event-stream";
}

async function readGzip(file: URL): Promise<string> {
  const { readable } = await Deno.open(file);
  return await new Response(readable.pipeThrough(new DecompressionStream("gzip"))).text();
}

/** @throws {Error} if RECORDED_DIR has no recordings: unlike a missing default folder, that is a mistake */
function findFolder(): URL | null {
  const chosen = Deno.env.get("RECORDED_DIR");
  const folder = chosen === undefined
    ? new URL("../shared/recorded/", ROOT)
    : new URL(`${chosen.replace(/\/+$/, "")}/`, ROOT);
  try {
    Deno.statSync(new URL("manifest.json", folder));
    return folder;
  } catch (cause) {
    if (chosen === undefined) return null;
    throw new Error(`RECORDED_DIR=${chosen} has no manifest.json`, { cause });
  }
}
