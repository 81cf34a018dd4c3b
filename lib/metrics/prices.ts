/**
 * What tokens cost by a list of prices. Pure. Where a price is not listed, the dearer one stands in for it: the
 * result is meant as a limit, not as a bill.
 * @module
 */

/** Prices of a model in USD per million tokens, where they are known. */
export interface Prices {
  promptPrice: number | undefined;
  completionPrice: number | undefined;
  cacheReadPrice: number | undefined;
  cacheWritePrice: number | undefined;
}

/** Prices by which a request can be priced. */
export interface KnownPrices extends Prices {
  promptPrice: number;
  completionPrice: number;
}

/** Tokens by what is charged for them. Input tokens are those neither read from nor written to a cache. */
export interface Tokens {
  input: number;
  output: number;
  cached?: number | undefined;
  written?: number | undefined;
}

/** What tokens cost, in USD. */
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
 * What tokens cost at most, in USD, where it is not known how many of the input tokens a cache takes or has.
 * @param cacheTtl how long they would be kept: Anthropic charges twice the input price for an hour, and model lists
 *   have only the price for five minutes
 */
export function priceAtMost(
  prices: KnownPrices,
  { input, output }: Tokens,
  cacheTtl: "5m" | "1h",
): number {
  const { promptPrice, cacheWritePrice } = prices;
  if (cacheWritePrice === undefined) return priceTokens(prices, { input, output });
  const dearest = Math.max(promptPrice * (cacheTtl === "1h" ? 2 : 1), cacheWritePrice);
  return priceTokens({ ...prices, promptPrice: dearest }, { input, output });
}

/** The highest prices among those of several models; undefined where none can be priced. */
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
    // A price that one of the models lacks is its prompt price, which is among the highest already.
    cacheReadPrice: known.every((one) => one.cacheReadPrice !== undefined)
      ? highest("cacheReadPrice")
      : undefined,
    cacheWritePrice: highest("cacheWritePrice"),
  };
}

function isKnown(prices: Prices | undefined): prices is KnownPrices {
  return prices?.promptPrice !== undefined && prices.completionPrice !== undefined;
}
