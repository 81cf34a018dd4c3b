/**
 * A headless Chromium for the tests of the page, or why there is none. The specifier of the driver stands here
 * once; it is fetched from npm when the first test wants it, and only for these tests.
 * @module
 */

// deno-lint-ignore no-import-prefix
import type { Browser, BrowserContext, Page } from "npm:playwright-core@1.65.1";

export type { Browser, BrowserContext, Page };

const DRIVER = "npm:playwright-core@1.65.1";
const PROGRAMS = ["chromium", "chromium-browser", "google-chrome"] as const;

/** A browser that runs, or why none does. */
export type Found = { browser: Browser } | { missing: string };

/** Starts the browser. Never throws: one that cannot be had is "not run". */
export async function startBrowser(): Promise<Found> {
  try {
    const program = Deno.env.get("CHROMIUM_BIN")?.trim() || findProgram();
    const { chromium } = await import(DRIVER);
    const browser: Browser = await chromium.launch({
      executablePath: program,
      // Tests run as root in containers, where the sandbox of Chromium cannot.
      args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
      timeout: 30_000,
    });
    return { browser };
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    return { missing: line };
  }
}

/** @throws {Error} where none of the names is on the path */
function findProgram(): string {
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    for (const name of PROGRAMS) {
      const path = `${folder}/${name}`;
      if (isFile(path)) return path;
    }
  }
  throw new Error("no Chromium on the path: apt-get install chromium, or set CHROMIUM_BIN");
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
