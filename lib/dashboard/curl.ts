/**
 * Writes a captured request as a curl command. The key is `$KEY`: no command contains one. Pure.
 * @module
 */

/** Linux limits one argument to 128 KiB; a longer body is written into a here-document. */
const MAX_ARGUMENT_CHARS = 30_000;

/** A request to repeat. */
export interface CurlRequest {
  url: string;
  /** `name: value`; may contain `$KEY`, which the shell replaces. */
  headers: readonly string[];
  body: string;
}

/** The command for a POSIX shell. Nothing in URL, headers or body is interpreted, except `$KEY` in headers. */
export function toCurl({ url, headers, body }: CurlRequest): string {
  const parts = [`curl -N ${quote(url)}`, ...headers.map((header) => `-H ${quoteHeader(header)}`)];
  if (body.length <= MAX_ARGUMENT_CHARS) {
    return [...parts, `--data-raw ${quote(body)}`].join(" \\\n  ");
  }
  const end = findDelimiter(body);
  return `${[...parts, `--data-binary @- <<'${end}'`].join(" \\\n  ")}\n${body}\n${end}`;
}

/** In single quotes a shell interprets nothing; a single quote has to stand outside of them. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** With `$KEY` in double quotes, and everything else in single quotes. */
function quoteHeader(header: string): string {
  return header.split("$KEY").map((part) => part === "" ? "" : quote(part)).join('"$KEY"');
}

/** A line that is not in the body. */
function findDelimiter(body: string): string {
  const lines = new Set(body.split("\n"));
  let end = "BODY";
  while (lines.has(end)) end += "_";
  return end;
}
