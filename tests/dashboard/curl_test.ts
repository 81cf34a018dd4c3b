/** Curl commands, run by a real shell. */

import { assert, assertEquals } from "@std/assert";
import { toCurl } from "../../lib/dashboard/curl.ts";

/** Replaces curl: prints its arguments and its input, each with a mark behind it. */
const CURL = `curl() { for one in "$@"; do printf '%s\\036' "$one"; done; [ -t 0 ] || cat; }\n`;
const MARK = "\x1e";

async function run(command: string, KEY: string): Promise<{ args: string[]; input: string }> {
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `${CURL}${command}`],
    env: { KEY },
    stdin: "null",
  }).output();
  const args = new TextDecoder().decode(stdout).split(MARK);
  return { args: args.slice(0, -1), input: args.at(-1) ?? "" };
}

const HOSTILE = `it's "q" $HOME \`id\` $(id) \\ ! %s \${KEY} \n 'EOF' & ; | # ~ *`;

for (
  const [about, body] of [["short", HOSTILE], ["long", `${HOSTILE}\nBODY\n`.repeat(1000)]] as const
) {
  Deno.test({
    name: `a shell passes a ${about} body with quotes, $ and backticks unchanged`,
    ignore: Deno.build.os === "windows",
    async fn() {
      const url = "http://localhost/v1/messages?a='b'";
      const headers = ["content-type: application/json", "authorization: Bearer $KEY"];
      const command = toCurl({ url, headers, body });
      const { args, input } = await run(command, `a "key" $HOME`);
      assertEquals(args.slice(0, 6), [
        "-N",
        url,
        "-H",
        "content-type: application/json",
        "-H",
        `authorization: Bearer a "key" $HOME`,
      ]);
      if (about === "short") assertEquals(args.slice(6), ["--data-raw", body]);
      // A here-document ends with a line break.
      else assertEquals([args.slice(6), input], [["--data-binary", "@-"], `${body}\n`]);
      assert(command.includes('"$KEY"'));
    },
  });
}
