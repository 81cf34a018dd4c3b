// The documents against the code: variables, commands, links and imports are as documented.

import { assert, assertEquals, assertMatch } from "@std/assert";
import deno from "../../deno.json" with { type: "json" };
import { DEPLOY_VARIABLE, FOLDER_VARIABLES, loadConfig, VARIABLES } from "../../lib/config.ts";
import { resolveModel, UnavailableDefaults } from "../../lib/openrouter/model_mapping.ts";
import { DOCUMENTS, read, readCommands } from "../helpers/documents.ts";

const ROOT = new URL("../../", import.meta.url);
const NAMES = VARIABLES.map((variable) => variable.name);
const ON_WINDOWS = Deno.build.os === "windows";

const readme = read("README.md");
const dotenv = read(".env.example");
const tasks = parseTasks(read("deno.json"));

function parseTasks(text: string): Map<string, string> {
  const { tasks } = JSON.parse(text) as { tasks: Record<string, string | { command: string }> };
  return new Map(
    Object.entries(tasks).map(([name, task]) => [
      name,
      typeof task === "string" ? task : task.command,
    ]),
  );
}

/** The cells of the first table under a heading, without its head. */
function tableUnder(heading: string): string[][] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const table = /(^\|.*\n)+/m.exec(section)?.[0] ?? "";
  return table.trimEnd().split("\n").slice(2)
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}

function listOf(flag: string, command: string): string[] {
  return new RegExp(`${flag}=([^\\s']+)`).exec(command)?.[1]?.split(",") ?? [];
}

/** The command in README that shows all permissions. */
function fullCommand(): string {
  return readCommands(readme).find((command) => command.startsWith("deno run --no-prompt")) ?? "";
}

async function run(command: string, args: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(command, { args, env, cwd: ROOT })
    .output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

// --- commands ---

Deno.test("README begins with the commands for a new machine", () => {
  assertEquals(readCommands(readme).slice(0, 4), [
    "deno task demo",
    "npx -y deno@2.9 task demo",
    "deno task test",
    "npx -y deno@2.9 task test",
  ]);
  const before = readme.slice(0, readme.indexOf("```sh"));
  const prose = before.split("\n\n").filter((part) => part.trim() !== "" && !part.startsWith("#"));
  assert(prose.length <= 2, `too much stands before the first command:\n${before}`);
});

Deno.test("README's full command is the start task without its substitution", () => {
  assertEquals(fullCommand(), tasks.get("start")?.replace(/\$\([^)]*\) /, ""));
});

Deno.test("every deno task that the documents name exists", () => {
  const documents = DOCUMENTS.map(read).join("\n");
  const named = [...documents.matchAll(/\btask (?:-q )?([a-z][\w:]*)/g)]
    .filter(({ index }) => /(?:deno|deno@[\d.]+) $/.test(documents.slice(0, index)))
    .map(([, name = ""]) => name);
  assert(named.length >= 8, `only ${named.length} tasks found: the scan is broken`);
  for (const name of named) assert(tasks.has(name), `deno task ${name} is in no deno.json`);
});

Deno.test("no task has the name of a command of the program", () => {
  for (const name of ["check", "serve"]) assert(!tasks.has(name), name);
});

// --- variables ---

Deno.test("README's table lists every variable with its default, in the order of config.ts", () => {
  const rows = tableUnder("Configuration").map(([name = "", value = ""]) => ({
    name: name.replaceAll("`", ""),
    default: value.replaceAll("`", ""),
  }));
  assertEquals(rows, VARIABLES.map(({ name, default: value }) => ({ name, default: value })));
});

for (
  const [what, command] of [["README", fullCommand()], ["start", tasks.get("start") ?? ""]] as const
) {
  Deno.test(`--allow-env in ${what} lists every variable and ${DEPLOY_VARIABLE}`, () => {
    assertEquals(listOf("--allow-env", command), [
      ...NAMES,
      DEPLOY_VARIABLE,
      ...FOLDER_VARIABLES,
    ]);
  });
}

