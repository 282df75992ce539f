import type { Labelling } from '../../../contracts/labelling.ts';
import { isOpen } from './answers.ts';

export interface BatchProgress {
  total: number;
  done: number;
  /** Answered by the person who looks at it. */
  mine: number;
  /** Answered by others, who did most first. */
  others: readonly { person: string | undefined; count: number }[];
}

/** How far a batch is, and by whom. */
export function batchProgress(list: readonly Labelling[], person: string): BatchProgress {
  const counts = new Map<string | undefined, number>();
  for (const one of list)
    if (!isOpen(one)) counts.set(one.labelled_by, (counts.get(one.labelled_by) ?? 0) + 1);
  const mine = counts.get(person) ?? 0;
  counts.delete(person);
  const others = [...counts].map(([name, count]) => ({ person: name, count }));
  others.sort((a, b) => b.count - a.count);
  const done = others.reduce((sum, { count }) => sum + count, mine);
  return { total: list.length, done, mine, others };
}
