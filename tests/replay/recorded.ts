/**
 * The recorded exchanges, read from where they lie: RECORDED_DIR, or `../shared/recorded` beside the repository.
 * Nothing of them is part of the repository. Where the folder is missing, the tests say so and are ignored.
 * @module
 */

import { isJsonObject, type JsonObject, parseJson, toText } from "../../lib/json.ts";

/** One recorded exchange of HTTP. */
export interface Exchange {
  /** Repository, path and number within that file: what a failure is reported under. */
  name: string;
  /** The body of the request, where it was recorded. */
  request: JsonObject | null;
  /** Host or URL, as far as it was recorded. */
  url: string;
  status: number;
  contentType: string;
  /** The body of the answer, as text. */
  body: string;
}

/** Which API was recorded. */
export type Kind = "chat" | "messages";

const ROOT = new URL("../../", import.meta.url);
const FOLDER = findFolder();

/** Whether there is anything to replay. */
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

/** A test over the recordings; ignored, and named accordingly, where there are none. */
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

/** @throws where RECORDED_DIR names a folder that has no recordings: that is a mistake, not an absence */
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
