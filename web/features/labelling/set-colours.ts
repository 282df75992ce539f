import type { SpectrumSet } from '../../../contracts/labelling.ts';

/** Names of the theme's colours: what a spectrum is asked for, beside the word. */
export const SET_COLOURS = {
  ORACLE: 'set-oracle',
  PERFORMANCE_ESTIMATION: 'set-precision',
  CANDIDATE: 'set-candidate',
} as const satisfies Record<SpectrumSet, string>;
