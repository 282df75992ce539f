import { decided, type StoppingRule } from './stopping-rule.ts';

/**
 * Stops when the model is sure of the pool as a whole (Zhu, Wang & Hovy 2008). A network may be sure and wrong: this
 * says that it asks for nothing more, not that it is right.
 */
export const overallUncertainty: StoppingRule<'overall_uncertainty'> = (settings, history) => {
  const meanEntropy = history.at(-1)?.meanEntropy;
  if (meanEntropy === undefined) return decided(false, 'No model has scored the pool yet');
  return decided(
    meanEntropy < settings.mean_entropy,
    `The mean entropy is ${meanEntropy.toFixed(4)}; the rule stops below ${settings.mean_entropy}`,
  );
};
