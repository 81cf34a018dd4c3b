/**
 * Checks .github/workflows without GitHub: syntax, existing names, pinned actions, minimal permissions, and the scripts
 * of a release.
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { parseYaml } from "../helpers/yaml.ts";

const ROOT = new URL("../../", import.meta.url);
const FOLDER = new URL(".github/workflows/", ROOT);
const FILES = ["ci.yml", "clients.yml", "release.yml", "weekly.yml"] as const;

interface Step {
  name?: string;
  id?: string;
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
}

interface Job {
  "runs-on": string;
  "timeout-minutes"?: number;
  permissions?: Record<string, string>;
  needs?: string;
  strategy?: { matrix: { os?: string[]; include?: { os: string; arch: string }[] } };
  steps: Step[];
}

interface Workflow {
  on: Record<string, unknown>;
  permissions: Record<string, string>;
  defaults: unknown;
  jobs: Record<string, Job>;
}

/** The jobs that may write, and what. They run none of the clients. */
const WRITERS: Readonly<Record<string, unknown[]>> = {
  "release.yml": [
    ["jsr", { contents: "read", "id-token": "write" }],
    ["github", { contents: "write", "id-token": "write", attestations: "write" }],
    ["image", { contents: "read", packages: "write" }],
    [
      "image-index",
      { contents: "read", packages: "write", "id-token": "write", attestations: "write" },
    ],
  ],
  "clients.yml": [["report", { contents: "write", issues: "write" }]],
};

const texts = new Map(FILES.map((file) => [file, Deno.readTextFileSync(new URL(file, FOLDER))]));

function load(file: typeof FILES[number]): Workflow {
  return parseYaml(texts.get(file) ?? "");
}

function listSteps(file: typeof FILES[number]): Step[] {
  return Object.values(load(file).jobs).flatMap(({ steps }) => steps);
}

/** The only script of a workflow that contains a text. */
function findScript(file: typeof FILES[number], text: string): string {
  const found = listSteps(file).flatMap(({ run = "" }) => run.includes(text) ? [run] : []);
  assertEquals(found.length, 1, text);
  return found[0] ?? "";
}

Deno.test("there are four workflows", () => {
  assertEquals([...Deno.readDirSync(FOLDER)].map(({ name }) => name).sort(), [...FILES]);
});

