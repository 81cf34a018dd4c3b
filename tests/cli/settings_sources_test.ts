/** The sources of settings: the command line, the default files, and which settings of a file are used. */

import { assertEquals, assertThrows } from "@std/assert";
import { parseArguments } from "../../lib/cli/arguments.ts";
import { findUserFile, readEnvFile } from "../../lib/cli/env_file.ts";
import { mergeSources, parseSources } from "../../lib/cli/environment.ts";
import { StartError } from "../../lib/cli/terminal.ts";

const KEY = "sk-or-v1-0123456789abcdef";
const EVIL = "http://evil.example/api/v1";

// --- the command line ---

for (
  const [line, command, args, path] of [
    ["", "serve", "", null],
    ["--env-file a", "serve", "", "a"],
    ["--env-file=a serve", "serve", "", "a"],
    ["serve --env-file a", "serve", "", "a"],
    ["check --json --env-file a", "check", "--json", "a"],
    ["check --env-file=a --json", "check", "--json", "a"],
    ["--env-file a check --env-file b", "check", "", "b"],
    ["claude --env-file a -p hello", "claude", "-p hello", "a"],
    ["--env-file a claude -p hello", "claude", "-p hello", "a"],
    ["claude -p --env-file a", "claude", "-p --env-file a", null],
    ["claude -- --env-file a", "claude", "-- --env-file a", null],
    ["claude --env-file a --env-file=b -- --env-file c", "claude", "-- --env-file c", "b"],
    ["--env-file a demo", "demo", "--env-file a", null],
    ["demo --env-file a", "demo", "--env-file a", null],
    ["--help", "--help", "", null],
  ] as const
) {
  Deno.test(`parseArguments reads “${line}” as ${command} with ${path ?? "the default file"}`, () => {
    const parsed = parseArguments(line.split(" ").filter(Boolean));
    assertEquals(
      [parsed.command, parsed.args.join(" "), parsed.envFileOption?.path ?? null],
      [command, args, path],
    );
  });
}

Deno.test("--env-file-if-exists names a file that may be missing", () => {
  const parsed = parseArguments(["--env-file-if-exists=a", "claude", "-p"]);
  assertEquals(parsed.envFileOption, { path: "a", mayBeMissing: true });
});

for (const words of [["--env-file"], ["--env-file="], ["claude", "--env-file", "--resume"]]) {
  Deno.test(`“${words.join(" ")}” fails because the path is missing`, () => {
    const { message } = assertThrows(() => parseArguments(words), StartError);
    assertEquals(message, "--env-file needs the path of a settings file");
  });
}

// --- the user's own file ---

for (
  const [os, variables, expected] of [
    ["linux", { HOME: "/h/me" }, "/h/me/.config/claudeproxy/.env"],
    ["darwin", { HOME: "/h/me", XDG_CONFIG_HOME: "/c" }, "/c/claudeproxy/.env"],
    ["linux", { HOME: "/h/me", XDG_CONFIG_HOME: "" }, "/h/me/.config/claudeproxy/.env"],
    // A relative path points into the current folder, which may be any repository.
    ["linux", { HOME: "/h/me", XDG_CONFIG_HOME: "c" }, "/h/me/.config/claudeproxy/.env"],
    ["linux", { HOME: "." }, null],
    ["linux", {}, null],
    ["windows", { APPDATA: "C:\\A", HOME: "/h/me" }, "C:\\A\\claudeproxy\\.env"],
    ["windows", { HOME: "/h/me" }, null],
  ] as const
) {
  Deno.test(`on ${os} with ${JSON.stringify(variables)} the user's own file is ${expected}`, () => {
    const lookUp = new Map<string, string>(Object.entries(variables));
    assertEquals(findUserFile((name) => lookUp.get(name), os), expected);
  });
}

// --- the file of --env-file ---

const ON_WINDOWS = Deno.build.os === "windows";

function withFile(text: string, mode: number, fn: (path: string) => void): void {
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(path, text);
    if (!ON_WINDOWS) Deno.chmodSync(path, mode);
    fn(path);
  } finally {
    Deno.removeSync(path);
  }
}

function readNamed(path: string, mayBeMissing = false) {
  return readEnvFile({ option: { path, mayBeMissing }, readsFolder: false });
}

Deno.test("the file of --env-file must exist", () => {
  const path = "/nowhere/settings.env";
  const { message } = assertThrows(() => readNamed(path), StartError);
  assertEquals(message, `${path} does not exist: --env-file needs the path of a settings file`);
});

Deno.test({
  name: "a file without read permission fails with the flag to add",
  permissions: { read: false },
  fn() {
    const { message } = assertThrows(() => readNamed("mine.env"), StartError);
    assertEquals(message, "No permission to read mine.env: add --allow-read=mine.env");
  },
});

