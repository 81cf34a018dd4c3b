/**
 * What a server learns from responses, in memory and bounded: corrections of token estimates, means of output and
 * cost, limits of models, unavailable defaults, descriptions of images. Workers tell each other, fact by fact.
 * @module
 */

import { LearnedLimits, TargetSet } from "./openrouter/learned_limits.ts";
import { UnavailableDefaults } from "./openrouter/model_mapping.ts";
import { RunningMeans } from "./running_mean.ts";
import { type Loaded, SharedCache } from "./shared_cache.ts";
import type { ImageDescription } from "./translate/request/placeholders.ts";

/** Of a session with hundreds of images; a description has at most 32,000 characters. */
const MAX_DESCRIPTIONS = 1000;
const MAX_DESCRIPTION_CHARS = 4_000_000;

const MEANS = ["tokenRatio", "outputTokens", "costUsd"] as const;
const TARGETS = ["plainSchemas", "textOnly", "unavailableDefaults"] as const;

/** One learned fact, as plain data. */
export type Fact =
  | { type: "mean"; of: typeof MEANS[number]; model: string; value: number }
  | { type: "target"; of: typeof TARGETS[number]; target: string }
  | { type: "description"; key: string; loaded: Loaded<ImageDescription> };

/** Everything that a server has learned. */
export interface Learned {
  /** By upstream model: actual tokens per estimated token, output tokens and cost in USD of a response. */
  means: Record<typeof MEANS[number], RunningMeans>;
  targets: {
    plainSchemas: TargetSet;
    textOnly: TargetSet;
    unavailableDefaults: UnavailableDefaults;
  };
  /** By the hash of the image. */
  descriptions: SharedCache<ImageDescription>;
}

/**
 * Creates the places of all facts, empty.
 * @param now a monotonic clock, in milliseconds
 * @param onLearn receives each fact that this server learns by itself
 */
export function createLearned(
  now: () => number,
  onLearn: (fact: Fact) => void = () => {},
): Learned {
  const createMeans = (of: typeof MEANS[number]) =>
    new RunningMeans((model, value) => onLearn({ type: "mean", of, model, value }));
  const tell = (of: typeof TARGETS[number]) => (target: string) =>
    onLearn({ type: "target", of, target });
  return {
    means: {
      tokenRatio: createMeans("tokenRatio"),
      outputTokens: createMeans("outputTokens"),
      costUsd: createMeans("costUsd"),
    },
    targets: {
      plainSchemas: new TargetSet(tell("plainSchemas")),
      textOnly: new TargetSet(tell("textOnly")),
      unavailableDefaults: new UnavailableDefaults(tell("unavailableDefaults")),
    },
    descriptions: new SharedCache(
      { maxEntries: MAX_DESCRIPTIONS, maxSize: MAX_DESCRIPTION_CHARS, now },
      (key, loaded) => onLearn({ type: "description", key, loaded }),
    ),
  };
}

/** The limits of models among them. */
export function toLearnedLimits({ targets }: Learned): LearnedLimits {
  return new LearnedLimits(targets);
}

/** Adds a fact that another worker has learned. */
export function applyFact(learned: Learned, fact: Fact): void {
  switch (fact.type) {
    case "mean":
      return learned.means[fact.of].apply(fact.model, fact.value);
    case "target":
      return learned.targets[fact.of].apply(fact.target);
    case "description":
      learned.descriptions.apply(fact.key, fact.loaded);
      return;
    default:
      fact satisfies never;
  }
}

/** All facts, for a worker that has just started: the first value of a mean sets it. */
export function listFacts({ means, targets, descriptions }: Learned): Fact[] {
  return [
    ...MEANS.flatMap((of) =>
      means[of].list().map(([model, value]): Fact => ({ type: "mean", of, model, value }))
    ),
    ...TARGETS.flatMap((of) =>
      targets[of].list().map((target): Fact => ({ type: "target", of, target }))
    ),
    ...descriptions.list().map(([key, loaded]): Fact => ({ type: "description", key, loaded })),
  ];
}
