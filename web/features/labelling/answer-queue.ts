import { z } from 'zod';
import { type Labelling, PatchLabelling } from '../../../contracts/labelling.ts';
import { ApiFailure, countsAsReachable } from '../../api-client/http.ts';
import { seenAnswerOf, seenCommentOf } from './answers.ts';
import { KEPT_ANSWER, keptAnswers } from './kept-answers.ts';

const RETRY_MS = 2000;
/** `code` of the refusal of an answer that would take the place of one that its person has not seen. */
const ANSWERED_MEANWHILE = 'answered_meanwhile';

/** An answer, or a comment, on its way to the server. */
const UnsavedAnswer = z.object({
  jobId: z.string(),
  labellingId: z.string(),
  filename: z.string(),
  patch: PatchLabelling,
});
export type UnsavedAnswer = z.infer<typeof UnsavedAnswer>;

/** What somebody else said meanwhile of a spectrum that an unsaved answer is of. */
export interface Conflict {
  mine: UnsavedAnswer;
  theirs: Labelling;
}

export type QueueEvent =
  | { kind: 'saved'; labelling: Labelling }
  | { kind: 'refused'; answer: UnsavedAnswer; failure: ApiFailure }
  /** Kept in this page only: the browser has no room for it. */
  | { kind: 'not-kept' };

export interface QueueState {
  /** By labelling, in the order in which they were given. */
  unsaved: ReadonlyMap<string, UnsavedAnswer>;
  conflicts: ReadonlyMap<string, Conflict>;
  /** The server is away; it is asked again and again. */
  isRetrying: boolean;
}

type KeptIn = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>;

export interface AnswerQueue {
  state(): QueueState;
  /** Saves an answer, at once where the server is there. One to a spectrum that has an unsaved one takes its place. */
  give(answer: UnsavedAnswer): void;
  /** Goes on with what an earlier page could not save. */
  resume(): void;
  /** Asks the server again now, not at the next try. */
  retry(): void;
  /** Ends a conflict: drops one's own answer, or gives it in sight of the other. */
  settle(labellingId: string, keep: 'theirs' | 'mine'): void;
  subscribe(listener: (event: QueueEvent | undefined) => void): () => void;
}

/**
 * Answers on their way: one after the other, in the order in which they were given, each kept in the browser until the server
 * has it. What the server cannot take because it is away is tried again, also by the next page; what somebody else has
 * answered meanwhile becomes a conflict, for the person to decide; what it refuses otherwise is given up, and told.
 */
