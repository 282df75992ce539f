import { EPOCH_METRICS, type EpochMetric } from '../../../contracts/training.ts';

/** The numbers of one epoch; those that were not told are absent. */
export type Epoch = { step: number } & Partial<Record<EpochMetric, number>>;

interface ToldMetric {
  id: number;
  name: string;
  step?: number | undefined;
  value: number;
}

const isEpochMetric = (name: string): name is EpochMetric => EPOCH_METRICS.some((one) => one === name);

/**
 * Epochs, rising, out of what `/metrics` and the event stream told, in any order and partly twice. The newest value
 * (of the highest id) of a name and step counts. Where a step is told again (a fit resumed after a crash, or started
 * over with another seed), what an earlier attempt said of later steps is forgotten: it is not of this fit.
 */
export function epochsOf(...sources: readonly (readonly ToldMetric[])[]): Epoch[] {
  const byId = new Map(sources.flat().map((metric) => [metric.id, metric]));
  const steps = new Map<EpochMetric, Map<number, number>>();
  for (const { name, step, value } of [...byId.values()].sort((a, b) => a.id - b.id)) {
    if (step === undefined || !isEpochMetric(name)) continue;
    const values = steps.get(name) ?? new Map<number, number>();
    steps.set(name, values);
    if (values.has(step)) for (const told of [...values.keys()]) if (told > step) values.delete(told);
    values.set(step, value);
  }
  const epochs = new Map<number, Epoch>();
  for (const [name, values] of steps)
    for (const [step, value] of values) epochs.set(step, { step, ...epochs.get(step), [name]: value });
  return [...epochs.values()].sort((a, b) => a.step - b.step);
}

/**
 * How many more epochs without improvement end the training, as early stopping counts them (Keras' EarlyStopping);
 * undefined before the first epoch.
 */
export function epochsUntilStop(
  epochs: readonly Epoch[],
  { monitor, min_delta, patience }: { monitor: 'loss' | 'val_loss'; min_delta: number; patience: number },
): number | undefined {
  let best = Infinity;
  let bestStep: number | undefined;
  for (const epoch of epochs) {
    const value = epoch[monitor];
    if (value === undefined || value + min_delta >= best) continue;
    best = value;
    bestStep = epoch.step;
  }
  const last = epochs.at(-1);
  return bestStep === undefined || !last ? undefined : Math.max(0, patience - (last.step - bestStep));
}

/** The epoch where the monitored loss is lowest: the first of equals; undefined before the first epoch. */
export function bestEpochOf(epochs: readonly Epoch[], monitor: 'loss' | 'val_loss'): Epoch | undefined {
  return epochs.reduce<Epoch | undefined>((best, epoch) => {
    const value = epoch[monitor];
    return value !== undefined && value < (best?.[monitor] ?? Infinity) ? epoch : best;
  }, undefined);
}
