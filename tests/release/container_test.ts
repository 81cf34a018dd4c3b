/**
 * Checks docs/deploy/Dockerfile and compose.yaml without a container engine: reads them, and runs the entry point and the
 * health check in a folder with the files that the image has.
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { finish, type Running, watch } from "../helpers/process.ts";
import { VARIABLES } from "../../lib/config.ts";
import { requestBody } from "../helpers/proxy.ts";
import { parseYaml } from "../helpers/yaml.ts";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFileSync(new URL(path, ROOT));
const instructions = parse(read("docs/deploy/Dockerfile"));
const MAP = `--import-map=${ROOT.pathname}tools/jsr_fallback/import_map.json`;
/** A non-loopback address of this machine: connections to it count as remote. */
const externalAddress = Deno.networkInterfaces().find(({ family, address }) =>
  family === "IPv4" && !address.startsWith("127.")
)?.address;

/** One instruction: its name and its arguments, with continued lines joined. */
interface Instruction {
  name: string;
  args: string;
}

function parse(text: string): Instruction[] {
  return text.replace(/^#.*\n/gm, "").replace(/\\\n\s*/g, "").split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [, name = "", args = ""] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
      assert(name !== "", `not an instruction: ${line}`);
      return { name, args };
    });
}

function all(name: string): string[] {
  return instructions.filter((one) => one.name === name).map(({ args }) => args);
}

function only(name: string): string {
  const [args, second] = all(name);
  assert(args !== undefined && second === undefined, `There must be one ${name}`);
  return args;
}

/** The list of an instruction in exec form. */
function execForm(args: string): string[] {
  const list: unknown = JSON.parse(args);
  assert(Array.isArray(list) && list.every((item) => typeof item === "string"));
  return list;
}

/** Source → destination, in the order of COPY. */
function listCopies(): { from: string; to: string }[] {
  return all("COPY").flatMap((args) => {
    const paths = args.split(/\s+/);
    const to = paths.pop() ?? "";
    return paths.map((from) => ({ from, to }));
  });
}

Deno.test("the base image is Deno's own, pinned to a version not older than Deno Deploy's", () => {
  const [, minor] = /^denoland\/deno:2\.(\d+)\.\d+$/.exec(only("FROM")) ?? [];
  assert(Number(minor) >= 5, only("FROM"));
});

Deno.test("the image sets no variable, has no build argument, and copies no file that may contain a key", () => {
  for (const name of ["ENV", "ARG", "ADD", "VOLUME"]) assertEquals(all(name), []);
  assertEquals(listCopies(), [
    { from: "deno.json", to: "./" },
    { from: "main.ts", to: "./" },
    { from: "lib/", to: "lib/" },
  ]);
});

Deno.test("the build context contains only what is copied", () => {
  const ignored = read("docs/deploy/Dockerfile.dockerignore").trimEnd().split("\n");
  assertEquals(ignored, ["*", ...listCopies().map(({ from }) => `!${from}`)]);
});

Deno.test("the proxy does not run as root, and modules are cached before the user changes", () => {
  assertEquals(only("USER"), "deno");
  const names = instructions.map(({ name }) => name);
  assert(names.indexOf("USER") > names.lastIndexOf("RUN"), "modules must be cached before USER");
  assert(names.indexOf("USER") < names.indexOf("ENTRYPOINT"));
});

Deno.test("every command is in exec form, so that signals reach the proxy without a shell", () => {
  for (const args of [...all("RUN"), only("ENTRYPOINT"), only("CMD")]) execForm(args);
  execForm(only("HEALTHCHECK").split(" CMD ")[1] ?? "");
});

Deno.test("the entry point has permission to read .env only, and not to write files or start programs", () => {
  assertEquals(execForm(only("ENTRYPOINT")), [
    ...["deno", "run", "--no-prompt", "--unstable-net", "--allow-net", "--allow-env"],
    ...["--allow-read=.env,main.ts,deno.json,lib", "main.ts"],
  ]);
});

Deno.test("the docker run command passes both keys by name and has a read-only file system", () => {
  const lines = read("docs/deploy/container.md").split("\n").filter((line) =>
    /^docker run .*-p /.test(line)
  );
  assertEquals(lines.length, 1);
  for (
    const flag of ["--read-only", "-e OPENROUTER_API_KEY ", "-e PROXY_API_KEYS ", "-p 8000:8000"]
  ) {
    assertStringIncludes(lines[0] ?? "", flag);
  }
  assertEquals(only("EXPOSE"), "8000");
});

/** The keys of a service that are checked here. */
interface Service {
  build: { context: string; dockerfile: string };
  env_file: string;
  environment: Record<string, string>;
  ports: string[];
  stop_grace_period: string;
}

const compose: { services: Record<string, Service> } = parseYaml(read("docs/deploy/compose.yaml"));
const { claudeproxy: service, ...otherServices } = compose.services;

