/**
 * Prices tokens by the catalog's prices. Pure. A higher price replaces one that is not listed: the result serves as a
 * limit, not as a bill.
 * @module
 */

/** Prices of a model in USD per million tokens; undefined if unknown. */
export interface Prices {
  promptPrice: number | undefined;
  completionPrice: number | undefined;
  cacheReadPrice: number | undefined;
  cacheWritePrice: number | undefined;
}

/** Prices that are sufficient to price a request. */
export interface KnownPrices extends Prices {
  promptPrice: number;
  completionPrice: number;
}

/** Tokens by price. Input tokens exclude those read from or written to a cache. */
export interface Tokens {
  input: number;
  output: number;
  cached?: number | undefined;
  written?: number | undefined;
}

/** Returns the cost in USD. */
export function priceTokens(
  prices: KnownPrices,
  { input, output, cached = 0, written = 0 }: Tokens,
): number {
  const { promptPrice, completionPrice } = prices;
  const { cacheReadPrice = promptPrice, cacheWritePrice = promptPrice } = prices;
  return (input * promptPrice + cached * cacheReadPrice + written * cacheWritePrice +
    output * completionPrice) / 1e6;
}

/**
 * Returns the maximum cost in USD, if it is unknown how many input tokens are read from or written to a cache.
 * @param cacheTtl Anthropic charges twice the input price for an hour; catalogs list only the price for five minutes
 */
export function priceAtMost(
  prices: KnownPrices,
  { input, output }: Tokens,
  cacheTtl: "5m" | "1h",
): number {
  const { promptPrice, cacheWritePrice } = prices;
  if (cacheWritePrice === undefined) return priceTokens(prices, { input, output });
  const highest = Math.max(promptPrice * (cacheTtl === "1h" ? 2 : 1), cacheWritePrice);
  return priceTokens({ ...prices, promptPrice: highest }, { input, output });
}

/** Returns the highest prices of several models; undefined if no model has sufficient prices. */
export function findHighest(list: readonly (Prices | undefined)[]): KnownPrices | undefined {
  const known = list.filter(isKnown);
  if (known.length === 0) return undefined;
  const highest = (key: keyof Prices) => {
    const prices = known.map((one) => one[key]).filter((price) => price !== undefined);
    return prices.length === 0 ? undefined : Math.max(...prices);
  };
  return {
    promptPrice: highest("promptPrice") ?? 0,
    completionPrice: highest("completionPrice") ?? 0,
    // A missing price counts as the prompt price, so the highest one is the highest prompt price.
    cacheReadPrice: known.every((one) => one.cacheReadPrice !== undefined)
      ? highest("cacheReadPrice")
      : undefined,
    cacheWritePrice: highest("cacheWritePrice"),
  };
}

function isKnown(prices: Prices | undefined): prices is KnownPrices {
  return prices?.promptPrice !== undefined && prices.completionPrice !== undefined;
}
