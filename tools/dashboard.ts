/**
 * `deno task page`: writes lib/dashboard/generated.ts from the page's sources. One file without text imports, which
 * are unstable on Deno 2.5. A test compares {@linkcode hashSources} with the hash inside: no bundler is needed
 * to see that it is stale.
 */

const ROOT = new URL("../", import.meta.url);
const FOLDER = new URL("lib/dashboard/", ROOT);
const TARGET = "generated.ts";

/** The hash of all that the generated file is made from, this program included. Line ends do not count. */
export async function hashSources(): Promise<string> {
  const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name)
    .filter((name) => name !== TARGET).toSorted();
  const files = [...names.map((name) => new URL(name, FOLDER)), new URL(import.meta.url)];
  const texts = files.map((file) => Deno.readTextFileSync(file).replaceAll("\r\n", "\n"));
  return await hash(JSON.stringify([names, texts]));
}

/** SHA-256 in base64, as a Content-Security-Policy wants it. */
export async function hash(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(bytes).toBase64();
}

/** The script of the page in one piece. @throws {Error} where the bundler fails or cannot be fetched */
async function bundle(): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      "-q",
      "--no-lock",
      "--platform=browser",
      "--format=iife",
      "--minify",
      "app.ts",
    ],
    cwd: FOLDER,
  }).output();
  const decoder = new TextDecoder();
  if (code !== 0) throw new Error(`The page cannot be bundled: ${decoder.decode(stderr)}`);
  const script = decoder.decode(stdout).trim();
  // Inside <script> these would end it, or hide its end.
  if (/<\/script|<!--/i.test(script)) throw new Error("The script holds </script or <!--");
  return script;
}

async function readSource(name: string): Promise<string> {
  return (await Deno.readTextFile(new URL(name, FOLDER))).replaceAll("\r\n", "\n").trim();
}

function insert(page: string, mark: string, text: string): string {
  if (page.split(mark).length !== 2) throw new Error(`index.html needs one ${mark}`);
  return page.replace(mark, () => text);
}

/** The source of the generated file. */
async function generate(): Promise<string> {
  const style = (await readSource("style.css")).replace(/\/\*.*?\*\/\n?/gs, "");
  const script = await bundle();
  const page = insert(
    insert(await readSource("index.html"), "<!-- style -->", `<style>${style}</style>`),
    "<!-- script -->",
    `<script>${script}</script>`,
  );
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${await hash(script)}'`,
    `style-src 'sha256-${await hash(style)}'`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  return `// Written by \`deno task page\` from the sources beside it. Do not edit.
// deno-fmt-ignore-file

/** The hash of the sources. */
export const SOURCES: string = ${JSON.stringify(await hashSources())};

/** The Content-Security-Policy of the page: its one script, its one style, and its own server. */
export const POLICY: string = ${JSON.stringify(policy)};

/** The page. */
export const PAGE: string = ${JSON.stringify(page)};
`;
}

if (import.meta.main) await Deno.writeTextFile(new URL(TARGET, FOLDER), await generate());
