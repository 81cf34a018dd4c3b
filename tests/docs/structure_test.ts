// Checks that variables, commands, links and layers of folders are as documented.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { parse } from "@std/dotenv/parse";
import { findWarnings } from "../../lib/cli/startup_message.ts";
import { ALIASES } from "../../lib/config_aliases.ts";
import deno from "../../deno.json" with { type: "json" };
import { DEPLOY_VARIABLE, FOLDER_VARIABLES, loadConfig, VARIABLES } from "../../lib/config.ts";
import { resolveModel, UnavailableDefaults } from "../../lib/openrouter/model_mapping.ts";
import { DOCUMENTS, read, readCommands, readRows, readSection } from "../helpers/documents.ts";

const ROOT = new URL("../../", import.meta.url);
const NAMES = VARIABLES.map((variable) => variable.name);
/** 12 KB. */
const README_BYTES = 12_288;
const ON_WINDOWS = Deno.build.os === "windows";

const readme = read("README.md");
const configuration = read("docs/configuration.md");
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

function listOf(flag: string, command: string): string[] {
  return new RegExp(`${flag}=([^\\s']+)`).exec(command)?.[1]?.split(",") ?? [];
}

/** The documented command that shows all permissions. */
function fullCommand(): string {
  return readCommands(configuration).find((command) =>
    command.startsWith("deno run --no-prompt")
  ) ?? "";
}

async function run(command: string, args: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(command, { args, env, cwd: ROOT })
    .output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

// --- commands ---

Deno.test("README has at most 12 KB", () => {
  const { size } = Deno.statSync(new URL("README.md", ROOT));
  assert(size <= README_BYTES, `${size} bytes: move text to docs/`);
});

Deno.test("README begins with four commands that start Claude Code in a project of the reader", () => {
  const commands = readCommands(readSection(readme, "## Quick start"));
  assertEquals(commands, readCommands(readme).slice(0, 8));
  for (const form of [commands.slice(0, 4), commands.slice(4)]) {
    assertMatch(form[3] ?? "", / claude$/);
    assertEquals(form[2], "cd path/to/your/project");
  }
});

Deno.test("README has the commands of the demo and the tests, with Deno and with Node", () => {
  assertEquals(readCommands(readSection(readme, "## Demo and tests")), [
    "deno task demo",
    "npx -y deno@2.9 task demo",
    "deno task test",
    "npx -y deno@2.9 task test",
  ]);
});

Deno.test("README links to every page in docs/", () => {
  const pages = DOCUMENTS.filter((path) => path.startsWith("docs/"));
  assert(pages.length >= 10, `only ${pages.length} pages: the scan is broken`);
  for (const page of pages) assert(readme.includes(`](${page}`), page);
});

Deno.test("the start task prints no long command, and runs the one with the flags", () => {
  assertEquals(tasks.get("start"), "deno task -q start:run");
});

Deno.test("the full command in docs/configuration.md is the start task without its substitution", () => {
  assertEquals(fullCommand(), tasks.get("start:run")?.replace(/\$\([^)]*\) /, ""));
});

Deno.test("every deno task that the documents name exists", () => {
  const documents = DOCUMENTS.map(read).join("\n");
  const named = [...documents.matchAll(/\btask (?:-q )?([a-z][\w:]*)/g)]
    .filter(({ index }) => /(?:deno|deno@[\d.]+) $/.test(documents.slice(0, index)))
    .map(([, name = ""]) => name);
  assert(named.length >= 8, `only ${named.length} tasks found: the scan is broken`);
  for (const name of named) assert(tasks.has(name), `deno.json has no task ${name}`);
});

Deno.test("no task has the name of a command of the program", () => {
  for (const name of ["check", "serve"]) assert(!tasks.has(name), name);
});

// --- variables ---

Deno.test("the table in docs/configuration.md lists every variable with its default and meaning, in the order of config.ts", () => {
  const rows = readRows(readSection(configuration, "## Variables"));
  const variables = rows.map(([name = "", value = ""]) => ({
    name: name.replaceAll("`", ""),
    default: value.replaceAll("`", ""),
  }));
  assertEquals(variables, VARIABLES.map(({ name, default: value }) => ({ name, default: value })));
  assertEquals(rows.map(([, , meaning]) => meaning), VARIABLES.map(({ about }) => about));
});

for (
  const [what, command] of [
    ["docs/configuration.md", fullCommand()],
    ["start", tasks.get("start:run") ?? ""],
  ] as const
) {
  Deno.test(`--allow-env in ${what} lists every variable and ${DEPLOY_VARIABLE}`, () => {
    assertEquals(listOf("--allow-env", command), [
      ...NAMES,
      ...ALIASES.keys(),
      DEPLOY_VARIABLE,
      ...FOLDER_VARIABLES,
    ]);
  });
}

