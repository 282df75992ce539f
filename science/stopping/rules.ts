import type { StoppingRule } from '../../contracts/active-learning.ts';
import { classificationChange } from './classification-change.ts';
import { labelBudget } from './label-budget.ts';
import { none } from './none.ts';
import { overallUncertainty } from './overall-uncertainty.ts';
import { predictionAgreement } from './prediction-agreement.ts';
import type { IterationRecord, StoppingDecision } from './stopping-rule.ts';
import { targetPrecision } from './target-precision.ts';

/**
 * Whether a campaign goes on after its newest iteration. Every stopping rule there is: a new one is one file, its
 * settings in the contract and one line here.
 * @param history the oldest iteration first
 */
export function decideStopping(
  settings: StoppingRule,
  history: readonly IterationRecord[],
): StoppingDecision {
  switch (settings.rule) {
    case 'none':
      return none(settings, history);
    case 'label_budget':
      return labelBudget(settings, history);
    case 'prediction_agreement':
      return predictionAgreement(settings, history);
    case 'overall_uncertainty':
      return overallUncertainty(settings, history);
    case 'classification_change':
      return classificationChange(settings, history);
    case 'target_precision':
      return targetPrecision(settings, history);
  }
}
