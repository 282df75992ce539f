import type { Decision, Labelling, PatchLabelling } from '../../../contracts/labelling.ts';

/** What a person says to a spectrum: its class, that it is left out, that they cannot tell, or nothing (yet, or any more). */
export type Answer =
  { kind: 'label'; label: string } | { kind: 'decision'; decision: Decision } | { kind: 'none' };

export function answerOf({ user_label, decision }: Pick<Labelling, 'user_label' | 'decision'>): Answer {
  if (user_label !== undefined) return { kind: 'label', label: user_label };
  return decision === undefined ? { kind: 'none' } : { kind: 'decision', decision };
}

export function isOpen(labelling: Labelling): boolean {
  return answerOf(labelling).kind === 'none';
}

export function isSameAnswer(one: Answer, other: Answer): boolean {
  if (one.kind === 'label') return other.kind === 'label' && one.label === other.label;
  if (one.kind === 'decision') return other.kind === 'decision' && one.decision === other.decision;
  return other.kind === 'none';
}

/** The request that saves an answer. */
export function patchOf(answer: Answer, person: string): PatchLabelling {
  if (answer.kind === 'label') return { user_label: answer.label, labelled_by: person };
  if (answer.kind === 'decision') return { decision: answer.decision, labelled_by: person };
  return { user_label: null, decision: null, labelled_by: null };
}

/** What a person has seen of the answer to a spectrum: the server refuses to change it where it is otherwise by then. */
export function seenAnswerOf(labelling: Labelling): NonNullable<PatchLabelling['expected']> {
  return { user_label: labelling.user_label ?? null, decision: labelling.decision ?? null };
}

/** The same of its comment: who comments does not mind another answer, and the other way round. */
export function seenCommentOf(labelling: Labelling): NonNullable<PatchLabelling['expected']> {
  return { user_comment: labelling.user_comment ?? null };
}

/** The labelling as it will be once a request to change it is taken. */
export function withPatch(labelling: Labelling, patch: PatchLabelling): Labelling {
  const changed = { ...labelling };
  if (patch.user_comment !== undefined) {
    delete changed.user_comment;
    if (patch.user_comment !== null) changed.user_comment = patch.user_comment;
  }
  if (patch.user_label === undefined && patch.decision === undefined) return changed;
  delete changed.user_label;
  delete changed.decision;
  delete changed.labelled_by;
  if (typeof patch.user_label === 'string') changed.user_label = patch.user_label;
  else if (typeof patch.decision === 'string') changed.decision = patch.decision;
  else return changed;
  if (typeof patch.labelled_by === 'string') changed.labelled_by = patch.labelled_by;
  return changed;
}

interface Listed {
  labelling_id: string;
}

/** The spectrum before or after in the list; the same at its ends. */
export function neighbourOf<T extends Listed>(list: readonly T[], id: string, step: 1 | -1): T | undefined {
  const at = list.findIndex(({ labelling_id }) => labelling_id === id);
  return list[Math.min(Math.max(at + step, 0), list.length - 1)];
}

/** The next spectrum without an answer after this one, from the start of the list again at its end; undefined where there is none. */
export function nextOpenAfter(list: readonly Labelling[], id: string | undefined): Labelling | undefined {
  const at = list.findIndex(({ labelling_id }) => labelling_id === id);
  return [...list.slice(at + 1), ...list.slice(0, at + 1)].find(
    (labelling) => labelling.labelling_id !== id && isOpen(labelling),
  );
}

/**
 * Where a person begins. Several people share a batch out by their names, so that they meet late and not at every spectrum;
 * who is alone begins at its start, with the most instructive.
 */
export function firstOpenFor(list: readonly Labelling[], person: string): Labelling | undefined {
  const people = [...new Set([person, ...list.flatMap((one) => one.labelled_by ?? [])])].sort();
  const start = Math.floor((people.indexOf(person) * list.length) / people.length);
  return [...list.slice(start), ...list.slice(0, start)].find(isOpen);
}

export type Action =
  | { kind: 'answer'; answer: Answer }
  | { kind: 'move'; step: 1 | -1 }
  | { kind: 'line'; step: 1 | -1 }
  | { kind: 'smooth'; step: 1 | -1 }
  | {
      kind:
        | 'accept'
        | 'undo'
        | 'comment'
        | 'raw'
        | 'lines'
        | 'everything'
        | 'outliers'
        | 'blind'
        | 'similar'
        | 'next-open';
    };

const DIGITS = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];
/** Keys of the first classes, in their order, from the tenth on with Shift; further classes have buttons only. */
export const CLASS_KEYS = [...DIGITS, ...DIGITS.map((digit) => `⇧${digit}`)];

/** The name of a key: with Shift a digit is another sign on each keyboard, but the same key. */
export function nameOfKey({ key, code, shiftKey }: Pick<KeyboardEvent, 'key' | 'code' | 'shiftKey'>): string {
  const [, digit] = /^Digit([1-9])$/.exec(code) ?? [];
  // Where digits themselves are typed with Shift (French), they are the first classes.
  return digit !== undefined && shiftKey && !/\d/.test(key) ? `⇧${digit}` : key;
}

/** What a key does; undefined where it does nothing here. */
export function actionOfKey(key: string, classes: readonly string[]): Action | undefined {
  const label = classes[CLASS_KEYS.indexOf(key)];
  if (label !== undefined) return { kind: 'answer', answer: { kind: 'label', label } };
  const actions: Record<string, Action> = {
    Enter: { kind: 'accept' },
    '?': { kind: 'answer', answer: { kind: 'decision', decision: 'unsure' } },
    s: { kind: 'answer', answer: { kind: 'decision', decision: 'skip' } },
    u: { kind: 'undo' },
    c: { kind: 'comment' },
    z: { kind: 'line', step: 1 },
    x: { kind: 'line', step: -1 },
    0: { kind: 'everything' },
    l: { kind: 'lines' },
    r: { kind: 'raw' },
    '.': { kind: 'smooth', step: 1 },
    ',': { kind: 'smooth', step: -1 },
    y: { kind: 'outliers' },
    b: { kind: 'blind' },
    m: { kind: 'similar' },
    n: { kind: 'next-open' },
    ArrowLeft: { kind: 'move', step: -1 },
    ArrowRight: { kind: 'move', step: 1 },
  };
  // Caps lock is no reason to do nothing.
  const name = key.length === 1 ? key.toLowerCase() : key;
  return Object.hasOwn(actions, name) ? actions[name] : undefined;
}
