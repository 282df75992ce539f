import { decided, type StoppingRule } from './stopping-rule.ts';

/** Stops when hardly any prediction changes any more (Zhu, Wang & Hovy 2008: none in two iterations). */
export const classificationChange: StoppingRule<'classification_change'> = (
  { fraction, iterations },
  history,
) => {
  const latest = history
    .slice(-iterations)
    .flatMap((one) => (one.changedFraction === undefined ? [] : [one.changedFraction]));
  if (latest.length < iterations)
    return decided(false, `${latest.length} of ${iterations} pairs of consecutive models can be compared`);
  const most = Math.max(...latest);
  return decided(
    most <= fraction,
    `${most.toPrecision(2)} of the pool at most changed its class in each of the last ${iterations} iterations; ` +
      `the rule stops at ${fraction}`,
  );
};