/** The values that `.env.example` sets: with a key, nothing else has to be changed. */
const RECOMMENDED = ["OPUS", "BIG", "SMALL", "DEFAULT"].map((name) => `TARGET_MODEL_${name}=auto`);

Deno.test(".env.example lists every variable with its default, and sets the key and the recommended models", () => {
  const lines = dotenv.split("\n").filter((line) => /^(# )?[A-Z][A-Z0-9_]*=/.test(line));
  const defaults = VARIABLES.map(({ name, default: value }) =>
    name === "OPENROUTER_API_KEY" ? `${name}=` : `# ${name}=${value}`
  );
  assertEquals(lines.filter((line) => !RECOMMENDED.includes(line)), defaults);
  const active = dotenv.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assertEquals(active, ["OPENROUTER_API_KEY=", ...RECOMMENDED]);
});

Deno.test("a start with .env.example and a key has no warnings, and one with defaults at most one", () => {
  const recommended = parse(dotenv);
  const key = "sk-or-v1-0123456789abcdef";
  const warn = (env: Record<string, string>) => findWarnings(loadConfig((name) => env[name]));
  assertEquals(warn({ ...recommended, OPENROUTER_API_KEY: key }), []);
  assertEquals(warn({ OPENROUTER_API_KEY: key }).length, 1);
  assertEquals(warn({}).length, 1);
  assertEquals(warn(recommended).length, 1);
});

Deno.test({
  name: "a shell loads .env.example, also without comment signs",
  ignore: ON_WINDOWS,
  async fn() {
    const uncommented = dotenv.replace(/^# ([A-Z][A-Z0-9_]*=)/gm, "$1");
    const path = await Deno.makeTempFile();
    try {
      for (const text of [dotenv, uncommented]) {
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

Deno.test("every public symbol is documented and uses only public types", async () => {
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

// --- links and paths ---

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

/** A reference with many columns, and the tables that `deno task translation` writes. */
const WIDE_TABLES = ["docs/configuration.md: ## Variables", "docs/translation.md"];

Deno.test("the tables of README and docs/ fit 120 columns, so that they can be read as text", () => {
  const wide = DOCUMENTS.filter((path) => !path.startsWith(".")).flatMap((path) => {
    let heading = "";
    return read(path).split("\n").flatMap((line) => {
      if (line.startsWith("#")) heading = line;
      return line.startsWith("|") && line.length > 120 ? [`${path}: ${heading}`] : [];
    });
  });
  const unexpected = wide.filter((place) => !WIDE_TABLES.some((known) => place.startsWith(known)));
  assertEquals([...new Set(unexpected)], []);
});

Deno.test("every picture in docs/ is shown by a document", () => {
  const documents = DOCUMENTS.map(read).join("\n");
  const pictures = [...Deno.readDirSync(new URL("docs", ROOT))].map(({ name }) => name)
    .filter((name) => name.endsWith(".png"));
  assert(pictures.length >= 4, `only ${pictures.length} pictures: the scan is broken`);
  assertEquals(pictures.filter((name) => !documents.includes(`${name})`)), []);
});

Deno.test("README's table of @std packages says where each is imported", () => {
  const rows = readRows(readSection(readme, "## Standard library"));
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

for (const document of ["README.md", ".github/CONTRIBUTING.md"]) {
  Deno.test(`every file and folder that ${document} names exists`, () => {
    const paths = [...read(document).matchAll(/`((?:lib|tests|docs|tools)\/[\w/.]*)`/g)]
      .map(([, path = ""]) => path);
    assert(paths.length >= 5, `only ${paths.length} paths: the scan is broken`);
    for (const path of paths) Deno.statSync(new URL(path, ROOT));
  });
}

Deno.test("CONTRIBUTING's table of layers has those of LAYERS", () => {
  const section = read(".github/CONTRIBUTING.md").split("\n## Layout\n")[1] ?? "";
  const rows = [...section.matchAll(/^\| \d+ +\| ([^|]+?) +\|/gm)];
  assertEquals(
    rows.map(([, names = ""]) => [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name)),
    LAYERS.map((names) =>
      names.filter((name) => name !== "deno.json").map((name) =>
        name === "lib/" ? "lib/*.ts" : name
      )
    ),
  );
});

Deno.test("no document names a registry host or a folder of one machine", () => {
  for (const document of [...DOCUMENTS, "docs/deploy/Dockerfile", ".env.example"]) {
    const found = /https?:\/\/[\w.]*(registry|mirror)[\w.]*|\/(home|root|work|Users|tmp)\//
      .exec(read(document));
    assertEquals(found?.[0], undefined, document);
  }
});

// --- docs/translation.md: the model mapping; its coverage tables are in translation_table_test.ts ---

const translation = read("docs/translation.md");

Deno.test("the names in docs/translation.md are mapped as in its table of `auto`", () => {
  const config = loadConfig((name) => name.startsWith("TARGET_MODEL_") ? "auto" : undefined);
  const rows = [...translation.matchAll(/^\| `(claude-[\w-]+)` +\| `([^`]+)` +\|$/gm)];
  assert(rows.length >= 3, "the scan is broken");
  for (const [, name = "", target = ""] of rows) {
    assertEquals(resolveModel(name, config, new UnavailableDefaults()).models, [target]);
  }
});

// --- sizes and imports of source files ---

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
 * The layers of the code, from the top. A file belongs to the most specific entry. It may import from its own entry
 * and from every layer below, never from above and never from another entry of the same layer. `lib/` means the files
 * directly in it.
 */
const LAYERS: readonly (readonly string[])[] = [
  ["main.ts", "lib/handler.ts", "lib/translate.ts"],
  ["lib/cli/"],
  ["lib/server.ts", "lib/services.ts", "lib/streams.ts"],
  ["lib/routes/"],
  ["lib/request_context.ts", "lib/dashboard/"],
  ["lib/history/"],
  ["lib/metrics/"],
  ["lib/openrouter/client.ts", "lib/openrouter/catalog.ts"],
  ["lib/translate/", "lib/stream/"],
  ["lib/openrouter/"],
  ["lib/anthropic/"],
  ["lib/", "deno.json"],
];

/** The entry of a file in LAYERS, and its layer, counted from the top. */
function findEntry(path: string): { entry: string; layer: number } {
  const entries = LAYERS.flatMap((names, layer) => names.map((entry) => ({ entry, layer })));
  const found = entries.find(({ entry }) => entry === path) ??
    entries.find(({ entry }) =>
      entry !== "lib/" && entry.endsWith("/") && path.startsWith(entry)
    ) ??
    entries.find(({ entry }) => entry === "lib/" && /^lib\/[^/]+$/.test(path));
  assert(found !== undefined, `${path} is in no layer: add it to LAYERS`);
  return found;
}

interface Import {
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
const DASHBOARD_SCRIPT = "lib/dashboard/app.ts";

/** The imports of everything that users can start or import. */
async function readImports(): Promise<Import[]> {
  const entries = [...Object.values(deno.exports), DASHBOARD_SCRIPT];
  return (await Promise.all(entries.map(readImportsOf))).flat();
}

async function readImportsOf(entry: string): Promise<Import[]> {
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

/** Why an import is not allowed, or null. */
function findViolation({ from, to }: Import): string | null {
  const start = findEntry(from);
  const end = findEntry(to);
  if (start.entry === end.entry || start.layer < end.layer) return null;
  return `${from} → ${to} points ${start.layer === end.layer ? "sideways" : "up"}`;
}

Deno.test("imports point only to lower folders", async () => {
  const imports = (await readImports())
    .filter(({ from }) => !from.startsWith("tools/jsr_fallback/"));
  const ours = imports.filter(({ specifier }) => !/^(@std\/|node:)/.test(specifier));
  assert(ours.length > 80, `only ${ours.length} imports found: the scan is broken`);
  assertEquals(ours.map(findViolation).filter((problem) => problem !== null), []);
});

Deno.test("the check of imports finds one that points up and one that points sideways", () => {
  const up = findViolation({
    from: "lib/translate/request/messages.ts",
    specifier: "",
    to: "lib/routes/send.ts",
  });
  assertMatch(up ?? "", /points up$/);
  const sideways = findViolation({
    from: "lib/translate/request/messages.ts",
    specifier: "",
    to: "lib/stream/body_reader.ts",
  });
  assertMatch(sideways ?? "", /points sideways$/);
  const down = findViolation({
    from: "lib/routes/send.ts",
    specifier: "",
    to: "lib/translate/request/messages.ts",
  });
  assertEquals(down, null);
});

Deno.test("the published modules import themselves, @std and SQLite only, and never the fallback by its path", async () => {
  const imports = (await readImports()).filter(({ from }) =>
    !from.startsWith("tools/jsr_fallback/")
  );
  for (const { from, specifier, to } of imports) {
    const isAllowed = specifier === "node:sqlite"
      ? from === "lib/history/database.ts"
      : specifier.startsWith("@std/")
      ? to.startsWith("tools/jsr_fallback/")
      : /^\.\.?\//.test(specifier) && /^(lib\/.*\.ts|deno\.json)$/.test(to);
    assert(isAllowed, `${from} imports ${specifier}`);
  }
});

Deno.test("every file of lib is reached from an entry of the package", async () => {
  const entries = Object.values(deno.exports).map((path) => path.slice(2));
  const reached = new Set([
    ...entries,
    ...(await readImports()).map(({ to }) => to),
    DASHBOARD_SCRIPT,
  ]);
  assertEquals(listSources().filter((path) => !reached.has(path)), []);
});

/** Source without comments, which may contain these names. */
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
