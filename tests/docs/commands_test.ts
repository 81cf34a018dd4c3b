/**
 * Checks that every command in the documents is run by a test, or listed as not runnable offline with a reason. Short
 * commands are run here unchanged, in a copy of the sources without settings. JSON parses, and settings load.
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parse } from "@std/dotenv/parse";
import { loadConfig, VARIABLES } from "../../lib/config.ts";
import { resolveModel, UnavailableDefaults } from "../../lib/openrouter/model_mapping.ts";
import { startUpstream } from "../helpers/upstream.ts";
import {
  DOCUMENTS,
  read,
  readBlocks,
  readCommands,
  readRows,
  readSection,
} from "../helpers/documents.ts";

const ROOT = new URL("../../", import.meta.url);
const readme = read("README.md");
const claudeCode = read("docs/claude-code.md");
const CAN_RUN = Deno.build.os !== "windows";
const HANG_MS = 60_000;
const IMPORT_MAP = "--import-map=tools/jsr_fallback/import_map.json";

/** The command that lists all permissions. */
const FULL_COMMAND = readCommands(read("docs/configuration.md"))
  .find((command) => command.startsWith("deno run --no-prompt")) ?? "";
/** Stands for the repository's name until that is known. */
const PLACEHOLDER = "OWNER/REPOSITORY";
/** The command with the repository's address. */
const CLONE = readCommands(readme).find((command) => command.startsWith("git clone ")) ?? "";
/** The variables of Claude Code for a proxy that is started by hand. */
const EXPORTS = readCommands(readSection(claudeCode, "## By hand"))
  .filter((command) => command.startsWith("export "));

/** Run below: command → its output and exit code; null for a command that runs until it is stopped. */
const RUN_HERE: Readonly<Record<string, { output: RegExp; code: number | null }>> = {
  "deno task demo": { output: /ANTHROPIC_BASE_URL=http:\/\/localhost:\d+/, code: null },
  "cp .env.example .env && chmod 600 .env": { output: /^$/, code: 0 },
  // Nothing listens at the upstream address.
  "deno task start check": { output: /✗[^]*cannot be reached/, code: 1 },
  "deno task start": { output: /listening on 127\.0\.0\.1:\d+/, code: null },
  "deno task start stats": { output: /^claudeproxy: HISTORY is not set/m, code: 1 },
  "deno task start --help": { output: /Usage: claudeproxy/, code: 0 },
  "deno task claude": { output: /the client has started/, code: 0 },
  [FULL_COMMAND]: { output: /listening on 127\.0\.0\.1:\d+/, code: null },
  ...Object.fromEntries(EXPORTS.map((command) => [command, { output: /^$/, code: 0 }])),
};

/** Run by another test: command → file and start of the test's name. */
const RUN_ELSEWHERE: Readonly<Record<string, readonly [file: string, title: string]>> = {
  "curl http://localhost:8000/v1/messages \\": [
    "docs/curl_examples_test.ts",
    "the four curl examples of docs/api.md work against the demo",
  ],
  "curl -N http://localhost:8000/v1/messages \\": [
    "docs/curl_examples_test.ts",
    "the four curl examples of docs/api.md work against the demo",
  ],
  "claudeproxy claude": [
    "release/bundle_test.ts",
    "the bundle's claude, installed as a command, runs in another folder",
  ],
  "deno task --cwd ~/claudeproxy claude": [
    "cli/claude_start_test.ts",
    "is started in another folder with deno task --cwd",
  ],
  "deno task start stats --since 30d --by model": [
    "cli/stats_test.ts",
    "stats shows the models of the last 30 days",
  ],
  "deno task bundle": ["release/bundle_test.ts", "the bundle prints its name and version"],
  "deno run -A claudeproxy.js": [
    "release/bundle_test.ts",
    "the bundle responds to /health when started in an empty folder",
  ],
  "deno run -A path/to/claudeproxy.js claude": [
    "release/bundle_test.ts",
    "the bundle's claude, installed as a command, runs in another folder",
  ],
  "deno install -g -A -n claudeproxy claudeproxy.js": [
    "release/bundle_test.ts",
    "the bundle's claude, installed as a command, runs in another folder",
  ],
  "deno task --cwd path/to/this/clone claude": [
    "cli/claude_start_test.ts",
    "is started in another folder with deno task --cwd",
  ],
  "deno task compile": [
    "release/compile_test.ts",
    "the binary prints its version in another folder",
  ],
  "deno task compile --target all": [
    "release/compile_test.ts",
    "every target fails with exit code 1 if the base binary cannot be downloaded",
  ],
  "deno run -A jsr:@claudeproxy/openrouter": [
    "release/publish_test.ts",
    "in an empty folder it serves /health, the dashboard and messages",
  ],
  "deno run -A jsr:@claudeproxy/openrouter demo": [
    "release/publish_test.ts",
    "in an empty folder the demo shows its response",
  ],
  "deno run --no-config -A jsr:@claudeproxy/openrouter claude": [
    "release/publish_test.ts",
    "in an empty folder claude starts Claude Code with the proxy",
  ],
  "deno x -y -A jsr:@claudeproxy/openrouter": ["release/publish_test.ts", "deno x runs it"],
  "deno install -g -A -n claudeproxy jsr:@claudeproxy/openrouter": [
    "release/publish_test.ts",
    "deno install -g installs it as a command",
  ],
  "deno task fuzz --runs 10000 --seed 1": ["tools/fuzz_test.ts", "fuzz: "],
  "deno task soak --seconds 60": ["tools/soak_test.ts", "the soak's verdict on "],
};

