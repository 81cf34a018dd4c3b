/**
 * The verdict over many recordings: which differ, and whether those are the ones that are known to.
 * @module
 */

import { AssertionError } from "@std/assert";

/**
 * Recordings that the proxy does not answer as they should be, each with the reason. At most four.
 * A recording that stands here and is right is a failure too, so that the list stays true.
 */
export const KNOWN_FAILURES: ReadonlyMap<string, string> = new Map([]);

const MAX_SHOWN = 15;
const MAX_CHARS = 300;

/** Collects what differs. */
export class Verdict {
  readonly #differences = new Map<string, string[]>();
  #count = 0;

  /** Notes one recording, by its name, and in what it differs. */
  note(name: string, differences: string[]): void {
    this.#count++;
    const before = this.#differences.get(name) ?? [];
    if (differences.length > 0) this.#differences.set(name, [...before, ...differences]);
    else if (KNOWN_FAILURES.has(name)) this.#differences.set(name, before);
  }

  /**
   * @param least how many there must be at least: a filter that finds nothing must not pass
   * @throws {AssertionError} that lists what differs
   */
  check(least: number): void {
    const lines = [...this.#differences].flatMap(([name, differences]) =>
      this.#judge(name, differences)
    );
    if (this.#count < least) lines.unshift(`only ${this.#count} recordings, not ${least} or more`);
    if (lines.length === 0) return;
    const all = Number(Deno.env.get("REPLAY_SHOW") ?? MAX_SHOWN);
    const more = lines.length > all ? [`… and ${lines.length - all} more`] : [];
    const head = `${lines.length} of ${this.#count} recordings differ`;
    throw new AssertionError([head, ...lines.slice(0, all), ...more].join("\n  "));
  }

  #judge(name: string, differences: string[]): string[] {
    const reason = KNOWN_FAILURES.get(name);
    if (reason === undefined) return [`${name}: ${[...new Set(differences)].join("; ")}`];
    return differences.length > 0 ? [] : [`${name} is right now; take it off KNOWN_FAILURES`];
  }
}

/** What an assertion says, on one line; none where it holds. */
export function findDifference(run: () => void): string[] {
  try {
    run();
    return [];
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    return [shorten(error.message)];
  }
}

function shorten(message: string): string {
  // deno-lint-ignore no-control-regex
  const line = message.replace(/\x1b\[[0-9;]*m/g, "").replace(/\s+/g, " ");
  return line.length > MAX_CHARS ? `${line.slice(0, MAX_CHARS)}…` : line;
}