Deno.test("values of a file are read literally, without their quotes", () => {
  withFile(`A=1\nB='x $HOME'\nC="\${HOME} y"\nPROXY_API_KEYS=\n`, 0o644, (path) => {
    const { values, notes, name } = readNamed(path);
    assertEquals({ ...values }, { A: "1", B: "x $HOME", C: "${HOME} y", PROXY_API_KEYS: "" });
    assertEquals([name, notes], [path, []]);
  });
});

for (const line of ["A=$HOME", "A=x${HOME}", "A=${NOT_SET:-x}", "A=$A", "A=pa$word # '$word'"]) {
  Deno.test(`the line ${line} of a file is rejected, and expands no variable`, () => {
    withFile(`# mine\nA=1\n${line}\n`, 0o600, (path) => {
      const { message } = assertThrows(() => readNamed(path), StartError);
      const hint = "put values that contain $ into single quotes";
      assertEquals(message, `${path} line 3 cannot be used: ${hint}`);
    });
  });
}

for (const name of ["OPENROUTER_API_KEY", "PROXY_API_KEYS"]) {
  for (const [mode, isOpen] of [[0o600, false], [0o640, true], [0o604, true], [0o644, true]]) {
    const file = `a file of mode ${mode?.toString(8)} with ${name}`;
    Deno.test({
      name: `${file} causes ${isOpen ? "a warning" : "no warning"}`,
      ignore: ON_WINDOWS,
      fn() {
        withFile(`${name}=${KEY}\n`, Number(mode), (path) => {
          const warning = `${path} contains a key and other users of this machine can read it: ` +
            `chmod 600 ${path}`;
          assertEquals(readNamed(path).notes, isOpen ? [warning] : []);
        });
      },
    });
  }
}

// --- which settings of a file are used ---

type Settings = Record<string, string>;

function merge(environment: Settings, values: Settings) {
  return mergeSources((name) => environment[name], { name: ".env", values, notes: [] });
}

const ACCESS_SETTINGS = {
  HOST: "::",
  PROXY_API_KEYS: "theirs",
  ALLOWED_ORIGINS: "https://evil.page",
  HISTORY: "/home/me/.profile",
};

for (
  const [about, environment, file, from] of [
    ["key in the environment, base URL in the file", { OPENROUTER_API_KEY: KEY }, {
      OPENROUTER_BASE_URL: EVIL,
    }, [
      "the environment",
      ".env",
    ]],
    ["base URL in the environment, key in the file", { OPENROUTER_BASE_URL: EVIL }, {
      OPENROUTER_API_KEY: KEY,
    }, [
      ".env",
      "the environment",
    ]],
    [
      "key in the environment, another key and the base URL in the file",
      { OPENROUTER_API_KEY: KEY },
      { OPENROUTER_API_KEY: "sk-or-v1-theirs", OPENROUTER_BASE_URL: EVIL },
      ["the environment", ".env"],
    ],
  ] as const
) {
  Deno.test(`${about}: nothing is sent, and the start fails with one line`, () => {
    const sources = merge(environment, file);
    const { message } = assertThrows(() => parseSources(sources), StartError);
    assertEquals(
      message,
      `OPENROUTER_API_KEY is from ${from[0]}, but OPENROUTER_BASE_URL (evil.example) from ` +
        `${from[1]}: nothing was sent. Set both in the same place to allow it`,
    );
  });
}

for (
  const [about, environment, file, baseUrl] of [
    ["both in the environment", { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: EVIL }, {}, EVIL],
    ["both in the file", {}, { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: EVIL }, EVIL],
    [
      "the same key in both",
      { OPENROUTER_API_KEY: KEY },
      { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: EVIL },
      EVIL,
    ],
    ["no key at all", {}, { OPENROUTER_BASE_URL: EVIL }, EVIL],
    [
      "the default base URL in the file",
      { OPENROUTER_API_KEY: KEY },
      { OPENROUTER_BASE_URL: "https://openrouter.ai/api/v1/" },
      "https://openrouter.ai/api/v1",
    ],
    [
      "a base URL in both, of which the environment's takes precedence",
      { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: "http://mine.example/v1" },
      { OPENROUTER_BASE_URL: EVIL },
      "http://mine.example/v1",
    ],
    ["a blank key", { OPENROUTER_API_KEY: " " }, { OPENROUTER_BASE_URL: EVIL }, EVIL],
  ] as const
) {
  Deno.test(`${about}: requests are sent to ${baseUrl}`, () => {
    assertEquals(parseSources(merge(environment, file)).baseUrl, baseUrl);
  });
}

