import { describe, expect, it } from 'vitest';
import { applied, overwritesUnseen } from './answers.ts';

const open = { id: 'x', userLabel: null, decision: null, userComment: null, labelledBy: null };
const labelled = { ...open, userLabel: 'star', labelledBy: 'Ada' };

describe('an answer', () => {
  it.each([
    ['nothing', labelled, {}],
    ['the same by nobody', labelled, { userLabel: 'star' }],
    ['the same by the same', labelled, { userLabel: 'star', labelledBy: 'Ada' }],
    ['that what is open is open', open, { userLabel: null, labelledBy: 'Ada' }],
    ['who has nothing to say', labelled, { labelledBy: 'Grace' }],
  ])('that says %s is none', (_, before, answer) => {
    expect(applied(before, answer)).toBeUndefined();
  });

  it('of somebody else counts even where it is the same, and so does one that settles', () => {
    expect(applied(labelled, { userLabel: 'star', labelledBy: 'Grace' })).toMatchObject({
      userLabel: 'star',
      labelledBy: 'Grace',
      isNewAnswer: true,
    });
    expect(applied(labelled, { userLabel: 'star', settles: true })).toMatchObject({ isNewAnswer: true });
  });

  it('is a label or a decision: each takes the place of the other', () => {
    expect(applied(labelled, { decision: 'unsure' })).toMatchObject({ userLabel: null, decision: 'unsure' });
    const skipped = { ...open, decision: 'skip' as const };
    expect(applied(skipped, { userLabel: 'star' })).toMatchObject({ userLabel: 'star', decision: null });
    expect(applied(skipped, { userLabel: null })).toBeUndefined();
    expect(applied(skipped, { decision: null })).toMatchObject({ userLabel: null, decision: null });
  });

  it('keeps who labelled where only the comment is new', () => {
    expect(applied(labelled, { userComment: 'narrow' })).toMatchObject({
      userLabel: 'star',
      userComment: 'narrow',
      labelledBy: 'Ada',
      isNewAnswer: false,
    });
  });
});

describe('an answer that says what its person has seen', () => {
  const seen = { userLabel: null, decision: null };

  it('overwrites where somebody answered meanwhile', () => {
    expect(overwritesUnseen(open, { userLabel: 'quasar', expected: seen })).toBe(false);
    expect(overwritesUnseen(labelled, { userLabel: 'quasar', expected: seen })).toBe(true);
    expect(overwritesUnseen(labelled, { decision: 'skip', expected: { userLabel: 'galaxy' } })).toBe(true);
    expect(overwritesUnseen(labelled, { userLabel: 'quasar', expected: { userLabel: 'star' } })).toBe(false);
    expect(overwritesUnseen(labelled, { userLabel: 'quasar' })).toBe(false);
  });

  it('may come again, and may agree: neither takes anything away', () => {
    expect(overwritesUnseen(labelled, { userLabel: 'star', labelledBy: 'Ada', expected: seen })).toBe(false);
    expect(overwritesUnseen(labelled, { userLabel: 'star', labelledBy: 'Grace', expected: seen })).toBe(
      false,
    );
  });

  it('compares comments only where it says what the comment was', () => {
    const commented = { ...open, userComment: 'narrow' };
    expect(overwritesUnseen(commented, { userComment: 'wide', expected: { userComment: null } })).toBe(true);
    expect(overwritesUnseen(commented, { userLabel: 'star', expected: seen })).toBe(false);
  });
});