/** Not run: command → why. */
const NOT_OFFLINE: Readonly<Record<string, string>> = {
  "npx -y deno@2.9 task demo": "downloads deno from npm; the task itself is run",
  "npx -y deno@2.9 task test": "downloads deno from npm",
  "deno task test": "is the run of this test",
  "deno task ok": "contains the run of this test; run by CI",
  "deno task test --filter <case>": "has a placeholder",
  [CLONE]: "needs the repository on GitHub",
  "cd path/to/your/project": "has a placeholder",
  "export OPENROUTER_API_KEY=sk-or-v1-your-key": "has a placeholder",
  "deno task test:clients": "downloads the clients from npm; run daily by CI",
  "deno task test:dashboard": "needs Chromium and downloads its driver from npm",
  "deno task replay": "needs recorded traffic, which is not in the repository",
  "deno task mutants --sample 600 --seed 1":
    "takes minutes; tools/mutants_test.ts tests its operators",
  "deno task bench": "takes minutes and needs an idle machine",
  "docker build -f docs/deploy/Dockerfile -t claudeproxy .":
    "needs a container engine and the base image; release/container_test.ts runs the commands of the image",
  "docker run --rm --init -p 8000:8000 --read-only --cap-drop=ALL --security-opt=no-new-privileges -e OPENROUTER_API_KEY -e PROXY_API_KEYS claudeproxy":
    "needs a container engine; release/container_test.ts runs the entry point",
  "docker compose -f docs/deploy/compose.yaml up --build --detach --wait":
    "needs a container engine; release/container_test.ts reads the file",
  "curl https://your-app.your-organisation.deno.net/health": "needs an app of the reader",
};

/** The key of a command in the tables above: its first line. */
function toKey(command: string): string {
  return command.split("\n")[0] ?? "";
}

const found = new Map(
  DOCUMENTS.flatMap((document) =>
    readCommands(read(document)).map((command) => [toKey(command), document])
  ),
);

Deno.test("the documents and their commands are found", () => {
  for (const document of ["README.md", "docs/deploy/container.md", ".github/CONTRIBUTING.md"]) {
    assert(DOCUMENTS.includes(document), document);
  }
  assert(found.size >= 25, `only ${found.size} commands: the scan is broken`);
  assertEquals(EXPORTS.length, 2);
});

Deno.test("every command in the documents is run by a test or listed as not runnable offline", () => {
  const known = new Set([RUN_HERE, RUN_ELSEWHERE, NOT_OFFLINE].flatMap(Object.keys));
  const unknown = [...found].filter(([command]) => !known.has(command));
  assertEquals(unknown, [], "run each in a test, or list a reason");
  assertEquals([...known].filter((command) => !found.has(command)), [], "not in any document");
});

