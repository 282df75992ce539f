import { decided, type StoppingRule } from './stopping-rule.ts';

/**
 * Stops when models agree with their predecessors on a fixed set, several times running (stabilizing predictions;
 * Bloodgood & Vijay-Shanker 2009, who take the mean of three kappas).
 */
export const predictionAgreement: StoppingRule<'prediction_agreement'> = ({ kappa, iterations }, history) => {
  const latest = history.slice(-iterations).flatMap((one) => (one.kappa === undefined ? [] : [one.kappa]));
  if (latest.length < iterations)
    return decided(false, `${latest.length} of ${iterations} pairs of consecutive models can be compared`);
  const least = Math.min(...latest);
  return decided(
    least >= kappa,
    `The least kappa of the last ${iterations} pairs of models is ${least.toFixed(4)}; the rule stops at ${kappa}`,
  );
};
