import { Random } from '../science/cnn/random.ts';
import type { Campaign } from './active-learning-campaign.ts';

/** Points on either side that a running median has. */
const REACH = 1;
const RESAMPLES = 2000;
/** Of all intervals. */
const CONFIDENCE = 0.95;

/** A median over seeds, with the percentile interval of a bootstrap over them. */
export interface Estimate {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** How one strategy did on pools with one share of rare spectra. Numbers may be Infinity: never within the budget. */
export interface Efficiency {
  readonly strategy: string;
  readonly rareFraction: number;
  readonly seeds: number;
  /** Running medians of F1 along each campaign, their median over the seeds. */
  readonly curve: readonly (Estimate & { readonly labels: number })[];
  /** Absent where there are no campaigns of random with the same seeds. */
  readonly againstRandom?: {
    /** F1 that random has when its labels are spent. */
    readonly targetF1: number;
    readonly labels: Estimate;
    readonly labelsOfRandom: Estimate;
    /** labels / labelsOfRandom: seeds are drawn together, so the interval is not that of the two. */
    readonly ratio: Estimate;
  };
  readonly fits: number;
  /** Made again as they collapsed or diverged, and collapsed all four times. */
  readonly failedFits: number;
  readonly collapsedFits: number;
  /** Of a campaign, the median. */
  readonly seconds: number;
}

/**
 * Label efficiency of each strategy at each share of rare spectra: the labels after which its median curve first reaches
 * what random's has at its end, divided by those after which random's own first does, over the seeds that both have.
 */
export function labelEfficiencies(campaigns: readonly Campaign[]): Efficiency[] {
  const fractions = [...new Set(campaigns.map(({ rareFraction }) => rareFraction))].sort((a, b) => a - b);
  return fractions.flatMap((rareFraction) => {
    const here = campaigns.filter((one) => one.rareFraction === rareFraction);
    const random = here.filter(({ strategy }) => strategy === 'random');
    return [...new Set(here.map(({ strategy }) => strategy))].map((strategy) => {
      const own = here.filter((one) => one.strategy === strategy).sort((a, b) => a.seed - b.seed);
      return efficiency(own, random);
    });
  });
}

function efficiency(own: readonly Campaign[], random: readonly Campaign[]): Efficiency {
  const [first] = own;
  if (first === undefined) throw new Error('There are no campaigns');
  const { strategy, rareFraction } = first;
  const labels = first.curve.map((point) => point.labels);
  const smooth = own.map(smoothed);
  const curves = resampled(own.length, (seeds) => medianCurve(seeds.map((i) => smooth[i] ?? [])));
  const curve = labels.map((count, at) => ({
    labels: count,
    ...estimateOf(curves, (one) => one[at] ?? NaN),
  }));
  const points = own.flatMap((one) => one.curve);
  return {
    strategy,
    rareFraction,
    seeds: own.length,
    curve,
    ...againstRandom(own, random),
    fits: points.length,
    failedFits: points.reduce((sum, { failedFits }) => sum + failedFits, 0),
    collapsedFits: points.filter(({ collapsed }) => collapsed).length,
    seconds: median(own.map(({ seconds }) => seconds)),
  };
}

function againstRandom(
  own: readonly Campaign[],
  random: readonly Campaign[],
): Pick<Efficiency, 'againstRandom'> {
  const pairs = own.flatMap((one) => {
    const other = random.find(({ seed }) => seed === one.seed);
    return other === undefined ? [] : [{ own: smoothed(one), random: smoothed(other) }];
  });
  if (pairs.length === 0) return {};
  const labelsOf = ([first]: readonly Campaign[]): number[] => first?.curve.map(({ labels }) => labels) ?? [];
  const [labels, labelsOfRandom] = [labelsOf(own), labelsOf(random)];
  const outcomes = resampled(pairs.length, (seeds) => {
    const drawn = seeds.flatMap((i) => pairs[i] ?? []);
    const randomCurve = medianCurve(drawn.map((pair) => pair.random));
    const target = randomCurve.at(-1) ?? NaN;
    const needed = labelsNeeded(medianCurve(drawn.map((pair) => pair.own)), labels, target);
    const neededByRandom = labelsNeeded(randomCurve, labelsOfRandom, target);
    return { target, needed, neededByRandom };
  });
  return {
    againstRandom: {
      targetF1: outcomes.all.target,
      labels: estimateOf(outcomes, ({ needed }) => needed),
      labelsOfRandom: estimateOf(outcomes, ({ neededByRandom }) => neededByRandom),
      ratio: estimateOf(outcomes, ({ needed, neededByRandom }) => needed / neededByRandom),
    },
  };
}

/** Labels at which a curve first reaches a value, between two points in proportion; Infinity where it never does. */
export function labelsNeeded(curve: readonly number[], labels: readonly number[], target: number): number {
  const at = curve.findIndex((value) => value >= target);
  const reached = labels[at];
  if (reached === undefined) return Infinity;
  const [before, value] = [curve[at - 1], curve[at] ?? NaN];
  if (before === undefined) return reached;
  const earlier = labels[at - 1] ?? NaN;
  return earlier + ((target - before) / (value - before)) * (reached - earlier);
}

/** Running medians of F1; the ends stay as they are, so that campaigns with a common start have one. */
function smoothed({ curve }: Campaign): number[] {
  return curve.map((_, at) => {
    const reach = Math.min(REACH, at, curve.length - 1 - at);
    return median(curve.slice(at - reach, at + reach + 1).map(({ f1 }) => f1));
  });
}

function medianCurve(curves: readonly (readonly number[])[]): number[] {
  return (curves[0] ?? []).map((_, at) => median(curves.map((curve) => curve[at] ?? NaN)));
}

interface Resampled<Result> {
  readonly all: Result;
  readonly drawn: readonly Result[];
}

/** A statistic of all seeds, and of as many drawn with replacement, many times over; always the same draws. */
function resampled<Result>(count: number, statistic: (seeds: number[]) => Result): Resampled<Result> {
  const random = new Random(count);
  const everyone = Array.from({ length: count }, (_, i) => i);
  const drawn = Array.from({ length: RESAMPLES }, () => statistic(everyone.map(() => random.below(count))));
  return { all: statistic(everyone), drawn };
}

function estimateOf<Result>({ all, drawn }: Resampled<Result>, value: (one: Result) => number): Estimate {
  const sorted = drawn.map(value).sort((a, b) => a - b);
  const quantile = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? NaN;
  return {
    median: value(all),
    low: quantile((1 - CONFIDENCE) / 2),
    high: quantile((1 + CONFIDENCE) / 2),
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}
