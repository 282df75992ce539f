import type { NetworkPlan } from './architecture.ts';
import { NetworkError } from './error.ts';
import { Random } from './random.ts';
import type { Batch, TrainerState } from './trainer.ts';

/**
 * @returns the number of rows
 * @throws NetworkError `bad-data` where the values are not whole spectra, or one is no finite number: ReLU and pooling
 * would take it for 0 in silence
 */
export function checkSpectra({ points }: NetworkPlan, spectra: Float32Array): number {
  const rows = spectra.length / points;
  if (!Number.isInteger(rows))
    throw new NetworkError('bad-data', `${spectra.length} values are not spectra of ${points} points`);
  // A loop: findIndex takes ten times as long, and this runs with every step.
  for (let i = 0; i < spectra.length; i++)
    if (!Number.isFinite(spectra[i]))
      throw new NetworkError(
        'bad-data',
        `Spectrum ${Math.floor(i / points)} has a value that is no finite number`,
      );
  return rows;
}

/** @returns the number of rows, at least 1 @throws NetworkError `bad-data` */
export function checkBatch(plan: NetworkPlan, { spectra, labels, weights }: Batch): number {
  const rows = checkSpectra(plan, spectra);
  if (rows === 0) throw new NetworkError('bad-data', 'A batch needs at least one spectrum');
  if (labels.length !== rows || (weights !== undefined && weights.length !== rows))
    throw new NetworkError(
      'bad-data',
      `${rows} spectra with ${labels.length} labels and ${weights?.length ?? rows} weights`,
    );
  if (labels.some((label) => label < 0 || label >= plan.classes))
    throw new NetworkError('bad-data', `A label is not one of 0 … ${plan.classes - 1}`);
  return rows;
}

/** @throws NetworkError `bad-state` where the state is not one of this network */
export function checkState(plan: NetworkPlan, { step, ...parts }: TrainerState): void {
  if (!Number.isSafeInteger(step) || step < 0) throw new NetworkError('bad-state', `${step} is no step`);
  for (const [part, arrays] of Object.entries(parts))
    for (const { name, count } of plan.parameters) {
      const length = arrays[name]?.length;
      if (length !== count)
        throw new NetworkError(
          'bad-state',
          `${part} of ${name}: ${length ?? 'no'} values in place of ${count}`,
        );
    }
}

/**
 * What each dropout layer keeps in a step: 1 with probability 1 − rate, else 0. Drawn here, not in TensorFlow, so that
 * every way of running, every backend and every number of threads drops the same values.
 * @returns in the order of the layers; `keep` is batch × values, row by row
 */
export function dropoutMasks(
  { layers }: NetworkPlan,
  seed: number,
  step: number,
  rows: number,
): { layer: string; keep: Uint8Array }[] {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ (step + 1));
  return layers.flatMap(({ name, layer, inputShape }) => {
    if (layer.kind !== 'dropout') return [];
    const keep = new Uint8Array(rows * inputShape.reduce((product, size) => product * size, 1));
    random.fillOnes(keep, 1 - layer.rate);
    return [{ layer: name, keep }];
  });
}
