/**
 * The Homebrew formula of a release: its sum, and the script that it installs.
 * @module
 */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { formatFormula } from "../../tools/homebrew.ts";

const SUM = "0123456789abcdef".repeat(4);
const SUMS = `${"f".repeat(64)}  claudeproxy-linux-x64\n${SUM}  claudeproxy.js\n`;
const formula = formatFormula("owner/name", "v1.2.3", SUMS);

Deno.test("the formula has the address, the version and the sum of the bundle", () => {
  assertStringIncludes(
    formula,
    'url "https://github.com/owner/name/releases/download/v1.2.3/claudeproxy.js"\n',
  );
  assertStringIncludes(formula, '  version "1.2.3"\n');
  assertEquals(formula.match(/sha256 "(.*)"/)?.[1], SUM);
});

const rejected: [about: string, args: [string, string, string]][] = [
  ["sums without the bundle", ["owner/name", "v1.2.3", SUMS.replace("claudeproxy.js", "x.js")]],
  ["a bundle with another name", ["owner/name", "v1.2.3", SUMS.replace(".js", ".json")]],
  ["a repository with Ruby code", ['a/b"; system("x")', "v1.2.3", SUMS]],
  ["a tag that is not a version", ["owner/name", 'v1.2.3"', SUMS]],
];

for (const [about, args] of rejected) {
  Deno.test(`there is no formula for ${about}`, () => {
    assertThrows(() => formatFormula(...args), Error);
  });
}

Deno.test({
  name: "the script of the formula passes its arguments to the bundle as they are",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "with space " });
    try {
      const [, script = ""] = /<<~SH\n([\s\S]*?)\n\s+SH\n/.exec(formula) ?? [];
      await Deno.mkdir(`${folder}/bin`);
      await Deno.symlink(Deno.execPath(), `${folder}/bin/deno`);
      await Deno.writeTextFile(
        `${folder}/claudeproxy.js`,
        'console.log(JSON.stringify(Deno.args), Deno.env.get("HOME"));',
      );
      // What Ruby does: it removes the indentation, and replaces the two folders.
      const text = script.replace(/^ {6}/gm, "")
        .replace('#{Formula["deno"].opt_bin}', `${folder}/bin`).replace("#{libexec}", folder);
      assert(!text.includes("#{"), text);
      await Deno.writeTextFile(`${folder}/claudeproxy`, text, { mode: 0o755 });
      const { stdout, stderr } = await new Deno.Command(`${folder}/claudeproxy`, {
        args: ["--version", "two words", "$HOME"],
        env: { HOME: folder, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      }).output();
      assertEquals(
        new TextDecoder().decode(stdout),
        `["--version","two words","$HOME"] ${folder}\n`,
        new TextDecoder().decode(stderr),
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
