import type { Labelling } from '../../../contracts/labelling.ts';
import { texts } from '../../texts.ts';
import { type Answer, answerOf } from './answers.ts';

/** An answer in a word or two. */
export function saidIn(answer: Answer): string {
  if (answer.kind === 'none') return texts.labelling.open;
  return answer.kind === 'label' ? answer.label : texts.labelling.decisions[answer.decision].label;
}

export const saidOf = (labelling: Labelling): string => saidIn(answerOf(labelling));
