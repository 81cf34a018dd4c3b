/**
 * Writes the Homebrew formula of a release to standard output: the bundle, run by Homebrew's Deno. It needs the name of
 * the repository on GitHub and the tag, and reads SHA256SUMS of the release from standard input. The binaries are not
 * used, because they cannot start Claude Code.
 *
 * ```sh
 * deno run tools/homebrew.ts OWNER/NAME v1.2.3 < SHA256SUMS > claudeproxy.rb
 * ```
 */

const BUNDLE = "claudeproxy.js";

/** @throws {Error} if the sums do not contain the bundle, or the names are not those of a release */
export function formatFormula(repository: string, tag: string, sums: string): string {
  if (!/^[\w-]+\/[\w.-]+$/.test(repository) || !/^v\d+\.\d+\.\d+[\w.-]*$/.test(tag)) {
    throw new Error(`Not a repository and a tag: ${repository} ${tag}`);
  }
  const sum = sums.split("\n").map((line) => /^([0-9a-f]{64}) [ *](.+)$/.exec(line))
    .find((found) => found?.[2] === BUNDLE)?.[1];
  if (sum === undefined) throw new Error(`SHA256SUMS does not contain ${BUNDLE}`);
  return `class Claudeproxy < Formula
  desc "Runs Claude Code and Anthropic's SDKs on any model of OpenRouter"
  homepage "https://github.com/${repository}"
  url "https://github.com/${repository}/releases/download/${tag}/${BUNDLE}"
  version "${tag.slice(1)}"
  sha256 "${sum}"
  license "MIT"

  depends_on "deno"

  def install
    libexec.install "${BUNDLE}"
    (bin/"claudeproxy").write <<~SH
      #!/bin/sh
      exec "#{Formula["deno"].opt_bin}/deno" run --no-config --no-prompt --unstable-net -A "#{libexec}/${BUNDLE}" "$@"
    SH
    chmod 0755, bin/"claudeproxy"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/claudeproxy --version")
  end
end
`;
}

if (import.meta.main) {
  const [repository = "", tag = ""] = Deno.args;
  const sums = await new Response(Deno.stdin.readable).text();
  await Deno.stdout.write(new TextEncoder().encode(formatFormula(repository, tag, sums)));
}
