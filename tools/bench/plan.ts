// The options of a run.

export const PARTS = ["streams", "requests", "delta", "memory", "start", "linear"] as const;

export type Part = typeof PARTS[number];

export interface Plan {
  parts: readonly Part[];
  rounds: number;
  /** Whether RESULTS.md is rewritten. */
  writes: boolean;
}

/** @throws {Error} for a part that does not exist, and for `--write` without all parts of main.ts */
export function readPlan(args: readonly string[]): Plan {
  const valueOf = (flag: string) => args[args.indexOf(flag) + 1] ?? "";
  const names = args.includes("--only") ? valueOf("--only").split(",") : [...PARTS];
  const parts = PARTS.filter((part) => names.includes(part));
  const rounds = args.includes("--rounds") ? Number(valueOf("--rounds")) : 5;
  const writes = args.includes("--write");
  if (parts.length < names.length || !(rounds >= 1)) {
    throw new Error(`Use --only with any of ${PARTS.join(",")}, and --rounds with a number`);
  }
  if (writes && (parts.length < PARTS.length || args.includes("--program"))) {
    throw new Error("--write needs a run of all parts: leave out --only and --program");
  }
  return { parts, rounds, writes };
}
