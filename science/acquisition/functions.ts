import type { AcquisitionFunction } from './acquisition-function.ts';
import { badge } from './badge.ts';
import { bald } from './bald.ts';
import { coreSet } from './core-set.ts';
import { densityWeighted } from './density-weighted.ts';
import { entropy } from './entropy.ts';
import { leastConfidence } from './least-confidence.ts';
import { margin } from './margin.ts';
import { random } from './random.ts';

/** Every acquisition function by the name that configurations have for it. A new one is one file and one line here. */
export const ACQUISITION_FUNCTIONS = {
  entropy,
  margin,
  least_confidence: leastConfidence,
  bald,
  density_weighted: densityWeighted,
  core_set: coreSet,
  badge,
  random,
} as const satisfies Record<string, AcquisitionFunction>;

export type AcquisitionFunctionName = keyof typeof ACQUISITION_FUNCTIONS;
