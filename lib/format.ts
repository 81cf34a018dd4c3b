/**
 * Formats costs, prices, counts and durations for the terminal, the log, messages and the dashboard.
 * Pure: the browser bundle of the dashboard contains this file.
 * @module
 */

/**
 * A cost with fixed decimals, four below $1 and else two: `$0.0412`, `$12.30`. Negative where caching cost more than
 * it saved.
 */
export function formatCost(usd: number): string {
  const amount = Math.abs(usd);
  const sign = usd < 0 ? "−" : "";
  if (amount > 0 && amount < 0.0001) return `${sign}<$0.0001`;
  // Not with Intl: its first use takes 25 ms, too long for the status line.
  return `${sign}$${amount.toFixed(amount < 1 ? 4 : 2).replace(/\B(?=(\d{3})+\.)/g, ",")}`;
}

/**
 * An amount without padding: `$5`, `$7.5`, `$0.001235`. For limits, which should look as they were set.
 */
export function formatUsd(usd: number): string {
  return `$${Number(usd < 1 ? usd.toPrecision(4) : usd.toFixed(4))}`;
}

/** Prices in USD per million tokens, as providers list them: `$0.60/2.20`, `free`. Undefined if one is unknown. */
export function formatPrices(
  { promptPrice, completionPrice }: {
    promptPrice?: number | undefined;
    completionPrice?: number | undefined;
  },
): string | undefined {
  if (promptPrice === undefined || completionPrice === undefined) return undefined;
  if (promptPrice === 0 && completionPrice === 0) return "free";
  return `$${formatPrice(promptPrice)}/${formatPrice(completionPrice)}`;
}

function formatPrice(price: number): string {
  return price > 0 && price < 0.01 ? price.toPrecision(1) : price.toFixed(2);
}

/** `21,034` */
export function formatCount(count: number): string {
  // Intl takes a hundred times as long, and the dashboard formats many counts.
  if (!Number.isSafeInteger(count)) return count.toLocaleString("en-US");
  return `${count}`.replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `982`, `21.0k`, `1.24M`: for large counts that change. */
export function formatCompact(count: number): string {
  if (count < 10_000) return formatCount(count);
  if (count < 999_950) return `${(count / 1e3).toFixed(1)}k`;
  return count < 999_950_000 ? `${(count / 1e6).toFixed(2)}M` : `${(count / 1e9).toFixed(2)}G`;
}

/** At most four characters below ten billion, for columns: `812`, `9.1k`, `21k`, `1.2M`. */
export function formatShort(count: number): string {
  const units = [[1e9, "G"], [1e6, "M"], [1e3, "k"]] as const;
  // The rounded value decides: 999,700 is 1M and not 1000k.
  const unit = units.find(([size]) => Math.round(count) >= size * (size === 1e3 ? 1 : 0.9995));
  if (unit === undefined) return `${Math.round(count)}`;
  const value = count / unit[0];
  return `${value < 9.95 ? Number(value.toFixed(1)) : Math.round(value)}${unit[1]}`;
}

/** A context length as models are advertised: `200k`, `1M`. */
export function formatContext(tokens: number): string {
  if (tokens >= 1e6) return `${Number((tokens / 1e6).toFixed(1))}M`;
  return `${Math.round(tokens / 1000)}k`;
}

/** `0.93 s` */
export function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

/** `340 ms`, `1.20 s` */
export function formatDuration(ms: number): string {
  return ms < 1000 ? `${ms} ms` : formatSeconds(ms);
}

/** `3 d 4 h`, `2 h 12 min`, `12 min`, `40 s` */
export function formatAge(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : `${seconds} s`;
}