Deno.test("README names the repository, and all documents name the same one or none", () => {
  const name = /^git clone https:\/\/github\.com\/([\w-]+\/[\w.-]+) ~\/claudeproxy$/.exec(CLONE)
    ?.[1];
  assert(name !== undefined, CLONE);
  const documents = DOCUMENTS.map(read).join("\n");
  const named = [...documents.matchAll(/(?:--repo |ghcr\.io\/)([\w-]+\/[\w.-]+)/g)]
    .map(([, other = ""]) => other);
  assert(named.length >= 4, `only ${named.length} names: the scan is broken`);
  // An image has its name in lower case.
  const allowed = [name, name.toLowerCase()];
  assertEquals(named.filter((other) => !allowed.includes(other)), []);
  if (name !== PLACEHOLDER) assert(!documents.includes(PLACEHOLDER), "the name is known");
});

Deno.test("no command is in two of the lists", () => {
  const all = [RUN_HERE, RUN_ELSEWHERE, NOT_OFFLINE].flatMap(Object.keys);
  assertEquals(all.length, new Set(all).size);
});

for (const [command, [file, title]] of Object.entries(RUN_ELSEWHERE)) {
  Deno.test(`the test that runs “${command}” exists`, () => {
    const source = read(`tests/${file}`);
    const names = [...source.matchAll(/(?:\bname:\s*|\btest\w*\(\s*)([`"])([^]*?)\1/gi)]
      .map(([, , name = ""]) => name);
    assert(names.some((name) => name.startsWith(title)), `tests/${file} has no “${title}…”`);
  });
}

// --- commands that are run here ---

/** Copies the sources without the tests and without a `.env`. */
function copySources(): string {
  const folder = Deno.makeTempDirSync({ prefix: "claudeproxy-commands-" });
  const paths = ["main.ts", "deno.json", ".env.example", "lib", "tools/jsr_fallback"];
  for (const path of paths) copy(path, folder);
  return folder;
}

function copy(path: string, folder: string): void {
  const source = new URL(path, ROOT);
  if (Deno.statSync(source).isFile) return Deno.copyFileSync(source, `${folder}/${path}`);
  Deno.mkdirSync(`${folder}/${path}`, { recursive: true });
  for (const { name } of Deno.readDirSync(source)) copy(`${path}/${name}`, folder);
}

/** Runs a command in a shell. Of this machine's environment it gets only the variables that deno needs. */
function start(command: string, folder: string, baseUrl: string): Deno.ChildProcess {
  const deno = Deno.execPath();
  const path = `${folder}:${deno.slice(0, deno.lastIndexOf("/"))}:${Deno.env.get("PATH") ?? ""}`;
  const machine = ["HOME", "TMPDIR", "DENO_DIR", "XDG_CACHE_HOME"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return new Deno.Command("sh", {
    args: ["-c", command],
    cwd: folder,
    clearEnv: true,
    env: {
      ...Object.fromEntries(machine),
      PATH: path,
      NO_COLOR: "1",
      DENO_NO_UPDATE_CHECK: "1",
      // There is no settings file.
      XDG_CONFIG_HOME: folder,
      HOST: "127.0.0.1",
      PORT: "0",
      OPENROUTER_BASE_URL: baseUrl,
      ...(command.endsWith("task claude") && { OPENROUTER_API_KEY: "sk-or-v1-commands-test" }),
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/**
 * Runs a command to its end, or stops it once the output matches `until`.
 * @returns both outputs, and the exit code; null if it was stopped
 */
async function run(
  command: string,
  folder: string,
  { until, baseUrl }: { until: RegExp | null; baseUrl: string },
): Promise<{ output: string; code: number | null }> {
  const child = start(command, folder, baseUrl);
  const timer = setTimeout(() => child.kill("SIGKILL"), HANG_MS);
  let text = "";
  let isStopped = false;
  const collect = async (output: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const chunk of output.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (until === null || isStopped || !until.test(text)) continue;
      isStopped = true;
      child.kill("SIGTERM");
    }
  };
  await Promise.all([collect(child.stdout), collect(child.stderr)]);
  const { code } = await child.status;
  clearTimeout(timer);
  return { output: text, code: isStopped ? null : code };
}

for (const [command, { output, code }] of Object.entries(RUN_HERE)) {
  const short = command === FULL_COMMAND ? "the start task in full" : command;
  Deno.test({
    name: `“${short}” works as written${CAN_RUN ? "" : " (not run: no sh)"}`,
    ignore: !CAN_RUN,
    async fn() {
      const folder = copySources();
      await using upstream = startUpstream([]);
      // Nothing listens at port 9. The launcher does not start Claude Code without an upstream.
      const baseUrl = command.endsWith("task claude")
        ? upstream.baseUrl
        : "http://127.0.0.1:9/api/v1";
      try {
        const client = "#!/bin/sh\necho the client has started\n";
        Deno.writeTextFileSync(`${folder}/claude`, client, { mode: 0o755 });
        // As docs/configuration.md says if JSR cannot be reached. `exec`, so that a signal reaches deno and not the shell.
        const line = command === FULL_COMMAND
          ? `exec ${command.replace(" main.ts", ` ${IMPORT_MAP} main.ts`)}`
          : command.replace(/^deno /, "exec deno ");
        const ended = await run(line, folder, { until: code === null ? output : null, baseUrl });
        assertMatch(ended.output, output);
        assertEquals(ended.code, code, ended.output);
        if (command.startsWith("cp ")) {
          assertEquals(Deno.readTextFileSync(`${folder}/.env`), read(".env.example"));
        }
      } finally {
        Deno.removeSync(folder, { recursive: true });
      }
    },
  });
}

Deno.test({
  name: `the shell variables for Claude Code are exported${CAN_RUN ? "" : " (not run: no sh)"}`,
  ignore: !CAN_RUN,
  async fn() {
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", `${EXPORTS.join("\n")}\nenv`],
    }).output();
    const output = new TextDecoder().decode(stdout);
    assertStringIncludes(output, "ANTHROPIC_BASE_URL=http://localhost:8000\n");
    assertStringIncludes(output, "ANTHROPIC_AUTH_TOKEN=any-word\n");
  },
});

// --- JSON and settings ---

Deno.test("every JSON block in the documents parses", () => {
  const blocks = DOCUMENTS.flatMap((document) => readBlocks(read(document), "json"));
  assert(blocks.length >= 2);
  for (const block of blocks) JSON.parse(block);
});

Deno.test("the settings of Claude Code and VS Code are those of the shell lines", () => {
  const [settings = ""] = readBlocks(readSection(claudeCode, "## By hand"), "json");
  const [vscode = ""] = readBlocks(readSection(claudeCode, "## VS Code"), "json");
  const lines = Object.fromEntries(
    EXPORTS.map((line) => line.replace("export ", "").split("=")),
  );
  assertEquals(JSON.parse(settings).env, lines);
  const variables: { name: string; value: string }[] =
    JSON.parse(vscode)["claudeCode.environmentVariables"];
  assertEquals(Object.fromEntries(variables.map(({ name, value }) => [name, value])), lines);
});

const recipes = readBlocks(read("docs/recipes.md"), "env");

Deno.test("docs/recipes.md has recipes", () => assert(recipes.length >= 6));

for (const recipe of recipes) {
  Deno.test(`the recipe that begins with ${recipe.split("\n")[0]} loads and changes its settings`, () => {
    const values = parse(recipe);
    const names = new Set<string>(VARIABLES.map(({ name }) => name));
    assertEquals(Object.keys(values).filter((name) => !names.has(name)), []);
    const config = loadConfig((name) => values[name]);
    for (const name of Object.keys(values)) {
      const without = loadConfig((other) => other === name ? undefined : values[other]);
      assert(JSON.stringify(without) !== JSON.stringify(config), `${name} changes nothing`);
    }
  });
}

Deno.test("README's table of models has the real mapping, and its examples are valid targets", () => {
  const rows = readRows(readSection(readme, "## Which model answers"));
  // The first code span of each cell: part of a model name, variable, example. The last row is for all other names.
  const spans = rows.map((row) => row.map((cell) => /`([^`]+)`/.exec(cell)?.[1] ?? ""));
  const rowsWithExample = spans.filter(([, , example]) => example !== "");
  assertEquals(rowsWithExample.map(([part]) => part), ["opus", "sonnet", "haiku", "fable", ""]);
  const env = new Map(
    rowsWithExample.map(([, variable = "", example = ""]) => [variable, example]),
  );
  assertEquals(env.size, 5);
  const config = loadConfig((name) => env.get(name));
  for (const [part, , example = ""] of rowsWithExample) {
    const model = part === "" ? "gpt-4" : `claude-${part}-1`;
    assertEquals(resolveModel(model, config, new UnavailableDefaults()).models, [example]);
  }
});
