import type { Decision, Labelling, PatchLabelling } from '../../../contracts/labelling.ts';

/** What a person says to a spectrum: its class, that it is left out, that they cannot tell, or nothing (yet, or any more). */
export type Answer =
  { kind: 'label'; label: string } | { kind: 'decision'; decision: Decision } | { kind: 'none' };

export function answerOf({ user_label, decision }: Labelling): Answer {
  if (user_label !== undefined) return { kind: 'label', label: user_label };
  return decision === undefined ? { kind: 'none' } : { kind: 'decision', decision };
}

export function isOpen(labelling: Labelling): boolean {
  return answerOf(labelling).kind === 'none';
}

/** The request that saves an answer. */
export function patchOf(answer: Answer, person: string): PatchLabelling {
  if (answer.kind === 'label') return { user_label: answer.label, labelled_by: person };
  if (answer.kind === 'decision') return { decision: answer.decision, labelled_by: person };
  return { user_label: null, decision: null, labelled_by: null };
}

/** The labelling as it will be once the answer is saved. */
export function withAnswer(labelling: Labelling, answer: Answer, person: string): Labelling {
  const answered = { ...labelling };
  delete answered.user_label;
  delete answered.decision;
  delete answered.labelled_by;
  if (answer.kind === 'label') return { ...answered, user_label: answer.label, labelled_by: person };
  if (answer.kind === 'decision') return { ...answered, decision: answer.decision, labelled_by: person };
  return answered;
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

export type Action =
  | { kind: 'answer'; answer: Answer }
  | { kind: 'undo' }
  | { kind: 'move'; step: 1 | -1 }
  | { kind: 'raw' }
  | { kind: 'predictions' };

/** Keys of the first classes, in their order; further classes have buttons only. */
export const CLASS_KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];

/** What a key does; undefined where it does nothing here. */
export function actionOfKey(key: string, classes: readonly string[]): Action | undefined {
  const label = classes[CLASS_KEYS.indexOf(key)];
  if (label !== undefined) return { kind: 'answer', answer: { kind: 'label', label } };
  const actions: Record<string, Action> = {
    u: { kind: 'answer', answer: { kind: 'decision', decision: 'unsure' } },
    s: { kind: 'answer', answer: { kind: 'decision', decision: 'skip' } },
    z: { kind: 'undo' },
    r: { kind: 'raw' },
    p: { kind: 'predictions' },
    ArrowLeft: { kind: 'move', step: -1 },
    ArrowRight: { kind: 'move', step: 1 },
  };
  // Caps lock is no reason to do nothing.
  const name = key.length === 1 ? key.toLowerCase() : key;
  return Object.hasOwn(actions, name) ? actions[name] : undefined;
}