Deno.test(".env.example lists every variable, and only the key is not commented out", () => {
  const lines = dotenv.split("\n").filter((line) => /^(# )?[A-Z][A-Z0-9_]*=/.test(line));
  const expected = VARIABLES.map(({ name, default: value }) =>
    name === "OPENROUTER_API_KEY" ? `${name}=` : `# ${name}=${value}`
  );
  assertEquals(lines, expected);
  const live = dotenv.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assertEquals(live, ["OPENROUTER_API_KEY="]);
});

Deno.test({
  name: "a shell loads .env.example, also without comment signs",
  ignore: ON_WINDOWS,
  async fn() {
    const live = dotenv.replace(/^# ([A-Z][A-Z0-9_]*=)/gm, "$1");
    const path = await Deno.makeTempFile();
    try {
      for (const text of [dotenv, live]) {
        await Deno.writeTextFile(path, text);
        const { code, err } = await run("sh", ["-c", 'set -a; . "$0"; set +a', path]);
        assertEquals({ code, err }, { code: 0, err: "" });
      }
      const { out } = await run("sh", ["-c", 'set -a; . "$0"; set +a; echo "$TIMEOUT_S"', path]);
      assertEquals(out, "300\n");
    } finally {
      await Deno.remove(path);
    }
  },
});

// --- the public modules ---

Deno.test("every public symbol is documented, and names only public types", async () => {
  const { code, out, err } = await run(Deno.execPath(), [
    ...["doc", "--lint", "--no-lock", "--import-map=tools/jsr_fallback/import_map.json"],
    ...Object.values(deno.exports),
  ]);
  assertEquals([code, err.replaceAll(/^(Check|Checked) .*\n/gm, "")], [0, ""], out);
});

Deno.test("every public library has an example that the tests run", () => {
  const libraries = Object.values(deno.exports).filter((path) => path !== "./main.ts");
  assertEquals(libraries.length, 2);
  for (const path of libraries) {
    assertMatch(read(path), /^ \* ```ts\n \* import /m);
    const file = path.slice(2);
    assert(tasks.get("test")?.endsWith(file) || tasks.get("test")?.includes(`${file} `), file);
    assert(tasks.get("test")?.includes("--doc"));
    assert(deno.publish.include.some((part) => file.startsWith(part)), file);
  }
});

// --- links, files and imports named ---

/** GitHub's anchor for a heading. */
function toAnchor(heading: string): string {
  return heading.trim().toLowerCase().replace(/[^\w\s-]/g, "").replace(/\s/g, "-");
}

for (const document of DOCUMENTS) {
  Deno.test(`every link in ${document} to a file of the repository is valid`, () => {
    const base = new URL(document, ROOT);
    for (const [, target = ""] of read(document).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const url = new URL(target, base);
      const anchor = url.hash.slice(1);
      url.hash = "";
      const text = Deno.readTextFileSync(url);
      if (anchor === "") continue;
      const anchors = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
        toAnchor(heading)
      );
      assert(anchors.includes(anchor), `${target} in ${document}: no such heading`);
    }
  });
}

Deno.test("README's table of @std packages says where each is imported", () => {
  const rows = tableUnder("Standard library");
  const fallback = JSON.parse(read("tools/jsr_fallback/import_map.json")) as {
    imports: Record<string, string>;
  };
  const listed = rows.map(([name = ""]) => name.replaceAll("`", ""));
  const used = Object.keys(fallback.imports).filter((name) => name.startsWith("@std/"));
  assertEquals(listed.toSorted(), used.toSorted());
  for (const [name = "", where = ""] of rows) {
    for (const [, path = ""] of where.matchAll(/`([^`]+)`/g)) {
      if (path.endsWith("/")) continue;
      const specifier = name.replaceAll("`", "");
      assert(read(path).includes(`from "${specifier}"`), `${path} does not import ${specifier}`);
    }
  }
});

Deno.test("every file and folder that README names exists", () => {
  for (const [, path = ""] of readme.matchAll(/`((?:lib|tests|docs|jsr_fallback)\/[\w/.]*)`/g)) {
    Deno.statSync(new URL(path, ROOT));
  }
});

Deno.test("no document names a registry host or a folder of one machine", () => {
  for (const document of [...DOCUMENTS, "docs/deploy/Dockerfile", ".env.example"]) {
    const found = /https?:\/\/[\w.]*(registry|mirror)[\w.]*|\/(home|root|work|Users|tmp)\//
      .exec(read(document));
    assertEquals(found?.[0], undefined, document);
  }
});

// --- docs/translation.md against the mapping; its coverage tables have a test of their own ---

const translation = read("docs/translation.md");

Deno.test("the names in docs/translation.md are mapped as in its table of `auto`", () => {
  const config = loadConfig((name) => name.startsWith("TARGET_MODEL_") ? "auto" : undefined);
  const rows = [...translation.matchAll(/^\| `(claude-[\w-]+)` +\| `([^`]+)` +\|$/gm)];
  assert(rows.length >= 3, "the scan is broken");
  for (const [, name = "", target = ""] of rows) {
    assertEquals(resolveModel(name, config, new UnavailableDefaults()).models, [target]);
  }
});

// --- the house: sizes and arrows ---

function listSources(folder = "lib"): string[] {
  return [...Deno.readDirSync(new URL(folder, ROOT))].flatMap(({ name, isDirectory }) =>
    isDirectory ? listSources(`${folder}/${name}`) : [`${folder}/${name}`]
  ).filter((path) => path.endsWith(".ts"));
}

Deno.test("no source file is longer than 300 lines", () => {
  const long = [...listSources(), "main.ts"]
    .map((path) => ({ path, lines: read(path).trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > 300);
  assertEquals(long, []);
});

/**
 * The layers of the code, from the top. A file belongs to the most exact room; it may import from its own room and
 * from every layer below, never from above and never from another room of the same layer. `lib/` stands for the
 * files directly in it.
 */
const LAYERS: readonly (readonly string[])[] = [
  ["main.ts", "lib/handler.ts", "lib/translate.ts"],
  ["lib/cli/"],
  ["lib/server.ts", "lib/services.ts"],
  ["lib/routes/"],
  ["lib/request_context.ts", "lib/dashboard/"],
  ["lib/metrics/"],
  ["lib/openrouter/client.ts", "lib/openrouter/catalog.ts"],
  ["lib/translate/", "lib/stream/"],
  ["lib/openrouter/"],
  ["lib/anthropic/"],
  ["lib/", "deno.json"],
];

/** The room of a file and its layer, counted from the top. */
function findRoom(path: string): { room: string; layer: number } {
  const rooms = LAYERS.flatMap((names, layer) => names.map((room) => ({ room, layer })));
  const found = rooms.find(({ room }) => room === path) ??
    rooms.find(({ room }) => room !== "lib/" && room.endsWith("/") && path.startsWith(room)) ??
    rooms.find(({ room }) => room === "lib/" && /^lib\/[^/]+$/.test(path));
  assert(found !== undefined, `${path} has no room: give it one in LAYERS`);
  return found;
}

interface Arrow {
  from: string;
  /** As written in the source. */
  specifier: string;
  to: string;
}

interface InfoDependency {
  specifier: string;
  code?: { specifier?: string };
  type?: { specifier?: string };
}

/** Bundled for the browser, and therefore not imported. */
const PAGE_SCRIPT = "lib/dashboard/app.ts";

/** The arrows of everything that people can start or import. */
async function readArrows(): Promise<Arrow[]> {
  const entries = [...Object.values(deno.exports), PAGE_SCRIPT];
  return (await Promise.all(entries.map(readArrowsOf))).flat();
}

async function readArrowsOf(entry: string): Promise<Arrow[]> {
  const { code, out, err } = await run(Deno.execPath(), [
    "info",
    "--json",
    "--no-lock",
    "--import-map=tools/jsr_fallback/import_map.json",
    entry,
  ]);
  assertEquals(code, 0, err);
  const { modules } = JSON.parse(out) as {
    modules: { specifier: string; dependencies?: InfoDependency[] }[];
  };
  return modules.flatMap(({ specifier: from, dependencies = [] }) =>
    dependencies.map((dependency) => ({
      from: toPath(from),
      specifier: dependency.specifier,
      to: toPath(dependency.code?.specifier ?? dependency.type?.specifier ?? ""),
    }))
  );
}

function toPath(specifier: string): string {
  return specifier.startsWith(ROOT.href) ? specifier.slice(ROOT.href.length) : specifier;
}

/** Why an arrow may not be; null where it may. */
function judge({ from, to }: Arrow): string | null {
  const start = findRoom(from);
  const end = findRoom(to);
  if (start.room === end.room || start.layer < end.layer) return null;
  return `${from} → ${to} points ${start.layer === end.layer ? "sideways" : "up"}`;
}

Deno.test("imports point only to lower folders", async () => {
  const arrows = (await readArrows())
    .filter(({ from }) => !from.startsWith("tools/jsr_fallback/"));
  const ours = arrows.filter(({ specifier }) => !specifier.startsWith("@std/"));
  assert(ours.length > 80, `only ${ours.length} imports found: the scan is broken`);
  assertEquals(ours.map(judge).filter((problem) => problem !== null), []);
});

Deno.test("the check of imports finds one that points up and one that points sideways", () => {
  const up = judge({
    from: "lib/translate/request/messages.ts",
    specifier: "",
    to: "lib/routes/send.ts",
  });
  assertMatch(up ?? "", /points up$/);
  const sideways = judge({
    from: "lib/translate/request/messages.ts",
    specifier: "",
    to: "lib/stream/body_reader.ts",
  });
  assertMatch(sideways ?? "", /points sideways$/);
  const down = judge({
    from: "lib/routes/send.ts",
    specifier: "",
    to: "lib/translate/request/messages.ts",
  });
  assertEquals(down, null);
});

Deno.test("the published modules import themselves and @std only, and never the fallback by its path", async () => {
  const arrows = (await readArrows()).filter(({ from }) => !from.startsWith("tools/jsr_fallback/"));
  for (const { from, specifier, to } of arrows) {
    const isAllowed = specifier.startsWith("@std/")
      ? to.startsWith("tools/jsr_fallback/")
      : /^\.\.?\//.test(specifier) && /^(lib\/.*\.ts|deno\.json)$/.test(to);
    assert(isAllowed, `${from} imports ${specifier}`);
  }
});

Deno.test("every file of lib is reached from an entry of the package", async () => {
  const entries = Object.values(deno.exports).map((path) => path.slice(2));
  const reached = new Set([...entries, ...(await readArrows()).map(({ to }) => to), PAGE_SCRIPT]);
  assertEquals(listSources().filter((path) => !reached.has(path)), []);
});

/** Source without its comments, in which these words may well stand. */
function stripComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

const IMPURE = /\bDeno\.|\bfetch\(|\bDate\b|\bperformance\b|\bcrypto\b|Math\.random|\bsetTimeout\b/;

for (const folder of ["lib/translate", "lib/anthropic"]) {
  Deno.test(`nothing in ${folder} uses the runtime, the network, a clock or random numbers`, () => {
    const paths = listSources(folder);
    assert(paths.length > 0);
    for (const path of paths) {
      assertEquals(IMPURE.exec(stripComments(read(path)))?.[0], undefined, path);
    }
  });
}
