import { describe, expect, it } from 'vitest';
import { type Labelling, PatchLabelling } from '../../../contracts/labelling.ts';
import {
  actionOfKey,
  type Answer,
  answerOf,
  isOpen,
  neighbourOf,
  nextOpenAfter,
  patchOf,
  withAnswer,
} from './answers.ts';

const labelling = (name: string, answered: Partial<Labelling> = {}): Labelling => ({
  labelling_id: name,
  job_id: 'job',
  spectrum_filename: `${name}.fits`,
  spectrum_set: 'ORACLE',
  sequence_iteration: 0,
  ...answered,
});
const ANSWERS: Answer[] = [
  { kind: 'label', label: 'double peak' },
  { kind: 'decision', decision: 'skip' },
  { kind: 'decision', decision: 'unsure' },
  { kind: 'none' },
];

describe('an answer', () => {
  it.each(ANSWERS)('is read from a labelling as it was written to it: %o', (answer) => {
    for (const before of [labelling('a'), labelling('a', { user_label: 'other', labelled_by: 'Eva' })])
      expect(answerOf(withAnswer(before, answer, 'Ada'))).toEqual(answer);
  });
  it.each(ANSWERS)('becomes a request that the contract takes: %o', (answer) => {
    expect(PatchLabelling.parse(patchOf(answer, 'Ada'))).toMatchObject(
      answer.kind === 'none' ? { user_label: null, decision: null } : { labelled_by: 'Ada' },
    );
  });
  it('that is taken back leaves nobody’s name', () => {
    const taken = withAnswer(
      labelling('a', { decision: 'skip', labelled_by: 'Eva' }),
      { kind: 'none' },
      'Ada',
    );
    expect(taken).toEqual(labelling('a'));
    expect(isOpen(taken)).toBe(true);
  });
});

describe('the way through a batch', () => {
  const list = [
    labelling('a'),
    labelling('b', { user_label: 'other' }),
    labelling('c', { decision: 'skip' }),
    labelling('d'),
  ];
  it('goes to the next spectrum without an answer, and from the end to the start', () => {
    expect(nextOpenAfter(list, undefined)?.labelling_id).toBe('a');
    expect(nextOpenAfter(list, 'a')?.labelling_id).toBe('d');
    expect(nextOpenAfter(list, 'd')?.labelling_id).toBe('a');
  });
  it('ends where no other one is open, whether or not the present one is', () => {
    expect(nextOpenAfter(list.slice(0, 3), 'a')).toBeUndefined();
    expect(nextOpenAfter(list.slice(1, 3), 'b')).toBeUndefined();
  });
  it('goes step by step, and stays at the ends', () => {
    expect(neighbourOf(list, 'b', 1)?.labelling_id).toBe('c');
    expect(neighbourOf(list, 'b', -1)?.labelling_id).toBe('a');
    expect(neighbourOf(list, 'a', -1)?.labelling_id).toBe('a');
    expect(neighbourOf(list, 'd', 1)?.labelling_id).toBe('d');
  });
});

describe('keys', () => {
  const classes = ['other', 'single peak', 'double peak'];
  it('name classes by their place', () => {
    expect(actionOfKey('1', classes)).toEqual({ kind: 'answer', answer: { kind: 'label', label: 'other' } });
    expect(actionOfKey('3', classes)).toEqual({
      kind: 'answer',
      answer: { kind: 'label', label: 'double peak' },
    });
    expect(actionOfKey('4', classes)).toBeUndefined();
    expect(actionOfKey('0', classes)).toBeUndefined();
  });
  it('skip, are unsure, undo and move, with caps lock too', () => {
    expect(actionOfKey('S', classes)).toEqual({
      kind: 'answer',
      answer: { kind: 'decision', decision: 'skip' },
    });
    expect(actionOfKey('u', classes)).toMatchObject({ answer: { decision: 'unsure' } });
    expect(actionOfKey('z', classes)).toEqual({ kind: 'undo' });
    expect(actionOfKey('ArrowLeft', classes)).toEqual({ kind: 'move', step: -1 });
  });
  it('do nothing where they mean nothing', () => {
    for (const key of ['x', 'Enter', 'constructor', 'Tab'])
      expect(actionOfKey(key, classes), key).toBeUndefined();
  });
});
