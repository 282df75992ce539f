import { hasCollapsed, type Evaluation } from './evaluation.ts';
import { NetworkError } from './error.ts';

/** A fit and three more, should it collapse. */
const MAX_FITS = 4;

/** A fit that did not do, for the log. */
export interface FailedFit {
  readonly seed: number;
  /** 1 for the first. */
  readonly attempt: number;
  readonly reason: string;
}

/**
 * Fits, and when the fit has collapsed or diverged fits again with the next seed, three times at most. If all fail, the
 * last one that did not diverge is given, and said to have collapsed.
 * @param fitOnce makes a model from a seed and evaluates it on the fixed stratified set
 * @param predecessor evaluation of the model before on the same set
 * @throws NetworkError `diverged` where every attempt diverged; other errors of `fitOnce` as they are
 */
export async function fitUntilSound<Model>(
  fitOnce: (seed: number, attempt: number) => Promise<{ model: Model; evaluation: Evaluation }>,
  {
    seed,
    firstAttempt = 1,
    predecessor,
    onFailedFit,
  }: {
    seed: number;
    /** More than 1 where a run that was interrupted has made the earlier ones in vain. */
    firstAttempt?: number;
    predecessor?: Evaluation;
    onFailedFit: (failed: FailedFit) => void;
  },
): Promise<{ model: Model; evaluation: Evaluation; seed: number; collapsed: boolean }> {
  let last: { model: Model; evaluation: Evaluation; seed: number; collapsed: boolean } | undefined;
  let divergence: NetworkError | undefined;
  for (let attempt = firstAttempt; attempt <= MAX_FITS; attempt++) {
    const ownSeed = (seed + attempt - 1) % 2 ** 32;
    try {
      const { model, evaluation } = await fitOnce(ownSeed, attempt);
      const collapsed = hasCollapsed(evaluation, predecessor);
      last = { model, evaluation, seed: ownSeed, collapsed };
      if (!collapsed) return last;
      const recall = (100 * evaluation.balancedAccuracy).toFixed(1);
      onFailedFit({
        seed: ownSeed,
        attempt,
        reason: `collapsed: mean recall ${recall} % (n = ${evaluation.n})`,
      });
    } catch (error) {
      if (!(error instanceof NetworkError && error.code === 'diverged')) throw error;
      divergence = error;
      onFailedFit({ seed: ownSeed, attempt, reason: error.message });
    }
  }
  if (last !== undefined) return last;
  throw divergence ?? new NetworkError('diverged', 'No fit was made');
}
