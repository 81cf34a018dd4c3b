// Stand-in for `accepts` of `@std/http/negotiation`, used where JSR cannot be reached. Supports
// only the Accept header, and requires types to choose from.

interface MediaRange {
  type: string;
  subtype: string;
  params: Map<string, string>;
  quality: number;
}

interface Fit {
  specificity: number;
  quality: number;
}

/**
 * Returns the best of the offered media types for a request, the first one if there is no Accept
 * header and undefined if none fits. Ties go to the more specific range, then to the first type.
 */
export function accepts<T extends string = string>(
  request: Pick<Request, "headers">,
  ...types: [T, ...T[]]
): T | undefined {
  const header = request.headers.get("accept");
  if (!header) return types[0];
  const ranges = header.split(",").map(parseRange).filter((range) => range !== undefined);
  let best: T | undefined;
  let bestFit: Fit = { specificity: 0, quality: 0 };
  for (const type of types) {
    const fit = rateType(type, ranges);
    if (fit.quality > 0 && isBetter(fit, bestFit, "quality", "specificity")) {
      [best, bestFit] = [type, fit];
    }
  }
  return best;
}

function isBetter(fit: Fit, than: Fit, first: keyof Fit, second: keyof Fit): boolean {
  return fit[first] > than[first] || fit[first] === than[first] && fit[second] > than[second];
}

// The most specific range decides on a type, even if a wider one gives it a higher quality.
function rateType(type: string, ranges: MediaRange[]): Fit {
  const offer = parseRange(type);
  let best: Fit = { specificity: -1, quality: 0 };
  if (!offer) return best;
  for (const range of ranges) {
    const fit = { specificity: matchRange(range, offer), quality: range.quality };
    if (fit.specificity >= 0 && isBetter(fit, best, "specificity", "quality")) best = fit;
  }
  return best;
}

function matchRange(range: MediaRange, offer: MediaRange): number {
  const sameType = range.type === offer.type;
  const sameSubtype = range.subtype === offer.subtype;
  if (!sameType && range.type !== "*" || !sameSubtype && range.subtype !== "*") return -1;
  const params = [...range.params];
  if (params.some(([key, value]) => value !== (offer.params.get(key) ?? ""))) return -1;
  return (sameType ? 4 : 0) + (sameSubtype ? 2 : 0) + (params.length > 0 ? 1 : 0);
}

// Splits at every comma, semicolon and equals sign, as std does: quotes protect none of them.
function parseRange(text: string): MediaRange | undefined {
  const [name = "", ...fields] = text.trim().toLowerCase().split(";");
  const [, type, subtype] = /^([^\s/]+)\/(\S+)\s*$/.exec(name) ?? [];
  if (type === undefined || subtype === undefined) return undefined;
  const params = new Map<string, string>();
  for (const field of fields.join("") === "" && fields.length < 2 ? [] : fields) {
    const [key = "", quoted = ""] = field.trim().split("=");
    const value = quoted.replace(/^"(.*)"$/, "$1");
    if (key === "q" && value !== "") {
      return { type, subtype, params, quality: parseFloat(value) };
    }
    params.set(key, value);
  }
  return { type, subtype, params, quality: 1 };
}