export function createAnswerQueue({
  storage,
  patch,
  read,
  retryMs = RETRY_MS,
}: {
  storage: KeptIn;
  patch: (labellingId: string, patch: PatchLabelling) => Promise<Labelling>;
  read: (labellingId: string) => Promise<Labelling>;
  retryMs?: number;
}): AnswerQueue {
  const unsaved = new Map<string, UnsavedAnswer>();
  const conflicts = new Map<string, Conflict>();
  /** Those that are not in the storage: it would not take them. */
  const unkept = new Set<string>();
  const listeners = new Set<(event: QueueEvent | undefined) => void>();
  let isRetrying = false;
  let isSaving = false;
  let again: ReturnType<typeof setTimeout> | undefined;

  const tell = (event?: QueueEvent) => {
    for (const listener of listeners) listener(event);
  };
  function keep(answer: UnsavedAnswer) {
    try {
      storage.setItem(KEPT_ANSWER + answer.labellingId, JSON.stringify(answer));
      unkept.delete(answer.labellingId);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      unkept.add(answer.labellingId);
      tell({ kind: 'not-kept' });
    }
  }
  function put(answer: UnsavedAnswer) {
    unsaved.set(answer.labellingId, answer);
    keep(answer);
  }
  function forget(answer: UnsavedAnswer) {
    unsaved.delete(answer.labellingId);
    unkept.delete(answer.labellingId);
    storage.removeItem(KEPT_ANSWER + answer.labellingId);
  }
  /** Another page of this browser may have saved it, or put a newer one in its place. */
  function isStillOurs(answer: UnsavedAnswer): boolean {
    return (
      unkept.has(answer.labellingId) ||
      storage.getItem(KEPT_ANSWER + answer.labellingId) === JSON.stringify(answer)
    );
  }

  async function takeConflict(answer: UnsavedAnswer): Promise<void> {
    const { labellingId: id } = answer;
    const theirs = await read(id);
    const mine = unsaved.get(id) ?? answer;
    const person = mine.patch.labelled_by ?? undefined;
    // One's own answer, whose confirmation was lost or that another window gave: nobody else is overwritten.
    if (person !== undefined && theirs.labelled_by === person)
      put({
        ...mine,
        patch: { ...mine.patch, expected: { ...seenAnswerOf(theirs), ...seenCommentOf(theirs) } },
      });
    else {
      unsaved.delete(id);
      conflicts.set(id, { mine, theirs });
    }
    tell();
  }

  async function saveOne(answer: UnsavedAnswer): Promise<void> {
    const { labellingId: id } = answer;
    if (!isStillOurs(answer)) {
      unsaved.delete(id);
      tell();
      return;
    }
    let labelling: Labelling;
    try {
      labelling = await patch(id, answer.patch);
    } catch (failure) {
      if (!(failure instanceof ApiFailure) || isPassing(failure.status)) throw failure;
      isRetrying = false;
      if (failure.code === ANSWERED_MEANWHILE) await takeConflict(answer);
      else {
        forget(answer);
        tell({ kind: 'refused', answer, failure });
      }
      return;
    }
    isRetrying = false;
    // A newer answer may have been given to it meanwhile, on top of this one.
    const newer = unsaved.get(id);
    if (newer === answer) forget(answer);
    else if (newer)
      put({
        ...newer,
        patch: { ...newer.patch, expected: { ...newer.patch.expected, ...statedOf(answer.patch) } },
      });
    tell({ kind: 'saved', labelling });
  }

  async function saveAll(): Promise<void> {
    if (isSaving) return;
    isSaving = true;
    clearTimeout(again);
    try {
      for (let [next] = unsaved.values(); next; [next] = unsaved.values()) await saveOne(next);
    } catch (failure) {
      isRetrying = true;
      again = setTimeout(() => void saveAll(), retryMs);
      tell();
      if (!(failure instanceof ApiFailure)) throw failure;
    } finally {
      isSaving = false;
    }
  }

  return {
    state: () => ({ unsaved, conflicts, isRetrying }),
    give(answer) {
      const { labellingId: id } = answer;
      const before = unsaved.get(id) ?? conflicts.get(id)?.mine;
      const patch = before ? onTopOf(before.patch, answer.patch) : answer.patch;
      conflicts.delete(id);
      // Deleted first: the newest answer goes to the end of the queue.
      unsaved.delete(id);
      put({ ...answer, patch });
      tell();
      if (!isRetrying) void saveAll();
    },
    resume() {
      for (const key of keptAnswers(storage)) {
        const kept = readKept(storage.getItem(key));
        if (!kept) storage.removeItem(key);
        // Written again: what is read back has its fields in another order.
        else if (!unsaved.has(kept.labellingId) && !conflicts.has(kept.labellingId)) put(kept);
      }
      tell();
      void saveAll();
    },
    retry: () => void saveAll(),
    settle(labellingId, choice) {
      const conflict = conflicts.get(labellingId);
      if (!conflict) return;
      conflicts.delete(labellingId);
      const { mine, theirs } = conflict;
      if (choice === 'theirs') {
        forget(mine);
        tell({ kind: 'saved', labelling: theirs });
        return;
      }
      put({
        ...mine,
        patch: { ...mine.patch, expected: { ...seenAnswerOf(theirs), ...seenCommentOf(theirs) } },
      });
      tell();
      void saveAll();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Two requests to change one labelling as one. What was there is what was there before the first of them. */
function onTopOf(before: PatchLabelling, newer: PatchLabelling): PatchLabelling {
  const merged = { ...before, ...newer, expected: { ...newer.expected, ...before.expected } };
  if (typeof newer.user_label === 'string') delete merged.decision;
  if (typeof newer.decision === 'string') delete merged.user_label;
  return merged;
}

function readKept(text: string | null): UnsavedAnswer | undefined {
  try {
    return UnsavedAnswer.safeParse(JSON.parse(text ?? '')).data;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** What is there once a request was taken, of what it changes. */
function statedOf({ user_label, decision, user_comment }: PatchLabelling): PatchLabelling['expected'] {
  return {
    ...(typeof user_label === 'string' && { user_label, decision: null }),
    ...(typeof decision === 'string' && { user_label: null, decision }),
    ...(user_label === null && { user_label }),
    ...(decision === null && { decision }),
    ...(user_comment !== undefined && { user_comment }),
  };
}

/** Whether it is worth trying again: nothing came, or a server that is not well, or asks for patience. */
function isPassing(status: number): boolean {
  return !countsAsReachable(status) || status >= 500 || status === 408 || status === 429;
}
