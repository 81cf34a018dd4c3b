/**
 * `deno task publish:check`: publishes this package into a local registry, as JSR would take it, and runs it
 * from an empty folder, as a user would.
 *
 * Needs JSR_MIRROR (a script that serves folders as a JSR registry and takes publications; prints `JSR_URL=…`)
 * and STD_DIR (a folder with the @std packages). Without them it says so and has checked nothing.
 */

const encoder = new TextEncoder();
const say = (line: string) => Deno.stdout.writeSync(encoder.encode(`${line}\n`));
const deno = Deno.execPath();

async function run(args: string[], options: { cwd?: string; env: Record<string, string> }) {
  const { code } = await new Deno.Command(deno, { args, ...options }).output();
  if (code !== 0) throw new Error(`deno ${args.join(" ")} ended with ${code}`);
}

/** The first line of a child's output that matches, or an error when the output ends. */
async function waitForLine(stream: ReadableStream<Uint8Array<ArrayBuffer>>, wanted: RegExp) {
  let text = "";
  for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
    text += piece;
    const found = wanted.exec(text);
    if (found !== null) return found[1] ?? "";
  }
  throw new Error(`no line like ${wanted}: ${text}`);
}

async function check(mirror: string, stdDir: string): Promise<void> {
  const folder = await Deno.makeTempDir();
  const registry = new Deno.Command(deno, {
    args: ["run", "--no-config", "--no-lock", "-R", "-N", "--allow-env=PORT,QUIET", mirror, stdDir],
    env: { PORT: "0", QUIET: "1" },
    stdout: "piped",
    stderr: "null",
  }).spawn();
  try {
    const url = await waitForLine(registry.stdout, /JSR_URL=(\S+)/);
    const env = { JSR_URL: url, DENO_DIR: `${folder}/deno`, DENO_NO_UPDATE_CHECK: "1" };
    await run(["publish", "--dry-run", "--allow-dirty"], { env });
    say("dry run: ok");
    await run(["publish", "--allow-dirty", "--token=x", "--no-provenance"], { env });
    say("published into the local registry: ok");
    await Deno.mkdir(`${folder}/empty`);
    await answersHealth(`${folder}/empty`, { ...env, PORT: "0", HOST: "127.0.0.1" });
    say("deno run jsr:… from an empty folder answers /health: ok");
  } finally {
    registry.kill();
    await registry.status;
    await Deno.remove(folder, { recursive: true });
  }
}

async function answersHealth(cwd: string, env: Record<string, string>): Promise<void> {
  const proxy = new Deno.Command(deno, {
    args: ["run", "--no-lock", "-A", "jsr:@claudeproxy/openrouter"],
    cwd,
    env,
    stdout: "piped",
    stderr: "null",
  }).spawn();
  try {
    const port = await waitForLine(proxy.stdout, /listening on 127\.0\.0\.1:(\d+)/);
    const answer = await fetch(`http://127.0.0.1:${port}/health`);
    const text = await answer.text();
    if (text !== '{"status":"ok"}') throw new Error(`/health answered ${text}`);
  } finally {
    proxy.kill();
    await proxy.status;
  }
}

const mirror = Deno.env.get("JSR_MIRROR");
const stdDir = Deno.env.get("STD_DIR");
if (mirror && stdDir) await check(mirror, stdDir);
else say("publish check: not run (set JSR_MIRROR and STD_DIR)");
