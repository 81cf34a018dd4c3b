/**
 * `deno task dashboard`: writes lib/dashboard/generated.ts from its sources. The result is a module because text
 * imports are unstable on Deno 2.5. It contains {@linkcode hashSources}, so that a test notices a stale file without
 * the bundler.
 */

const ROOT = new URL("../", import.meta.url);
const FOLDER = new URL("lib/dashboard/", ROOT);
const TARGET = "generated.ts";
/** Modules of lib/ that the dashboard imports. */
export const SHARED: readonly string[] = [
  "../colors.ts",
  "../format.ts",
  "../json.ts",
  "../openrouter/model_mapping.ts",
];
/** In the order in which they apply. */
const STYLES = ["style.css", "list.css", "sessions.css", "dialog.css", "views.css"] as const;
/** Tables of docs/translation.md whose rows the page shows. */
const TABLES = ["Fields", "Blocks", "Tools", "Beta features"] as const;

/** Hashes all sources of the generated file, this program included. Ignores differences in line ends. */
export async function hashSources(): Promise<string> {
  const own = [...Deno.readDirSync(FOLDER)].map(({ name }) => name)
    .filter((name) => name !== TARGET).toSorted();
  const names = [...own, ...SHARED];
  const files = [...names.map((name) => new URL(name, FOLDER)), new URL(import.meta.url)];
  const texts = files.map((file) => Deno.readTextFileSync(file).replaceAll("\r\n", "\n"));
  return await hash(JSON.stringify([names, texts, readRows()]));
}

/** SHA-256 in base64, the form of a Content-Security-Policy. */
export async function hash(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(bytes).toBase64();
}

/**
 * Reads the rows of docs/translation.md that the page shows: what happens to each field, and to what is reported as
 * dropped, by the name it is reported as.
 */
export function readRows(): [name: string, text: string][] {
  const markdown = Deno.readTextFileSync(new URL("docs/translation.md", ROOT));
  return markdown.split(/^#{2,3} /m).flatMap((section) => {
    const [title = "", ...lines] = section.split(/\r?\n/);
    if (!TABLES.some((table) => table === title.trim())) return [];
    return lines.filter((line) => line.startsWith("| `")).flatMap((line) => {
      const [, name = "", , text = ""] = line.split(/ *(?<!\\)\| */);
      const reported = /eported as `([^`]+)`/.exec(text)?.[1];
      const isField = title.trim() === "Fields";
      if (reported === undefined && !isField) return [];
      return [[reported ?? name.replaceAll("`", ""), toPlain(text)] as [string, string]];
    });
  });
}

/** Without markup, and without the name that it is reported as, which the page shows itself. */
function toPlain(text: string): string {
  const plain = text.replace(/\.? See \[[^\]]+\]\(#[^)]*\)/g, "").replaceAll("`", "")
    .replace(/\[([^\]]+)\]\(#[^)]*\)/g, "$1");
  const [start, separator = ""] = /^Reported as \w[\w.]*?(: |\. |, |$)/.exec(plain) ?? [];
  if (start === undefined) return plain;
  const rest = plain.slice(start.length);
  return rest === ""
    ? "Left out: it does not change the meaning of the response"
    : `Left out${separator}${rest}`;
}

/** Bundles the script. @throws {Error} if the bundler fails or cannot be downloaded */
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
  if (code !== 0) throw new Error(`Cannot bundle the dashboard: ${decoder.decode(stderr)}`);
  const script = decoder.decode(stdout).trim();
  // Either would change where the <script> element ends.
  if (/<\/script|<!--/i.test(script)) throw new Error("The script contains </script or <!--");
  return script;
}

async function readSource(name: string): Promise<string> {
  return (await Deno.readTextFile(new URL(name, FOLDER))).replaceAll("\r\n", "\n").trim();
}

/** Without comments and indentation. */
async function readStyle(name: string): Promise<string> {
  return (await readSource(name)).replace(/\/\*.*?\*\/\n?/gs, "").replace(/\n\s*/g, "\n");
}

function insert(page: string, placeholder: string, text: string): string {
  if (page.split(placeholder).length !== 2) throw new Error(`index.html needs one ${placeholder}`);
  return page.replace(placeholder, () => text);
}

/** Creates the source of the generated file. */
async function generate(): Promise<string> {
  const style = (await Promise.all(STYLES.map(readStyle))).join("\n");
  // `<` could end the element.
  const rows = JSON.stringify(readRows()).replaceAll("<", "\\u003c");
  const script = `const TRANSLATION_ROWS=${rows};${await bundle()}`;
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
  const errorStyle = await readStyle("error_page.css");
  const errorPage = insert(
    await readSource("error_page.html"),
    "<!-- style -->",
    `<style>${errorStyle}</style>`,
  );
  const errorPolicy = [
    "default-src 'none'",
    `style-src 'sha256-${await hash(errorStyle)}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  return `// Written by \`deno task dashboard\` from the sources beside it. Do not edit.
// deno-fmt-ignore-file

/** The hash of the sources. */
export const SOURCES: string = ${JSON.stringify(await hashSources())};

/** The Content-Security-Policy of the dashboard: its one script, its one style, and its own server. */
export const POLICY: string = ${JSON.stringify(policy)};

/** The dashboard as HTML. */
export const PAGE: string = ${JSON.stringify(page)};

/** The Content-Security-Policy of the error page: its one style. */
export const ERROR_POLICY: string = ${JSON.stringify(errorPolicy)};

/** The page for a browser that may not open the dashboard; \`<!-- message -->\` and \`<!-- fixes -->\` are replaced. */
export const ERROR_PAGE: string = ${JSON.stringify(errorPage)};
`;
}

if (import.meta.main) await Deno.writeTextFile(new URL(TARGET, FOLDER), await generate());
