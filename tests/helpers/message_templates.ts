/**
 * The messages of errors and warnings as they stand in the sources of lib/, for tests of the documentation.
 * @module
 */

import { read } from "./documents.ts";

const ROOT = new URL("../../", import.meta.url);
/** The dashboard shows its errors in the browser. */
const EXCLUDED = /^lib\/dashboard\//;

/** A message in a source file. */
export interface Template {
  source: string;
  /** As in the source, including `${…}`; of texts that are joined by `+`, the first. */
  text: string;
}

/** An error whose message is not written where it is created. */
export interface OtherError {
  source: string;
  /** The first line of its arguments. */
  text: string;
}

/** Functions whose last argument is the message of an error or of a warning. */
const CREATORS = [
  /new (?:StartError|ConfigError)\(/,
  /new (?:ApiError|RefusalError)\((?:\s*"\w+",)*/,
  /(?:forbiddenError|timeoutError)\(/,
  /(?:log\.)?write\(\s*"(?:warn|error)",/,
  /(?:onWarning|notes\.push|warnings\.push|fail)\(/,
].map(({ source }) => source).join("|");
const LITERAL = /(["`])((?:(?!\1)[^])*)\1/g;
const CONSTRUCTED =
  /new (?:StartError|ConfigError|ApiError|RefusalError)\((?:\s*"\w+",)*\s*([^]{0,60})/g;
const WITH_LITERAL = new RegExp(`(?:${CREATORS})\\s*(["\`])([^]*?)\\1`, "g");
/** `const message = "…"`, also with a choice of texts. */
const ASSIGNED = /const message =([^]*?);\n/g;

/** The paths of all files in a folder of the repository. */
export function listFiles(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, ROOT))].flatMap(({ name, isDirectory }) =>
    isDirectory ? listFiles(`${folder}/${name}`) : [`${folder}/${name}`]
  );
}

/** The sources that can create a message. */
export const SOURCES: readonly string[] = ["main.ts", ...listFiles("lib")]
  .filter((path) => path.endsWith(".ts") && !EXCLUDED.test(path));

/** All messages, without parts that other messages contain: those begin with a small letter. */
export function readTemplates(): Template[] {
  return SOURCES.flatMap((source) => {
    const text = read(source);
    const assigned = [...text.matchAll(ASSIGNED)]
      .flatMap(([, value = ""]) =>
        [...value.matchAll(LITERAL)].map(([, , literal = ""]) => literal)
      );
    const created = [...text.matchAll(WITH_LITERAL)].map(([, , literal = ""]) => literal);
    return [...created, ...assigned].filter(isWhole).map((text) => ({ source, text }));
  });
}

function isWhole(text: string): boolean {
  return /^(?:[A-Z-]|\$\{|[\w.]+: )/.test(text);
}

/** The errors without a message of their own, or with one in a variable that has another name than `message`. */
export function readOtherErrors(): OtherError[] {
  return SOURCES.flatMap((source) =>
    [...read(source).matchAll(CONSTRUCTED)].map(([, text = ""]) => text)
      .filter((text) => !/^["`]|^message\b/.test(text))
      .map((text) => ({ source, text: text.split("\n")[0] ?? "" }))
  );
}