Deno.test("every action is pinned to one full commit with a comment of its version", () => {
  const pins = new Map<string, string>();
  for (const text of texts.values()) {
    for (const [, used = ""] of text.matchAll(/uses: (.*)$/gm)) {
      const [, action = "", pin = ""] =
        /^([\w-]+\/[\w-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)$/.exec(used) ?? [];
      assert(action !== "", `not pinned: ${used}`);
      assertEquals(pins.get(action) ?? pin, pin, `${action} has two pins`);
      pins.set(action, pin);
    }
  }
  assertEquals([...pins.keys()].sort(), [
    "actions/attest",
    "actions/checkout",
    "denoland/setup-deno",
  ]);
});

for (const file of FILES) {
  Deno.test(`${file} has read permissions only, except for jobs that publish`, () => {
    const { permissions, jobs } = load(file);
    assertEquals(permissions, { contents: "read" });
    const more = Object.entries(jobs).flatMap(([name, { permissions }]) =>
      permissions === undefined ? [] : [[name, permissions]]
    );
    assertEquals<unknown>(more, WRITERS[file] ?? []);
  });

  Deno.test(`${file} limits the time of every job, persists no credentials, and uses pipefail`, () => {
    const { jobs, defaults } = load(file);
    assertEquals(defaults, { run: { shell: "bash" } });
    for (const [name, job] of Object.entries(jobs)) {
      assert(Number(job["timeout-minutes"]) <= 30, name);
      for (const [index, { uses = "", with: given }] of job.steps.entries()) {
        if (!uses.startsWith("actions/checkout@")) continue;
        assertEquals([index, given], [0, { "persist-credentials": false }], name);
      }
      const usesDeno = job.steps.some(({ run = "" }) =>
        /(^|[\s(])deno (run|task|check|cache|publish|test)\b/.test(run)
      );
      if (usesDeno) assertMatch(job.steps[1]?.uses ?? "", /^denoland\/setup-deno@/, name);
    }
  });

  Deno.test(`${file} runs only existing tasks and files, and uses no expressions in scripts`, () => {
    const scripts = listSteps(file).map(({ run = "" }) => run).join("\n");
    const tasks = [...scripts.matchAll(/deno task ([\w:]+)/g)].map(([, task = ""]) => task);
    assert(tasks.length > 0);
    assertEquals(tasks.filter((task) => !Object.hasOwn(config.tasks, task)), []);
    for (const [path] of scripts.matchAll(/\b(?:tests|docs|tools|lib)\/[\w./]*/g)) {
      Deno.statSync(new URL(path, ROOT));
    }
    assertEquals(/\$\{\{/.exec(scripts), null);
  });
}

Deno.test("CI runs on Linux, macOS and Windows with the modules of JSR", () => {
  const { ok } = load("ci.yml").jobs;
  assertEquals(ok?.strategy?.matrix.os, ["ubuntu-latest", "macos-latest", "windows-latest"]);
  const scripts = ok?.steps.map(({ run }) => run).filter((run) => run !== undefined);
  // The first command fails if JSR cannot be reached; the task alone would use the fallback.
  assertEquals(scripts, ["deno cache tools/jsr_fallback/probe.ts", "deno task ok"]);
});

Deno.test("CI runs the tests on the runtime of Deno Deploy", () => {
  const steps = load("ci.yml").jobs["deploy-runtime"]?.steps ?? [];
  assertEquals(steps[1]?.with, { "deno-version": "2.5.x" });
  assert(steps.some(({ run }) => run === "deno test -A"));
});

Deno.test("a release is published and built only after its checks", () => {
  const { jobs } = load("release.yml");
  assertEquals(Object.entries(jobs).map(([name, { needs }]) => [name, needs]), [
    ["check", undefined],
    ["jsr", "check"],
    ["github", "check"],
    ["image", "check"],
    ["image-index", "image"],
  ]);
  const scripts = jobs["jsr"]?.steps.map(({ run }) => run).filter((run) => run !== undefined);
  assertEquals(scripts, ["deno publish"]);
});

Deno.test("every file of a release is in SHA256SUMS, and attested", () => {
  const { steps = [] } = load("release.yml").jobs["github"] ?? {};
  const attestation = steps.findIndex(({ uses = "" }) => uses.startsWith("actions/attest@"));
  assertEquals(steps[attestation]?.with, { "subject-checksums": "SHA256SUMS" });
  const before = steps.slice(0, attestation).map(({ run = "" }) => run).join("\n");
  const [, created = ""] = /gh release create ([\s\S]*)/.exec(
    steps.slice(attestation).map(({ run = "" }) => run).join("\n"),
  ) ?? [];
  const files = [...created.matchAll(/(?<=\s)claudeproxy\S*/g)].map(([file]) => file);
  assertEquals(files, ["claudeproxy-*", "claudeproxy.js", "claudeproxy.rb"]);
  const summed = [...before.matchAll(/sha256sum ([^>]*)>/g)].flatMap(([, list = ""]) =>
    list.trim().split(" ")
  );
  assertEquals(summed, files);
});

Deno.test("the image is built on both architectures, each is started, and the index is attested", () => {
  const { image, "image-index": index } = load("release.yml").jobs;
  const built = image?.strategy?.matrix.include?.map(({ os, arch }) => [os, arch]);
  assertEquals(built, [["ubuntu-latest", "amd64"], ["ubuntu-24.04-arm", "arm64"]]);
  const joined = index?.steps.map(({ run = "" }) => run).join("\n") ?? "";
  for (const [, arch = ""] of built ?? []) assertMatch(joined, new RegExp(`:\\$version-${arch}"`));
  assertMatch(image?.steps.map(({ run = "" }) => run).join("\n") ?? "", /docker run .*--version/);
  const attestation = index?.steps.at(-1);
  assertMatch(attestation?.uses ?? "", /^actions\/attest@/);
  assertEquals(attestation?.with?.["push-to-registry"], true);
});

/** Runs a script like a GitHub runner, with this Deno first on PATH. */
async function runScript(script: string, env: Record<string, string>, cwd: string) {
  const deno = Deno.execPath();
  const { code, stderr } = await new Deno.Command("bash", {
    args: ["-eo", "pipefail", "-c", script],
    cwd,
    env: { PATH: `${deno.slice(0, deno.lastIndexOf("/"))}:${Deno.env.get("PATH")}`, ...env },
  }).output();
  return { code, errors: new TextDecoder().decode(stderr) };
}

const ON_WINDOWS = Deno.build.os === "windows";

Deno.test({
  name: "a release needs a date in the changelog, and uses its section as release notes",
  ignore: ON_WINDOWS,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    const env = { GITHUB_REF_NAME: "v1.2.3", RUNNER_TEMP: folder };
    const dateCheck = findScript("release.yml", "grep -Eq");
    const notes = findScript("release.yml", "awk");
    const write = (heading: string) =>
      Deno.writeTextFile(
        `${folder}/CHANGELOG.md`,
        `# Changelog\n\n${heading}\n\nNew.\n\n## 1.2.2 - 2026-01-01\n\nOld.\n`,
      );
    try {
      await write("## 1.2.3 - 2026-11-22 (not released yet)");
      assertEquals((await runScript(dateCheck, env, folder)).code, 1);
      await write("## 1.2.3 - 2026-11-22");
      assertEquals((await runScript(dateCheck, env, folder)).code, 0);
      assertEquals(await runScript(notes, env, folder), { code: 0, errors: "" });
      assertEquals(await Deno.readTextFile(`${folder}/notes.md`), "\nNew.\n\n");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "a release needs the repository's address in README",
  ignore: ON_WINDOWS,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    const script = findScript("release.yml", "README.md");
    try {
      const readme = await Deno.readTextFile(new URL("README.md", ROOT));
      const command = /(git clone https:\/\/github\.com\/)\S+/;
      await Deno.writeTextFile(`${folder}/README.md`, readme.replace(command, "$1a/b"));
      for (const [repository, code] of [["a/b", 0], ["a/other", 1], ["a/", 1]] as const) {
        const env = { GITHUB_REPOSITORY: repository };
        assertEquals((await runScript(script, env, folder)).code, code, repository);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "a release compares the tag with the version of the program",
  ignore: ON_WINDOWS,
  fn: async () => {
    // The import map only replaces JSR.
    const script = findScript("release.yml", "main.ts --version)")
      .replace("deno run", "deno run --no-lock --import-map=tools/jsr_fallback/import_map.json");
    const cwd = ROOT.pathname;
    for (const [tag, code] of [[`v${config.version}`, 0], ["v9.9.9", 1]] as const) {
      const ended = await runScript(script, { GITHUB_REF_NAME: tag }, cwd);
      assertEquals(ended.code, code, ended.errors);
    }
  },
});

Deno.test({
  name: "the weekly workflow updates the pinned version of the SDK",
  ignore: ON_WINDOWS,
  fn: async () => {
    const script = findScript("weekly.yml", "@anthropic-ai/sdk version")
      .replace("npm view @anthropic-ai/sdk version", "echo 99.9.9");
    const folder = await Deno.makeTempDir();
    try {
      await Deno.mkdir(`${folder}/tests/helpers`, { recursive: true });
      const path = "tests/helpers/sdk.ts";
      await Deno.copyFile(new URL(path, ROOT), `${folder}/${path}`);
      assertEquals(await runScript(script, {}, folder), { code: 0, errors: "" });
      assertMatch(await Deno.readTextFile(`${folder}/${path}`), /npm:@anthropic-ai\/sdk@99\.9\.9"/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("the clients are run every day, with the newest Claude Code from npm", () => {
  const { on, jobs } = load("clients.yml");
  assertMatch(JSON.stringify(on["schedule"]), /"cron":"\d+ \d+ \* \* \*"/);
  const script = findScript("clients.yml", "deno task compatibility");
  assertMatch(script, /npm view @anthropic-ai\/claude-code-linux-x64@latest version/);
  assertEquals(jobs["report"]?.needs, "run");
});

for (
  const [name, last, expected] of [
    ["opens an issue", "", ["label create", "issue list", "issue create"]],
    ["opens its last issue again, with a comment", "7", [
      "label create",
      "issue list",
      "issue reopen 7",
      "issue comment 7",
    ]],
  ] as const
) {
  Deno.test({
    name: `a failure of the clients ${name}`,
    ignore: ON_WINDOWS,
    fn: async () => {
      const script = findScript("clients.yml", "gh issue create");
      const folder = await Deno.makeTempDir();
      try {
        await Deno.mkdir(`${folder}/docs`);
        const failed = "\n## Failed\n\n- case `x` $(touch hacked)\n\nThe other clients\n- no\n";
        await Deno.writeTextFile(`${folder}/docs/compatibility.md`, failed);
        // Instead of GitHub's program.
        const gh = '#!/bin/bash\nprintf "%s\\n---\\n" "$*" >> calls\n' +
          '[ "$2" = list ] && printf "%s" "$LAST"; exit 0\n';
        await Deno.writeTextFile(`${folder}/gh`, gh, { mode: 0o755 });
        const PATH = `${folder}:${Deno.env.get("PATH")}`;
        const env = { PATH, LAST: last, VERSION: "2.1.999", RUN_URL: "https://a.test/1" };
        assertEquals(await runScript(script, env, folder), { code: 0, errors: "" });
        const calls = (await Deno.readTextFile(`${folder}/calls`)).trimEnd().split("\n---")
          .filter((call) => call !== "").map((call) => call.trim());
        assertEquals(calls.map((call, index) => call.slice(0, expected[index]?.length)), [
          ...expected,
        ]);
        assertMatch(
          calls.at(-1) ?? "",
          /Claude Code 2\.1\.999: https:\/\/a\.test\/1\n\n- case `x`/,
        );
        assertEquals([...Deno.readDirSync(folder)].some(({ name }) => name === "hacked"), false);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

Deno.test("only deno.json contains the version among the published files", () => {
  const places = config.publish.include.filter((path) => path !== "CHANGELOG.md").flatMap(listFiles)
    .filter((path) => Deno.readTextFileSync(new URL(path, ROOT)).includes(`"${config.version}"`));
  assertEquals(places, ["deno.json"]);
});

function listFiles(path: string): string[] {
  const url = new URL(path, ROOT);
  if (Deno.statSync(url).isFile) return [path];
  return [...Deno.readDirSync(url)].flatMap(({ name }) =>
    listFiles(`${path.replace(/\/$/, "")}/${name}`)
  );
}
