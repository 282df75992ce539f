import { proportionLowerBound } from '../metrics/proportion.ts';
import {
  decided,
  type AuditCount,
  type ClassCount,
  type IterationRecord,
  type SettingsOf,
  type StoppingDecision,
  type StoppingRule,
} from './stopping-rule.ts';

type Settings = SettingsOf<'target_precision'>;

/** How sure the audits of a campaign are, all together. */
const CONFIDENCE = 0.95;

/**
 * Stops when an audit shows that every candidate class has the precision asked for. The samples of the iterations are
 * small, and one of many looks good by luck, so they only ask for the audit: when the newest has the precision in every
 * class.
 *
 * An audit passes when the Clopper–Pearson bound of every class does. The k-th audit of a campaign is held to the part
 * 1 / k(k + 1) of the error, parts that add up to one: however many audits a campaign has, it stops short of its
 * precision with a probability of 5 % at most. The bound of the first is that of the usual 95 % interval: of 100, 96
 * have to be right for 0.9. A row of which a person could not say what it is counts as wrong. Of a class that is audited
 * whole, the precision is known.
 */
export const targetPrecision: StoppingRule<'target_precision'> = (settings, history) => {
  const latest = history.at(-1);
  if (latest?.audit !== undefined) return decideByAudit(latest.audit, settings, countAudits(history));
  if (latest?.estimates === undefined) return decided(false, 'There is no estimate of the precision yet');
  const below = latest.estimates.find((one) => one.n === 0 || one.right / one.n < settings.precision);
  if (latest.estimates.length === 0 || below !== undefined)
    return decided(false, `${below === undefined ? 'No class' : shareOf(below)}; ${aim(settings)}`);
  const found = latest.estimates.map(shareOf).join(', ');
  return { stop: false, audit: true, why: `${found}; ${aim(settings)}, which an audit is to show` };
};

function decideByAudit(audit: readonly AuditCount[], settings: Settings, audits: number): StoppingDecision {
  const confidence = 1 - (1 - CONFIDENCE) / (audits * (audits + 1));
  const results = audit.map((one) => {
    const n = one.n + one.undecided;
    const whole = n > 0 && n === one.population;
    const bound = whole ? one.right / n : proportionLowerBound(one.right, n, confidence);
    const surely = whole ? 'exactly' : `above ${bound.toFixed(3)}`;
    return { passes: bound >= settings.precision, text: `${shareOf({ ...one, n })}, precision ${surely}` };
  });
  return decided(
    results.length > 0 && results.every(({ passes }) => passes),
    `Audit ${audits}: ${results.map(({ text }) => text).join('; ')}; ${aim(settings)}`,
  );
}

function countAudits(history: readonly IterationRecord[]): number {
  return history.filter(({ audit }) => audit !== undefined).length;
}

function shareOf({ class: name, n, right }: ClassCount): string {
  return n === 0 ? `nothing is predicted as ${name}` : `${right} of ${n} predicted as ${name} are`;
}

function aim({ precision }: Settings): string {
  return `the rule stops at a precision of ${precision}`;
}
