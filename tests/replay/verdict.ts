/**
 * Collects the differences of many recordings, and compares them with the known failures.
 * @module
 */

import { AssertionError } from "@std/assert";

/** What is checked: translated responses, errors and requests, or history. */
export type Subject = "responses" | "errors" | "requests" | "history";

/** A recording that the proxy translates incorrectly. */
export interface KnownFailure {
  subject: Subject;
  /** Repository, path and number, as in a reported failure. */
  name: string;
  reason: string;
}

/** At most four. An entry that passes fails the test, so that the list stays up to date. */
export const KNOWN_FAILURES: readonly KnownFailure[] = [];

const MAX_SHOWN = 15;
const MAX_CHARS = 300;

/** Collects the differences of recordings. */
export class Verdict {
  readonly #known: ReadonlySet<string>;
  readonly #differences = new Map<string, string[]>();
  #count = 0;

  constructor(subject: Subject, known: readonly KnownFailure[] = KNOWN_FAILURES) {
    this.#known = new Set(
      known.filter((failure) => failure.subject === subject).map(({ name }) => name),
    );
  }

  /** Records the differences of one recording. */
  note(name: string, differences: readonly string[]): void {
    this.#count++;
    if (differences.length > 0 || this.#known.has(name)) {
      this.#differences.set(name, [...new Set(differences)]);
    }
  }

  /**
   * @param minimum how many recordings there must be, so that an empty selection does not pass
   * @throws {AssertionError} that lists the differences
   */
  check(minimum: number): void {
    const lines = [...this.#differences].flatMap(([name, found]) => this.#judge(name, found));
    if (this.#count < minimum) {
      lines.unshift(`only ${this.#count} recordings, not ${minimum} or more`);
    }
    if (lines.length === 0) return;
    const shown = Number(Deno.env.get("REPLAY_SHOW") ?? MAX_SHOWN);
    const more = lines.length > shown ? [`… and ${lines.length - shown} more`] : [];
    const summary = `${lines.length} of ${this.#count} recordings differ`;
    throw new AssertionError([summary, ...lines.slice(0, shown), ...more].join("\n  "));
  }

  #judge(name: string, differences: readonly string[]): string[] {
    if (!this.#known.has(name)) return [`${name}: ${differences.join("; ")}`];
    return differences.length > 0 ? [] : [`${name} passes: remove it from KNOWN_FAILURES`];
  }
}

/** The message of a failed assertion, on one line; empty if it holds. */
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
