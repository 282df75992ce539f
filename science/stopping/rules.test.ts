import { describe, expect, it } from 'vitest';
import { StoppingRule } from '../../contracts/active-learning.ts';
import { Random } from '../cnn/random.ts';
import { decideStopping } from './rules.ts';
import type { AuditCount, IterationRecord } from './stopping-rule.ts';

const iteration = (more: Partial<IterationRecord> = {}): IterationRecord => ({ labels: 100, ...more });
const stops = (settings: unknown, history: IterationRecord[]) =>
  decideStopping(StoppingRule.parse(settings), history).stop;

it('goes on without a history, and without a rule for ever', () => {
  for (const rule of [
    'prediction_agreement',
    'overall_uncertainty',
    'classification_change',
    'target_precision',
  ])
    expect(decideStopping(StoppingRule.parse({ rule }), [])).toMatchObject({ stop: false, audit: false });
  expect(stops({ rule: 'label_budget', labels: 1 }, [])).toBe(false);
  const done = iteration({ labels: 1e6, kappa: 1, meanEntropy: 0, changedFraction: 0 });
  expect(
    decideStopping(
      { rule: 'none' },
      Array.from({ length: 9 }, () => done),
    ),
  ).toEqual({
    stop: false,
    audit: false,
    why: 'A person ends this campaign',
  });
});

it('stops when the labels are spent', () => {
  const settings = { rule: 'label_budget', labels: 300 };
  expect(stops(settings, [iteration(), iteration({ labels: 299 })])).toBe(false);
  expect(stops(settings, [iteration(), iteration({ labels: 300 })])).toBe(true);
});

it('stops when models agree several times running', () => {
  const settings = { rule: 'prediction_agreement', kappa: 0.9, iterations: 2 };
  const history = (...kappas: (number | undefined)[]) =>
    kappas.map((kappa) => iteration(kappa === undefined ? {} : { kappa }));
  expect(stops(settings, history(undefined, 0.95))).toBe(false);
  expect(stops(settings, history(undefined, 0.95, 0.9))).toBe(true);
  expect(stops(settings, history(undefined, 0.95, 0.89, 0.95))).toBe(false);
  expect(decideStopping(StoppingRule.parse(settings), history(1, 0.89)).why).toBe(
    'The least kappa of the last 2 pairs of models is 0.8900; the rule stops at 0.9',
  );
});

it('stops when the model is sure of the pool', () => {
  const settings = { rule: 'overall_uncertainty', mean_entropy: 0.02 };
  expect(stops(settings, [iteration({ meanEntropy: 0.01 }), iteration({ meanEntropy: 0.02 })])).toBe(false);
  expect(stops(settings, [iteration({ meanEntropy: 0.03 }), iteration({ meanEntropy: 0.0199 })])).toBe(true);
});

it('stops when hardly any prediction changes, several times running', () => {
  const settings = { rule: 'classification_change', fraction: 0.01, iterations: 2 };
  const history = (...fractions: number[]) =>
    fractions.map((changedFraction) => iteration({ changedFraction }));
  expect(stops(settings, [iteration(), ...history(0)])).toBe(false);
  expect(stops(settings, history(0.5, 0.01, 0))).toBe(true);
  expect(stops(settings, history(0, 0.011))).toBe(false);
});

describe('target precision', () => {
  const settings = StoppingRule.parse({ rule: 'target_precision', precision: 0.9 });
  const estimates = (...rights: number[]) =>
    iteration({ estimates: rights.map((right, i) => ({ class: `class ${i}`, n: 10, right })) });
  const audited = (...counts: Partial<AuditCount>[]) => ({
    ...estimates(10, 10),
    audit: counts.map((one, i) => ({
      class: `class ${i}`,
      n: 100,
      right: 96,
      undecided: 0,
      population: 5000,
      ...one,
    })),
  });

  it('never stops by an estimate: that asks for an audit, where every class looks good', () => {
    expect(decideStopping(settings, [estimates(9, 10)])).toEqual({
      stop: false,
      audit: true,
      why:
        '9 of 10 predicted as class 0 are, 10 of 10 predicted as class 1 are; ' +
        'the rule stops at a precision of 0.9, which an audit is to show',
    });
    expect(decideStopping(settings, [estimates(10, 8)])).toMatchObject({ stop: false, audit: false });
    const nothing = iteration({ estimates: [{ class: 'a', n: 0, right: 0 }] });
    expect(decideStopping(settings, [estimates(10, 10), nothing])).toEqual({
      stop: false,
      audit: false,
      why: 'nothing is predicted as a; the rule stops at a precision of 0.9',
    });
  });

  it('stops when the audit shows it of every class', () => {
    expect(decideStopping(settings, [audited({}, {})])).toEqual({
      stop: true,
      audit: false,
      why:
        'Audit 1: 96 of 100 predicted as class 0 are, precision above 0.901; ' +
        '96 of 100 predicted as class 1 are, precision above 0.901; the rule stops at a precision of 0.9',
    });
    expect(decideStopping(settings, [audited({}, { right: 95 })])).toMatchObject({
      stop: false,
      audit: false,
    });
    expect(decideStopping(settings, [audited({}, { undecided: 1 })])).toMatchObject({ stop: false });
  });

  it('asks more of a later audit, and again for one with the next model', () => {
    const failed = audited({ right: 90 }, {});
    expect(decideStopping(settings, [failed, estimates(10, 10)])).toMatchObject({ stop: false, audit: true });
    expect(decideStopping(settings, [failed, audited({}, {})]).stop).toBe(false);
    expect(decideStopping(settings, [failed, audited({ right: 97 }, { right: 98 })]).stop).toBe(true);
  });

  it('knows the precision of a class that is audited whole', () => {
    const whole = { n: 12, right: 11, population: 12 };
    expect(decideStopping(settings, [audited(whole, {})]).stop).toBe(true);
    expect(decideStopping(settings, [audited({ ...whole, right: 10 }, {})]).stop).toBe(false);
    expect(decideStopping(settings, [audited({ n: 0, right: 0, population: 0 }, {})]).stop).toBe(false);
  });

  it('stops short of its precision in few campaigns, however often they are looked at', () => {
    const random = new Random(11);
    const drawn = (n: number) => {
      let right = 0;
      for (let i = 0; i < n; i++) if (random.uniform() < 0.89) right++;
      return right;
    };
    const campaigns = 300;
    let stopped = 0;
    let audits = 0;
    for (let campaign = 0; campaign < campaigns; campaign++) {
      const history: IterationRecord[] = [];
      for (let i = 0; i < 30; i++) {
        history.push(iteration({ estimates: [{ class: 'a', n: 10, right: drawn(10) }] }));
        if (!decideStopping(settings, history).audit) continue;
        const audit = [{ class: 'a', n: 100, right: drawn(100), undecided: 0, population: 5000 }];
        history[i] = { ...iteration(), audit };
        audits++;
        if (!decideStopping(settings, history).stop) continue;
        stopped++;
        break;
      }
    }
    expect(audits / campaigns).toBeGreaterThan(10);
    expect(stopped / campaigns).toBeLessThan(0.05);
  });
});
