import { describe, expect, it } from 'vitest';
import { oracleAnswer } from './label.ts';

const CLASSES = ['star', 'galaxy', 'Be star'];
const oracle = (errorRate: number, seed = 0) => ({
  labels: new Map([
    ['a.fits', 'star'],
    ['b.fits', '2'],
    ['c.fits', 'quasar'],
  ]),
  errorRate,
  seed,
  labelledBy: 'oracle',
});

describe('the simulated oracle', () => {
  it('answers with the known label, whatever the compression, and an index with the name of its class', () => {
    const star = { answer: { user_label: 'star', labelled_by: 'oracle' }, wrong: false };
    expect(oracleAnswer(oracle(0), 'a.fits', CLASSES)).toEqual(star);
    expect(oracleAnswer(oracle(0), 'a.fits.gz', CLASSES)).toEqual(star);
    expect(oracleAnswer(oracle(0), 'b.fits', CLASSES).answer).toMatchObject({ user_label: 'Be star' });
  });

  it('skips a spectrum that it does not know, and says so of a label that is no class', () => {
    expect(oracleAnswer(oracle(1), 'unknown.fits', CLASSES).answer).toEqual({
      decision: 'skip',
      labelled_by: 'oracle',
    });
    expect(() => oracleAnswer(oracle(0), 'c.fits', CLASSES)).toThrow(RangeError);
  });

  it('errs as often as it is told to, with any other class, and always the same for one seed', () => {
    const labels = new Map(Array.from({ length: 4000 }, (_, i) => [`spec-${i}.fits`, 'star']));
    const answers = (seed: number) =>
      [...labels.keys()].map((name) => oracleAnswer({ ...oracle(0.25, seed), labels }, name, CLASSES));
    const given = answers(1);
    const wrong = given.filter((one) => one.wrong);
    // Three standard deviations of a binomial draw.
    expect(Math.abs(wrong.length - 1000)).toBeLessThan(3 * Math.sqrt(4000 * 0.25 * 0.75));
    const galaxies = wrong.filter(({ answer }) => answer.user_label === 'galaxy').length;
    expect(Math.abs(galaxies - wrong.length / 2)).toBeLessThan(3 * Math.sqrt(wrong.length / 4));
    expect(wrong.every(({ answer }) => answer.user_label !== 'star')).toBe(true);
    expect(answers(1)).toEqual(given);
    expect(answers(2)).not.toEqual(given);
  });
});
