/** Key of an answer that is not saved yet, in the browser's storage; the id of its labelling follows. */
export const KEPT_ANSWER = 'spectrolabe.unsaved-answer.';

/** Keys of the answers that are not saved yet, of this page or an earlier one. */
export function keptAnswers(storage: Pick<Storage, 'key' | 'length'>): string[] {
  return Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '').filter((key) =>
    key.startsWith(KEPT_ANSWER),
  );
}
