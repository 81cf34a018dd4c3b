/**
 * Checks whether several workers can share a port here (WORKERS), and what is missing if they cannot.
 * @module
 */

import type { Config } from "../../config.ts";
import { StartError } from "../terminal.ts";

/** The configuration with the number of workers that is possible here, and warnings. */
export interface WorkerSupport {
  config: Config;
  /** One line each. */
  notes: string[];
}

/**
 * Reduces the number of workers to one where the system cannot spread connections over several.
 * @param entry the URL of the program's entry, which is the module of the workers too
 * @throws {StartError} naming the flag that is missing
 */
export function checkWorkers(config: Config, entry: string): WorkerSupport {
  const { workers } = config;
  if (workers === 1) return { config, notes: [] };
  const where = findUnsupported(config);
  if (where !== null) {
    const note = `WORKERS=${workers} has no effect ${where}: one thread serves`;
    return { config: { ...config, workers: 1 }, notes: [note] };
  }
  const flag = findMissingFlag(entry);
  if (flag === null) return { config, notes: [] };
  throw new StartError(`WORKERS=${workers} needs a permission: add ${flag}, or set WORKERS=1`);
}

/** Where several workers are not possible; null here. */
function findUnsupported({ onDenoDeploy }: Config): string | null {
  if (onDenoDeploy) return "on Deno Deploy, which starts as many instances as it needs";
  // Others bind several sockets to a port too, but give all connections to one of them.
  return Deno.build.os === "linux" ? null : "on this system, which does not spread connections";
}

/** The flag of `deno run` that is missing; null if there is none. */
function findMissingFlag(entry: string): string | null {
  // An API that only this flag adds: using the missing option of Deno.serve would end the process without an error.
  if (!("listenDatagram" in Deno)) return "--unstable-net";
  // A worker may load only modules that the program may read. In a bundle, the two are one file.
  const isReadable = [entry, import.meta.url].map((module) => new URL(module)).every((path) =>
    path.protocol !== "file:" ||
    Deno.permissions.querySync({ name: "read", path }).state === "granted"
  );
  return isReadable ? null : `--allow-read=${decodeURIComponent(new URL(".", entry).pathname)}`;
}
