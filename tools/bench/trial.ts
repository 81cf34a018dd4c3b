// What a bench measures, and the rounds it is measured in. Knows no server: what is measured comes in as trials.

/** The measured servers: three references, and the proxy. */
export const TARGETS = ["pass", "passjs", "minimal", "proxy"] as const;

export type Target = typeof TARGETS[number];

/** The values of one round. Not every server has one in every row. */
export type RoundValues = Partial<Record<Target, number>>;

/** A limit on a ratio, never on milliseconds or MiB: those depend on the machine and on its load. */
export interface Limit {
  /** The proxy's value is divided by this reference's of the same round; null for a value that is a ratio itself. */
  per: "pass" | "passjs" | null;
  sign: "≤" | "≥";
  /** The run fails beyond this. */
  must: number;
  /** The goal. */
  aim?: number;
}

/** A row of the report. */
export interface Row {
  /** Names the unit, too. */
  what: string;
  /** Decimal places of a value. */
  digits: number;
  limit?: Limit;
}

/** A row with one entry for each round. */
export interface MeasuredRow extends Row {
  rounds: RoundValues[];
}

/** Something that is measured once in each round. */
export interface Trial {
  rows: readonly Row[];
  /** The servers it measures. */
  targets: readonly Target[];
  /** Rounds before the first that counts. */
  warmUps: number;
  /** Fewer rounds than the others, for what takes long. */
  maxRounds?: number;
  /** One round, the servers in this order where they take turns. Returns values for each row. */
  measure(order: readonly Target[]): Promise<RoundValues[]>;
}

/**
 * Runs the trials in turns, round after round, so that a machine that becomes slower affects all of them alike. Each
 * round starts with another server, so that none is always the first.
 */
export async function runTrials(
  trials: readonly Trial[],
  rounds: number,
): Promise<MeasuredRow[]> {
  const measured = trials.map((trial) => ({
    trial,
    rows: trial.rows.map((row): MeasuredRow => ({ ...row, rounds: [] })),
  }));
  for (const trial of trials) {
    for (let i = 0; i < trial.warmUps; i++) await trial.measure(trial.targets);
  }
  for (let round = 0; round < rounds; round++) {
    for (const { trial, rows } of measured) {
      if (round >= (trial.maxRounds ?? Infinity)) continue;
      const values = await trial.measure(rotate(trial.targets, round));
      rows.forEach((row, i) => row.rounds.push(values[i] ?? {}));
    }
  }
  return measured.flatMap(({ rows }) => rows);
}

function rotate<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
