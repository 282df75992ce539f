import { decided, type StoppingRule } from './stopping-rule.ts';

/** Stops when people have given as many labels as they would. */
export const labelBudget: StoppingRule<'label_budget'> = ({ labels: budget }, history) => {
  const labels = history.at(-1)?.labels ?? 0;
  return decided(labels >= budget, `${labels} labels of ${budget}`);
};
