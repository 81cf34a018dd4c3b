// The life of the program with several workers: start and shutdown.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  NET_FLAG,
  openStream,
  Program,
  readRest,
  readUntilCut,
  run,
  START_FLAGS,
  untilRefused,
  Upstream,
} from "../../helpers/program.ts";
import { NOWHERE } from "../../helpers/unused_port.ts";
import { HAS_WORKERS, listWorkerFlags, startWorkers } from "../../helpers/workers.ts";

const ignore = !HAS_WORKERS;

for (
  const { what, goesOn } of [{ what: "whole", goesOn: true }, {
    what: "with an error",
    goesOn: false,
  }]
) {
  Deno.test({
    name: `SIGTERM drains all workers: streams end ${what}`,
    ignore,
    async fn() {
      await using upstream = new Upstream();
      await using program = startWorkers(upstream, { env: { DRAIN_S: goesOn ? "10" : "0.5" } });
      const url = await program.listening();
      const readers = await Promise.all(Array.from({ length: 8 }, () => openStream(url)));
      program.kill("SIGTERM");
      await untilRefused(url);
      if (goesOn) upstream.goOn();
      const rests = await Promise.all(readers.map(readRest));
      for (const rest of rests) {
        assertStringIncludes(rest, goesOn ? "message_stop" : "overloaded_error");
      }
      const { code, stdout, stderr } = await program.end();
      assertEquals([code, stderr], [0, ""]);
      const logged = stdout.split("\n").filter((line) => line.includes('"/v1/messages"'));
      assertEquals(logged.length, 8);
    },
  });
}

Deno.test({
  name: "a second signal ends all workers at once",
  ignore,
  async fn() {
    await using upstream = new Upstream();
    await using program = startWorkers(upstream);
    const url = await program.listening();
    const reader = await openStream(url);
    program.kill("SIGTERM");
    await untilRefused(url);
    program.kill("SIGTERM");
    assertEquals((await program.end()).code, 1);
    assertEquals(await readUntilCut(reader), "cut");
  },
});

Deno.test({
  name: "several workers need two permissions, and the message names the missing one",
  ignore,
  async fn() {
    const env = { WORKERS: "2", OPENROUTER_BASE_URL: NOWHERE };
    const flags = listWorkerFlags();
    const unstable = await run({ flags: flags.filter((flag) => flag !== "--unstable-net"), env });
    assertEquals(unstable.code, 1);
    assertMatch(
      unstable.stderr,
      /^claudeproxy: WORKERS=2 needs a permission: add --unstable-net, or set WORKERS=1\n$/,
    );
    const unread = await run({
      flags: flags.map((flag) => flag.startsWith("--allow-read=") ? "--allow-read=.env" : flag),
      env,
    });
    assertEquals(unread.code, 1);
    assertMatch(
      unread.stderr,
      /^claudeproxy: WORKERS=2 needs a permission: add --allow-read=\S+\/,/,
    );
    const checked = await run({ flags: [NET_FLAG, "--allow-env"], env, args: ["check", "--json"] });
    const { findings } = JSON.parse(checked.stdout);
    const failed = findings.filter(({ topic }: { topic: string }) => topic === "permissions");
    assertEquals(failed.at(-1)?.state, "failed");
    assertMatch(failed.at(-1)?.message, /^WORKERS=2 needs a permission: add --unstable-net,/);
  },
});

Deno.test("one worker needs neither permission, and neither does Deno Deploy", async () => {
  const flags = START_FLAGS.filter((flag) => flag !== "--unstable-net")
    .map((flag) => flag.startsWith("--allow-read=") ? "--allow-read=.env" : flag);
  for (const env of [{ WORKERS: "1" }, { WORKERS: "4", DENO_DEPLOY: "true", LOG_FORMAT: "text" }]) {
    await using program = new Program({ flags, env });
    await program.listening();
    if ("DENO_DEPLOY" in env) await program.waitFor(/WORKERS=4 has no effect on Deno Deploy/);
    program.kill("SIGKILL");
    assertEquals((await program.end()).stderr, "");
  }
});

Deno.test({
  name: "a port in use is an error, also if it is used by several workers of another process",
  ignore,
  async fn() {
    await using first = startWorkers({ baseUrl: NOWHERE }, { env: { WORKERS: "2" } });
    const { port } = new URL(await first.listening());
    for (const WORKERS of ["1", "2"]) {
      await using second = startWorkers({ baseUrl: NOWHERE }, { env: { WORKERS, PORT: port } });
      const { code, stderr } = await second.end();
      assertEquals([code, stderr], [
        1,
        `claudeproxy: 127.0.0.1:${port} is in use: set PORT to a free one\n`,
      ]);
    }
  },
});
