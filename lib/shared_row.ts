/**
 * The interface to numbers that several workers share, so that a limit holds over all of them: each worker writes its
 * own row, and reads the rows of the others. A server that works alone has none.
 * @module
 */

/** Columns of a costs entry: {@linkcode SharedRow} has one for each limit. */
export const COST_COLUMNS = 6;

/** The first column of each subject; the costs of further limits follow. */
export const FIRST_COLUMN = { inFlight: 0, bytes: 1, costs: 2 } as const;

/** The row of one worker, and those of the others. */
export interface SharedRow {
  /** Runs a function while no other worker reads or writes. It must not wait for anything. May be nested. */
  exclusively<T>(run: () => T): T;
  /** Sets columns of the own row, within `exclusively`. */
  write(column: number, values: readonly number[]): void;
  /** Reads the same columns of all other rows, within `exclusively`. */
  readOthers(column: number, count: number): readonly (readonly number[])[];
}

/** The sum of one column over all other rows. */
export function sumOthers(row: SharedRow, column: number): number {
  return row.readOthers(column, 1).reduce((sum, [value = 0]) => sum + value, 0);
}
