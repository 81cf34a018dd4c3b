/** The number formats that the terminal, the log, messages and the dashboard share. */

import { assertEquals } from "@std/assert";
import {
  formatAge,
  formatCompact,
  formatContext,
  formatCost,
  formatCount,
  formatDuration,
  formatPrices,
  formatShort,
  formatUsd,
} from "../lib/format.ts";

const CASES: [format: (value: number) => string, value: number, text: string][] = [
  [formatCost, 0, "$0.0000"],
  [formatCost, 0.00009, "<$0.0001"],
  [formatCost, -0.00009, "−<$0.0001"],
  [formatCost, 0.04116, "$0.0412"],
  [formatCost, 1, "$1.00"],
  [formatCost, 12_345.678, "$12,345.68"],
  [formatCost, 123, "$123.00"],
  [formatCost, 1_234_567, "$1,234,567.00"],
  [formatCost, -0.01, "−$0.0100"],
  [formatShort, 0, "0"],
  [formatShort, 999, "999"],
  [formatShort, 1000, "1k"],
  [formatShort, 9149, "9.1k"],
  [formatShort, 9960, "10k"],
  [formatShort, 21_034, "21k"],
  [formatShort, 999_499, "999k"],
  [formatShort, 999_500, "1M"],
  [formatShort, 1_234_567, "1.2M"],
  [formatShort, 5e9, "5G"],
  [formatUsd, 0, "$0"],
  [formatUsd, 5, "$5"],
  [formatUsd, 7.5, "$7.5"],
  [formatUsd, 49.9961, "$49.9961"],
  [formatUsd, 0.00123456, "$0.001235"],
  [formatCount, 21_034, "21,034"],
  [formatCompact, 9999, "9,999"],
  [formatCompact, 21_034, "21.0k"],
  [formatCompact, 999_950, "1.00M"],
  [formatCompact, 1_240_000_000, "1.24G"],
  [formatContext, 202_752, "203k"],
  [formatContext, 1_048_576, "1M"],
  [formatDuration, 340, "340 ms"],
  [formatDuration, 1204, "1.20 s"],
  [formatAge, 40_999, "40 s"],
  [formatAge, 12 * 60_000, "12 min"],
  [formatAge, 132 * 60_000, "2 h 12 min"],
  [formatAge, 76 * 3_600_000, "3 d 4 h"],
];

for (const [format, value, text] of CASES) {
  Deno.test(`${format.name} formats ${value} as ${text}`, () => assertEquals(format(value), text));
}

for (
  const [promptPrice, completionPrice, text] of [
    [0.6, 2.2, "$0.60/2.20"],
    [0.004, 0.05, "$0.004/0.05"],
    [0, 0, "free"],
    [0, 1, "$0.00/1.00"],
    [undefined, 1, undefined],
    [1, undefined, undefined],
  ] as const
) {
  Deno.test(`formatPrices formats ${promptPrice} and ${completionPrice} as ${text}`, () => {
    assertEquals(formatPrices({ promptPrice, completionPrice }), text);
  });
}
