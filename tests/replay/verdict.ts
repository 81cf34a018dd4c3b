/**
 * The verdict over many recordings: which differ, and whether those are the ones that are known to.
 * @module
 */

import { AssertionError } from "@std/assert";

/** What is judged: what comes out of answers and errors, what goes up for requests, and again as history. */
export type Subject = "answers" | "errors" | "requests" | "history";

/** A recording that the proxy does not handle as it should. */
export interface KnownFailure {
  subject: Subject;
  /** Repository, path and number, as a failure is reported. */
  name: string;
  reason: string;
}

/** At most four. One that is right is a failure too, so that the list stays true. */
export const KNOWN_FAILURES: readonly KnownFailure[] = [];

const MAX_SHOWN = 15;
const MAX_CHARS = 300;

/** Collects what differs. */
export class Verdict {
  readonly #known: ReadonlySet<string>;
  readonly #differences = new Map<string, string[]>();
  #count = 0;

  constructor(subject: Subject, known: readonly KnownFailure[] = KNOWN_FAILURES) {
    this.#known = new Set(
      known.filter((failure) => failure.subject === subject).map(({ name }) => name),
    );
  }

  /** Notes one recording, by its name, and in what it differs. */
  note(name: string, differences: readonly string[]): void {
    this.#count++;
    if (differences.length > 0 || this.#known.has(name)) {
      this.#differences.set(name, [...new Set(differences)]);
    }
  }

  /**
   * @param least how many there must be at least: a filter that finds nothing must not pass
   * @throws {AssertionError} that lists what differs
   */
  check(least: number): void {
    const lines = [...this.#differences].flatMap(([name, found]) => this.#judge(name, found));
    if (this.#count < least) lines.unshift(`only ${this.#count} recordings, not ${least} or more`);
    if (lines.length === 0) return;
    const shown = Number(Deno.env.get("REPLAY_SHOW") ?? MAX_SHOWN);
    const more = lines.length > shown ? [`… and ${lines.length - shown} more`] : [];
    const head = `${lines.length} of ${this.#count} recordings differ`;
    throw new AssertionError([head, ...lines.slice(0, shown), ...more].join("\n  "));
  }

  #judge(name: string, differences: readonly string[]): string[] {
    if (!this.#known.has(name)) return [`${name}: ${differences.join("; ")}`];
    return differences.length > 0 ? [] : [`${name} is right: take it off KNOWN_FAILURES`];
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
