import type { StoppingRule as StoppingSettings } from '../../contracts/active-learning.ts';

/** What stopping rules know of an iteration; of one without a model the labels alone. */
export interface IterationRecord {
  /** Labels that people have given up to here. */
  readonly labels: number;
  /** Cohen's kappa of this model's predictions of a fixed set and its predecessor's; absent of the first model. */
  readonly kappa?: number;
  /** Fraction of the pool, 0 … 1, that this model predicts as another class than its predecessor; absent of the first. */
  readonly changedFraction?: number;
  /** Mean entropy of the pool's predictions, in nats. */
  readonly meanEntropy?: number;
  /** What the performance-estimation sample says, one a candidate class; absent while its labels are not there. */
  readonly estimates?: readonly ClassCount[];
  /** What a fresh sample for an audit of this model says, one a candidate class. */
  readonly audit?: readonly AuditCount[];
}

export interface ClassCount {
  /** Name of the class that the rows are predicted as. */
  readonly class: string;
  /** Rows with a label, and those of them that are labelled so. */
  readonly n: number;
  readonly right: number;
}

export interface AuditCount extends ClassCount {
  /** Rows of the sample of which a person could not say what they are. */
  readonly undecided: number;
  /** Rows that the sample was drawn from. */
  readonly population: number;
}

export interface StoppingDecision {
  readonly stop: boolean;
  /** Whether an audit is asked for: the rule decides again once the iteration has it. */
  readonly audit: boolean;
  /** A sentence for the researcher, whatever the decision. */
  readonly why: string;
}

export type RuleName = StoppingSettings['rule'];
export type SettingsOf<Name extends RuleName> = Extract<StoppingSettings, { rule: Name }>;

/** @param history the oldest iteration first */
export type StoppingRule<Name extends RuleName> = (
  settings: SettingsOf<Name>,
  history: readonly IterationRecord[],
) => StoppingDecision;

export function decided(stop: boolean, why: string): StoppingDecision {
  return { stop, audit: false, why };
}