Deno.test("access settings of a file are ignored with a warning if the key is from the environment", () => {
  const sources = merge({ OPENROUTER_API_KEY: KEY }, { ...ACCESS_SETTINGS, INSPECT: "1" });
  const { host, proxyApiKeys, allowedOrigins, historyPath, capturesBodies } = parseSources(sources);
  assertEquals([host, proxyApiKeys, allowedOrigins, historyPath], ["0.0.0.0", [], [], null]);
  assertEquals(capturesBodies, true);
  assertEquals(sources.notes, [
    "Ignored HOST, PROXY_API_KEYS, ALLOWED_ORIGINS, HISTORY from .env, because OPENROUTER_API_KEY is from " +
    "the environment: set them there",
  ]);
  assertEquals(sources.sourceOf("HOST"), "default");
});

for (
  const [file, value, expected] of [
    [".env", "history.db", "history.db"],
    ["/h/me/.config/claudeproxy/.env", "history.db", "/h/me/.config/claudeproxy/history.db"],
    ["other/my.env", "../history.db", "other/../history.db"],
    ["/h/me/.env", "/var/history.db", "/var/history.db"],
    ["C:\\me\\.env", "history.db", "C:\\me/history.db"],
  ] as const
) {
  Deno.test(`HISTORY=${value} in ${file} is ${expected}`, () => {
    const values = { HISTORY: value, TARGET_MODEL_BIG: "a" };
    const { env } = mergeSources(() => undefined, { name: file, values, notes: [] });
    assertEquals([env("HISTORY"), env("TARGET_MODEL_BIG")], [expected, "a"]);
  });
}

Deno.test("a relative HISTORY of the environment belongs to the current folder", () => {
  const values = { HISTORY: "theirs.db" };
  const file = { name: "/h/me/.env", values, notes: [] };
  assertEquals(mergeSources(() => "mine.db", file).env("HISTORY"), "mine.db");
});

Deno.test("a setting of the environment is used even if the file has it too", () => {
  const environment = { OPENROUTER_API_KEY: KEY, PROXY_API_KEYS: "mine-0123456789abcdef" };
  const sources = merge(environment, { PROXY_API_KEYS: "theirs", HOST: "::" });
  const { proxyApiKeys, host } = parseSources(sources);
  assertEquals([proxyApiKeys, host], [["mine-0123456789abcdef"], "0.0.0.0"]);
  assertEquals(sources.notes.map((note) => note.split(",")[0]), ["Ignored HOST from .env"]);
});

for (
  const [about, environment, file] of [
    ["its own key", {}, { OPENROUTER_API_KEY: KEY }],
    ["no key anywhere", {}, {}],
    ["the same key as the environment", { OPENROUTER_API_KEY: KEY }, { OPENROUTER_API_KEY: KEY }],
  ] as const
) {
  Deno.test(`with ${about} access settings of a file are used`, () => {
    const sources = merge(environment, { ...file, ...ACCESS_SETTINGS });
    const { proxyApiKeys, allowedOrigins } = parseSources(sources);
    assertEquals([proxyApiKeys, allowedOrigins], [["theirs"], ["https://evil.page"]]);
    assertEquals([sources.notes, sources.sourceOf("HOST")], [[], ".env"]);
  });
}

// --- two names of one setting ---

Deno.test("a target may have the name of its family, in the environment and in a file", () => {
  const { targets } = parseSources(merge({ TARGET_MODEL_SONNET: "a/b" }, {
    TARGET_MODEL_HAIKU: "c/d",
  }));
  assertEquals([targets.sonnet.models, targets.haiku.models], [["a/b"], ["c/d"]]);
});

Deno.test("the environment takes precedence over the file, whichever of its names a target has", () => {
  const inFile = merge({ TARGET_MODEL_SONNET: "a/b" }, { TARGET_MODEL_BIG: "auto" });
  assertEquals(parseSources(inFile).targets.sonnet.models, ["a/b"]);
  assertEquals(inFile.sourceOf("TARGET_MODEL_BIG"), "environment");
  const alias = merge({ TARGET_MODEL_BIG: "a/b" }, { TARGET_MODEL_SONNET: "auto" });
  assertEquals(parseSources(alias).targets.sonnet.models, ["a/b"]);
});

Deno.test("both names with different values fail, and with the same value do not", () => {
  for (const source of ["environment", "file"]) {
    const values = { TARGET_MODEL_SONNET: "a/b", TARGET_MODEL_BIG: "c/d" };
    const sources = () => source === "file" ? merge({}, values) : merge(values, {});
    const { message } = assertThrows(sources, StartError);
    assertEquals(
      message,
      "TARGET_MODEL_SONNET and TARGET_MODEL_BIG are two names of one setting and have different " +
        "values: remove one",
    );
  }
  const same = merge({}, { TARGET_MODEL_HAIKU: "a/b", TARGET_MODEL_SMALL: " a/b " });
  assertEquals(parseSources(same).targets.haiku.models, ["a/b"]);
});
