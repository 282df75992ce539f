import { describe, expect, it } from 'vitest';
import type { Labelling } from '../../../contracts/labelling.ts';
import {
  actionOfKey,
  answerOf,
  firstOpenFor,
  isSameAnswer,
  nameOfKey,
  neighbourOf,
  nextOpenAfter,
  patchOf,
  seenAnswerOf,
  seenCommentOf,
  withPatch,
} from './answers.ts';

const labelling = (id: string, said: Partial<Labelling> = {}): Labelling => ({
  labelling_id: id,
  job_id: 'job',
  spectrum_filename: `${id}.fits`,
  spectrum_set: 'ORACLE',
  sequence_iteration: 0,
  ...said,
});
const LABELLED = labelling('b', { user_label: 'hot', labelled_by: 'Ada' });

describe('an answer', () => {
  it('is a label, a decision or nothing', () => {
    expect(answerOf(LABELLED)).toEqual({ kind: 'label', label: 'hot' });
    expect(answerOf(labelling('a', { decision: 'skip' }))).toEqual({ kind: 'decision', decision: 'skip' });
    expect(answerOf(labelling('a'))).toEqual({ kind: 'none' });
  });

  it.each([
    [{ kind: 'label', label: 'hot' }, 'hot', undefined],
    [{ kind: 'decision', decision: 'unsure' }, undefined, 'unsure'],
    [{ kind: 'none' }, undefined, undefined],
  ] as const)('shows on the page what its request asks for: %o', (answer, user_label, decision) => {
    for (const before of [labelling('a'), LABELLED, labelling('a', { decision: 'skip' })]) {
      const after = withPatch(before, patchOf(answer, 'Eva'));
      expect([after.user_label, after.decision]).toEqual([user_label, decision]);
      expect(after.labelled_by).toBe(answer.kind === 'none' ? undefined : 'Eva');
      expect(isSameAnswer(answerOf(after), answer)).toBe(true);
    }
  });

  it('is another one where it differs', () => {
    const hot = { kind: 'label', label: 'hot' } as const;
    expect(isSameAnswer(hot, { kind: 'label', label: 'cool' })).toBe(false);
    expect(isSameAnswer(hot, { kind: 'none' })).toBe(false);
    expect(
      isSameAnswer({ kind: 'decision', decision: 'skip' }, { kind: 'decision', decision: 'unsure' }),
    ).toBe(false);
  });

  it('and a comment leave each other alone', () => {
    const commented = withPatch(LABELLED, { user_comment: 'narrow', labelled_by: 'Eva' });
    expect(commented).toMatchObject({ user_label: 'hot', labelled_by: 'Ada', user_comment: 'narrow' });
    expect(withPatch(commented, patchOf({ kind: 'none' }, 'Ada')).user_comment).toBe('narrow');
    expect(withPatch(commented, { user_comment: null })).not.toHaveProperty('user_comment');
    expect(seenAnswerOf(commented)).toEqual({ user_label: 'hot', decision: null });
    expect(seenCommentOf(commented)).toEqual({ user_comment: 'narrow' });
  });
});

describe('the way through a batch', () => {
  const list = [labelling('a'), LABELLED, labelling('c'), labelling('d', { decision: 'skip' })];

  it('goes to the next open spectrum, around the end', () => {
    expect(nextOpenAfter(list, 'a')?.labelling_id).toBe('c');
    expect(nextOpenAfter(list, 'c')?.labelling_id).toBe('a');
    expect(nextOpenAfter(list, undefined)?.labelling_id).toBe('a');
    expect(nextOpenAfter([LABELLED], 'b')).toBeUndefined();
  });

  it('goes step by step, and stops at the ends', () => {
    expect(neighbourOf(list, 'a', 1)?.labelling_id).toBe('b');
    expect(neighbourOf(list, 'a', -1)?.labelling_id).toBe('a');
    expect(neighbourOf(list, 'd', 1)?.labelling_id).toBe('d');
  });

  it('begins at the start for who is alone, and elsewhere for whom others label beside', () => {
    const batch = Array.from({ length: 9 }, (_, index) => labelling(String(index)));
    expect(firstOpenFor(batch, 'Eva')?.labelling_id).toBe('0');
    const shared = batch.map((one, index) =>
      index === 0 || index === 6
        ? { ...one, user_label: 'hot', labelled_by: index === 0 ? 'Ada' : 'Grace' }
        : one,
    );
    expect(firstOpenFor(shared, 'Ada')?.labelling_id).toBe('1');
    expect(firstOpenFor(shared, 'Eva')?.labelling_id).toBe('3');
    expect(firstOpenFor(shared, 'Grace')?.labelling_id).toBe('4');
    expect(firstOpenFor([LABELLED], 'Eva')).toBeUndefined();
  });
});

describe('a key', () => {
  it('is a class by its number, or a command', () => {
    expect(actionOfKey('2', ['hot', 'cool'])).toEqual({
      kind: 'answer',
      answer: { kind: 'label', label: 'cool' },
    });
    expect(actionOfKey('3', ['hot', 'cool'])).toBeUndefined();
    expect(actionOfKey('?', [])).toEqual({
      kind: 'answer',
      answer: { kind: 'decision', decision: 'unsure' },
    });
    expect(actionOfKey('U', [])).toEqual({ kind: 'undo' });
    expect(actionOfKey('Enter', [])).toEqual({ kind: 'accept' });
    expect(actionOfKey('constructor', [])).toBeUndefined();
    expect(actionOfKey('q', [])).toBeUndefined();
  });
  it('is a class beyond the ninth with Shift, whatever sign that makes', () => {
    const shifted = (key: string) => nameOfKey({ key, code: 'Digit1', shiftKey: true });
    const classes = Array.from({ length: 10 }, (_, index) => `class ${index + 1}`);
    const tenth = { kind: 'answer', answer: { kind: 'label', label: 'class 10' } };
    expect(actionOfKey(shifted('!'), classes)).toEqual(tenth);
    expect(actionOfKey(shifted('!'), classes.slice(1))).toBeUndefined();
    // A French keyboard types digits with Shift.
    expect(shifted('1')).toBe('1');
  });
});