Deno.test("the compose file builds the Dockerfile from the root of the clone, and reads its .env", () => {
  assert(service !== undefined);
  assertEquals(otherServices, {});
  const folder = new URL("docs/deploy/", ROOT);
  const context = new URL(`${service.build.context}/`, folder);
  assertEquals(context.href, ROOT.href);
  assert(Deno.statSync(new URL(service.build.dockerfile, context)).isFile);
  assertEquals(new URL(service.env_file, folder).href, new URL(".env", ROOT).href);
});

Deno.test("the compose file publishes the port on this machine only, whatever .env says", () => {
  const port = only("EXPOSE");
  assertEquals(service?.ports, [`127.0.0.1:${port}:${port}`]);
  assertEquals(service?.environment, { HOST: "0.0.0.0", PORT: port });
});

Deno.test("the service has no rights that it does not need, and no volumes", () => {
  const { build: _build, env_file: _file, environment: _env, ports: _ports, ...rest } = service ??
    assertFails();
  assertEquals<unknown>(rest, {
    image: "claudeproxy",
    init: true,
    read_only: true,
    cap_drop: ["ALL"],
    security_opt: ["no-new-privileges:true"],
    restart: "unless-stopped",
    stop_grace_period: "30s",
  });
});

Deno.test("a stop of the service takes longer than DRAIN_S", () => {
  const drainS = VARIABLES.find(({ name }) => name === "DRAIN_S")?.default;
  assert(Number.parseInt(service?.stop_grace_period ?? "") > Number(drainS));
});

function assertFails(): never {
  throw new Error("The compose file has no service claudeproxy");
}

/** Creates the image's folder with the files of COPY. */
async function buildFolder(): Promise<string> {
  const folder = await Deno.makeTempDir();
  for (const { from, to } of listCopies()) {
    copy(new URL(from, ROOT), to === "./" ? `${folder}/${from}` : `${folder}/${to}`);
  }
  return folder;
}

function copy(source: URL, target: string): void {
  if (Deno.statSync(source).isFile) return Deno.copyFileSync(source, target);
  Deno.mkdirSync(target, { recursive: true });
  for (const { name, isDirectory } of Deno.readDirSync(source)) {
    copy(new URL(`${name}${isDirectory ? "/" : ""}`, source), `${target}/${name}`);
  }
}

/** The command with this Deno; the import map only replaces JSR. */
function toCommand([program, subcommand, ...rest]: string[], options: Deno.CommandOptions) {
  assertEquals(program, "deno");
  const map = subcommand === "run" ? [MAP, "--no-lock"] : [];
  return new Deno.Command(Deno.execPath(), {
    ...options,
    args: [subcommand ?? "", ...map, ...rest],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

function start(folder: string, env: Record<string, string>): Running {
  const command = [...execForm(only("ENTRYPOINT")), ...execForm(only("CMD"))];
  // No server listens at this upstream, so that no request is sent out.
  const base = { OPENROUTER_BASE_URL: "http://127.0.0.1:9/api/v1", NO_COLOR: "1", PORT: "0" };
  return watch(toCommand(command, { cwd: folder, env: { ...base, ...env } }).spawn());
}

async function checkHealth(folder: string, port: string): Promise<number> {
  const command = execForm(only("HEALTHCHECK").split(" CMD ")[1] ?? "");
  const child = toCommand(command, { cwd: folder, env: { PORT: port } }).spawn();
  return (await finish(child)).code;
}

Deno.test({
  name: `without PROXY_API_KEYS a remote client gets a 403, and /health responds${
    externalAddress ? "" : " (not run: this machine has only a loopback address)"
  }`,
  ignore: externalAddress === undefined,
  fn: async () => {
    const folder = await buildFolder();
    try {
      await using proxy = start(folder, { OPENROUTER_API_KEY: "sk-or-v1-container-test" });
      const port = await proxy.waitFor(
        /listening on 0\.0\.0\.0:(\d+), accepting local clients only/,
      );
      const base = `http://${externalAddress}:${port}`;
      const response = await fetch(`${base}/v1/messages`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": "any-word" },
        body: JSON.stringify(requestBody()),
      });
      assertEquals(response.status, 403);
      assertMatch(
        (await response.json()).error.message,
        /Set PROXY_API_KEYS to accept remote clients/,
      );
      assertEquals(await (await fetch(`${base}/health`)).text(), '{"status":"ok"}');
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("the health check returns 0 while the proxy runs, and 1 afterwards", async () => {
  const folder = await buildFolder();
  try {
    let port = "";
    {
      await using proxy = start(folder, { PROXY_API_KEYS: "one" });
      port = await proxy.waitFor(/listening on 0\.0\.0\.0:(\d+),/);
      assertEquals(await checkHealth(folder, port), 0);
    }
    assertEquals(await checkHealth(folder, port), 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the image's folder has all files for every command", async () => {
  const folder = await buildFolder();
  try {
    for (
      const [command, text] of [["--version", "@claudeproxy"], ["check", "upstream"]] as const
    ) {
      const entry = [...execForm(only("ENTRYPOINT")), command];
      const env = { OPENROUTER_BASE_URL: "http://127.0.0.1:9/api/v1", PORT: "0" };
      const { stdout, stderr } = await finish(toCommand(entry, { cwd: folder, env }).spawn());
      assertStringIncludes(stdout, text, stderr);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
