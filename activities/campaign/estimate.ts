import type { LabellingRow } from '../../db/repositories/labellings.ts';
import { estimatePrecision, type PrecisionEstimate, UNDECIDED } from '../../science/metrics/precision.ts';

/**
 * What the performance-estimation set of an iteration says of the model that predicted it.
 * @param rows of the iteration's batch
 * @returns undefined where there is no such set, or none of it has a label
 */
export function estimateOf(
  rows: readonly LabellingRow[],
  { classes, candidate_classes }: { classes: readonly string[]; candidate_classes: readonly string[] },
): PrecisionEstimate | undefined {
  const sample = rows.filter(
    ({ spectrumSet, modelPrediction }) =>
      spectrumSet === 'PERFORMANCE_ESTIMATION' &&
      modelPrediction !== null &&
      // A class that was renamed or taken away since is no candidate any more.
      candidate_classes.includes(modelPrediction),
  );
  const labels = Int32Array.from(sample, ({ userLabel }) =>
    userLabel === null ? UNDECIDED : classes.indexOf(userLabel),
  );
  if (labels.every((label) => label === UNDECIDED)) return undefined;
  return estimatePrecision(
    Int32Array.from(sample, ({ modelPrediction }) => classes.indexOf(modelPrediction ?? '')),
    labels,
    {
      classes: classes.length,
      candidateClasses: candidate_classes.map((name) => classes.indexOf(name)),
    },
  );
}
