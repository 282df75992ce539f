import { metricMeter } from '@temporalio/activity';

/** `made`: preprocessed; `reused`: an earlier job had; `scored`: classified by a network. */
export type SpectraOutcome = 'made' | 'reused' | 'rejected' | 'scored';

/** Adds to `spectrolabe_spectra_total` of this worker: what is tried again counts again, for it is work. */
export function countSpectra(outcome: SpectraOutcome, spectra: number): void {
  metricMeter.createCounter('spectrolabe_spectra', '', 'Spectra dealt with.').add(spectra, { outcome });
}
