/**
 * The Markdown files of the repository, without those of the tests, and their code blocks, sections and tables.
 * @module
 */

const ROOT = new URL("../../", import.meta.url);
const FOLDERS = ["", "docs/", ".github/"] as const;

/** Their paths in the repository. */
export const DOCUMENTS: readonly string[] = FOLDERS.flatMap((folder) =>
  folder === "docs/" ? listDeep(folder) : listFlat(folder)
).toSorted();

/** The text of a file of the repository. */
export function read(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}

/** The contents of all fenced blocks of one language. */
export function readBlocks(markdown: string, language: string): string[] {
  const pattern = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm");
  return [...markdown.matchAll(pattern)].map(([, block = ""]) => block);
}

/** The commands of all shell blocks, in order. A block with curl is one command. */
export function readCommands(markdown: string): string[] {
  return readBlocks(markdown, "sh").flatMap((block) =>
    block.includes("curl") ? [block.trim()] : block.trim().split("\n")
  );
}

/** One section, from its heading to the next heading of the same or a higher level. */
export function readSection(markdown: string, heading: string): string {
  const depth = /^#+/.exec(heading)?.[0].length ?? 0;
  const start = `\n${markdown}`.indexOf(`\n${heading}\n`);
  if (start === -1) throw new Error(`Section ${heading} not found`);
  const rest = markdown.slice(start + heading.length + 1);
  const end = rest.search(new RegExp(`^#{1,${depth}} `, "m"));
  return end === -1 ? rest : rest.slice(0, end);
}

/** The cells of all table rows, without header rows. */
export function readRows(markdown: string): string[][] {
  return [...markdown.matchAll(/(?:^\|.*\n)+/gm)].flatMap(([table]) =>
    table.trimEnd().split("\n").slice(2)
      .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
  );
}

function listFlat(folder: string): string[] {
  return [...Deno.readDirSync(new URL(`./${folder}`, ROOT))]
    .filter(({ name, isFile }) => isFile && name.endsWith(".md"))
    .map(({ name }) => `${folder}${name}`);
}

function listDeep(folder: string): string[] {
  const folders = [...Deno.readDirSync(new URL(folder, ROOT))].filter((entry) => entry.isDirectory);
  return [...listFlat(folder), ...folders.flatMap(({ name }) => listDeep(`${folder}${name}/`))];
}
