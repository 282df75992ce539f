import { computed, onScopeDispose, ref, shallowRef } from 'vue';
import type { Labelling, PatchLabelling } from '../../../contracts/labelling.ts';
import { onReachability } from '../../api-client/http.ts';
import { getLabelling, patchLabelling } from '../../api-client/labellings.ts';
import { useNotices } from '../../composables/use-notices.ts';
import { texts } from '../../texts.ts';
import { type AnswerQueue, createAnswerQueue, type QueueEvent } from './answer-queue.ts';
import { type Answer, answerOf, patchOf, seenAnswerOf, seenCommentOf, withPatch } from './answers.ts';

let queue: AnswerQueue | undefined;

/** The one queue of this page: answers go on to the server whatever page of the dashboard is looked at. */
function theQueue(): AnswerQueue {
  if (queue) return queue;
  const made = createAnswerQueue({ storage: localStorage, patch: patchLabelling, read: getLabelling });
  const { tellFailure } = useNotices();
  made.subscribe((event) => {
    if (event?.kind === 'refused') tellFailure(event.failure);
    else if (event?.kind === 'not-kept') tellFailure(texts.labelling.notKept);
  });
  // A request that got through says that the server is back, sooner than the next try would.
  onReachability((reachable) => {
    if (reachable && made.state().isRetrying) made.retry();
  });
  queue = made;
  return made;
}

/** Saves what an earlier page could not save. */
export function resumeUnsavedAnswers(): void {
  theQueue().resume();
}

/** What the people of a job said that is on its way to the server, and how to say more. */
export function useAnswers(jobId: string, onSaved: (labelling: Labelling) => void) {
  const made = theQueue();
  const state = shallowRef({ ...made.state() });
  const lastSaved = shallowRef<Labelling>();
  const ofJob = <T>(entries: ReadonlyMap<string, T>, jobOf: (value: T) => string) =>
    new Map([...entries].filter(([, value]) => jobOf(value) === jobId));
  const unsaved = computed(() => ofJob(state.value.unsaved, (one) => one.jobId));
  const conflicts = computed(() => ofJob(state.value.conflicts, ({ mine }) => mine.jobId));
  const stop = made.subscribe((event: QueueEvent | undefined) => {
    state.value = { ...made.state() };
    if (event?.kind !== 'saved' || event.labelling.job_id !== jobId) return;
    lastSaved.value = event.labelling;
    onSaved(event.labelling);
  });
  onScopeDispose(stop);
  made.resume();

  /** Labellings as they were before each answer. */
  const earlier: Labelling[] = [];
  const earlierCount = ref(0);
  const send = (
    { labelling_id: labellingId, spectrum_filename: filename }: Labelling,
    patch: PatchLabelling,
  ) => made.give({ jobId, labellingId, filename, patch });

  return {
    unsaved,
    conflicts,
    lastSaved,
    isRetrying: computed(() => state.value.isRetrying && unsaved.value.size > 0),
    canUndo: computed(() => earlierCount.value > 0),
    /** The labelling as it will be once what is said of it is saved. */
    asAnswered: (labelling: Labelling): Labelling => {
      const mine = unsaved.value.get(labelling.labelling_id);
      return mine ? withPatch(labelling, mine.patch) : labelling;
    },
    /** Answers a spectrum, `seen` as the person has seen it. */
    give: (seen: Labelling, answer: Answer, person: string) => {
      earlier.push(seen);
      earlierCount.value = earlier.length;
      send(seen, { ...patchOf(answer, person), expected: seenAnswerOf(seen) });
    },
    /** Settles a disagreement about a spectrum. */
    settleDisagreement: (labelling: Labelling, label: string, person: string) =>
      send(labelling, {
        user_label: label,
        labelled_by: person,
        settles: true,
        expected: seenAnswerOf(labelling),
      }),
    comment: (seen: Labelling, text: string, person: string) =>
      send(seen, {
        user_comment: text === '' ? null : text,
        labelled_by: person,
        expected: seenCommentOf(seen),
      }),
    /** Takes the newest answer back, to what was there before. @returns of which spectrum; undefined where there is none */
    undo: (now: (labellingId: string) => Labelling | undefined, person: string): Labelling | undefined => {
      const before = earlier.pop();
      earlierCount.value = earlier.length;
      if (!before) return undefined;
      const patch = patchOf(answerOf(before), before.labelled_by ?? person);
      send(before, { ...patch, expected: seenAnswerOf(now(before.labelling_id) ?? before) });
      return before;
    },
    settleConflict: made.settle,
  };
}
