/**
 * Starts a headless Chromium for the dashboard's tests. The driver is downloaded from npm on first use and only for
 * these tests.
 * @module
 */

// deno-lint-ignore no-import-prefix
import type { Browser, BrowserContext, Page } from "npm:playwright-core@1.65.1";

export type { Browser, BrowserContext, Page };

const DRIVER = "npm:playwright-core@1.65.1";
const PROGRAMS = ["chromium", "chromium-browser", "google-chrome"] as const;

/** A running browser, or why it cannot be started. */
export type Found = { browser: Browser } | { missing: string };

/** Starts the browser. Never throws: without a browser the tests are ignored. */
export async function startBrowser(): Promise<Found> {
  try {
    const program = Deno.env.get("CHROMIUM_BIN")?.trim() || findProgram();
    const { chromium } = await import(DRIVER);
    const browser: Browser = await chromium.launch({
      executablePath: program,
      // Chromium's sandbox does not work as root in a container.
      args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
      timeout: 30_000,
    });
    return { browser };
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    return { missing: line };
  }
}

/** @throws {Error} if none of the programs is on the path */
function findProgram(): string {
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    for (const name of PROGRAMS) {
      const path = `${folder}/${name}`;
      if (isFile(path)) return path;
    }
  }
  throw new Error("No Chromium on the path: install it, or set CHROMIUM_BIN");
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
