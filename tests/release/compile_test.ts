/**
 * `deno task compile`. Without the base binaries (denort) other executables of the same format replace them, and the
 * data that is added to them is read back. With the base binary the compiled program is tested too.
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import about from "../../deno.json" with { type: "json" };
import { STATUS_LINE_VARIABLES } from "../../lib/cli/statusline/statusline.ts";
import { DEPLOY_VARIABLE, FOLDER_VARIABLES, VARIABLES } from "../../lib/config.ts";

const ROOT = new URL("../../", import.meta.url);
const SECRET = "sk-or-v1-never-to-be-embedded";
/** Any small executable for Linux; for the others esbuild's, which npm has for every system. */
const STAND_IN = "/bin/true";
const ESBUILD_VERSION = "0.25.5";
const ON_LINUX = Deno.build.os === "linux";
const decoder = new TextDecoder();

/** Copies the sources to a folder with a recognizable name, with a key in `.env`. */
async function cloneSources(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "machine-that-compiles-" });
  for (const path of ["main.ts", "deno.json", "lib", "tools"]) copy(path, folder);
  await Deno.writeTextFile(`${folder}/.env`, `OPENROUTER_API_KEY=${SECRET}\n`);
  return folder;
}

function copy(path: string, folder: string): void {
  const source = new URL(path, ROOT);
  if (Deno.statSync(source).isFile) return Deno.copyFileSync(source, `${folder}/${path}`);
  Deno.mkdirSync(`${folder}/${path}`);
  for (const { name } of Deno.readDirSync(source)) copy(`${path}/${name}`, folder);
}

/** Runs the task in such a clone, with the same key in the environment. */
async function compile(folder: string, args: readonly string[], env: Record<string, string>) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-lock", "tools/compile.ts"],
      ...["--import-map=tools/jsr_fallback/import_map.json", "--no-check", ...args],
    ],
    cwd: folder,
    env: { OPENROUTER_API_KEY: SECRET, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...env },
  }).output();
  return { code, output: decoder.decode(stdout), errors: decoder.decode(stderr) };
}

/** Metadata that `deno compile` embeds. */
interface Metadata {
  permissions: Record<string, unknown>;
  env_vars_from_env_file: Record<string, string>;
}

/** Reads the metadata: JSON that follows its length in eight little-endian bytes. */
function readMetadata(bytes: Uint8Array): Metadata {
  const text = new TextDecoder("latin1").decode(bytes);
  const start = text.indexOf('{"argv":');
  assert(start > 0, "no metadata found: the format has changed");
  const length = new DataView(bytes.buffer, bytes.byteOffset + start - 8).getUint32(0, true);
  return JSON.parse(decoder.decode(bytes.subarray(start, start + length)));
}

const standIns = await Deno.makeTempDir();
Deno.test.afterAll(() => Deno.remove(standIns, { recursive: true }));

/** Downloads an executable for another system; null if npm cannot be reached. */
async function findStandIn(system: string): Promise<string | null> {
  if (!ON_LINUX || system === "") return STAND_IN;
  const folder = `${standIns}/${system}`;
  await Deno.mkdir(folder);
  const script = 'npm pack --silent "$0" && tar xzf *.tgz';
  try {
    const { code } = await new Deno.Command("sh", {
      args: ["-c", script, `@esbuild/${system}@${ESBUILD_VERSION}`],
      cwd: folder,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    const name = system.startsWith("win32") ? "esbuild.exe" : "bin/esbuild";
    return code === 0 ? `${folder}/package/${name}` : null;
  } catch {
    return null;
  }
}

for (
  const [target, name, system] of [
    ["x86_64-unknown-linux-gnu", "claudeproxy-linux-x64", ""],
    ["aarch64-unknown-linux-gnu", "claudeproxy-linux-arm64", ""],
    ["x86_64-apple-darwin", "claudeproxy-macos-x64", "darwin-x64"],
    ["aarch64-apple-darwin", "claudeproxy-macos-arm64", "darwin-arm64"],
    ["x86_64-pc-windows-msvc", "claudeproxy-windows-x64.exe", "win32-x64"],
  ] as const
) {
  const standIn = await findStandIn(system);
  const note = !ON_LINUX ? " (not run: needs Linux)" : standIn ? "" : " (not run: needs npm)";
  Deno.test({
    name:
      `${name} has restricted permissions, no path of the compiling machine, and no secret${note}`,
    ignore: note !== "",
    fn: async () => {
      const folder = await cloneSources();
      try {
        const env = { DENORT_BIN: standIn ?? "" };
        const { code, output, errors } = await compile(folder, ["--target", target], env);
        assertEquals([code, output], [0, `Compiled ./${name}\n`], errors);
        const bytes = await Deno.readFile(`${folder}/${name}`);
        checkBinary(bytes, folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

function checkBinary(bytes: Uint8Array, folder: string): void {
  const text = new TextDecoder("latin1").decode(bytes);
  assertStringIncludes(text, "listening on", "the search finds no program");
  assert(!text.includes(SECRET), "contains the key of .env or of the environment");
  assert(!text.includes(folder.slice(folder.lastIndexOf("/"))), "contains a path of the machine");
  const { permissions, env_vars_from_env_file: embedded } = readMetadata(bytes);
  assertEquals(embedded, {});
  const { allow_env, allow_net, allow_read, prompt, allow_import: _imports, ...others } =
    permissions;
  assertEquals(allow_env, [
    ...VARIABLES.map(({ name }) => name),
    DEPLOY_VARIABLE,
    ...FOLDER_VARIABLES,
    ...STATUS_LINE_VARIABLES,
  ]);
  assertEquals([allow_net, allow_read, prompt], [[], [], false]);
  assertEquals(Object.values(others).filter((value) => value !== null), []);
}

Deno.test("every target fails with exit code 1 if the base binary cannot be downloaded", async () => {
  const folder = await cloneSources();
  try {
    const env = { DENORT_BIN: `${folder}/no-denort-here` };
    const { code, output } = await compile(folder, ["--target", "all"], env);
    assertEquals(code, 1);
    const lines = output.trimEnd().split("\n");
    assertEquals(lines.length, 5, output);
    for (const line of lines) {
      assertMatch(
        line,
        /^NOT COMPILED \.\/claudeproxy-\w+-\w+(\.exe)?: the base binary \(denort\) of/,
      );
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an unknown target is reported with the known ones", async () => {
  const folder = await cloneSources();
  try {
    const { code, output } = await compile(folder, ["--target", "amiga"], {});
    assertEquals(code, 1);
    assertStringIncludes(
      output,
      "Unknown target amiga: use all or one of x86_64-unknown-linux-gnu, ",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const NOT_RUN = Deno.env.get("DENORT_BIN") ? "" : " (not run: DENORT_BIN names no base binary)";

Deno.test({
  name: `the binary prints its version in another folder${NOT_RUN}`,
  ignore: NOT_RUN !== "",
  fn: async () => {
    const folder = await cloneSources();
    const cwd = await Deno.makeTempDir();
    try {
      const { code, output, errors } = await compile(folder, [], {});
      assertEquals(code, 0, output + errors);
      const program = `${folder}/claudeproxy${Deno.build.os === "windows" ? ".exe" : ""}`;
      const { stdout } = await new Deno.Command(program, { args: ["--version"], cwd }).output();
      assertEquals(decoder.decode(stdout), `${about.name} ${about.version}\n`);
    } finally {
      for (const path of [folder, cwd]) await Deno.remove(path, { recursive: true });
    }
  },
});
