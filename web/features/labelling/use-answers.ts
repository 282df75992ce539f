import { computed, onScopeDispose, reactive, ref } from 'vue';
import type { Labelling } from '../../../contracts/labelling.ts';
import { ApiFailure, countsAsReachable } from '../../api-client/http.ts';
import { patchLabelling } from '../../api-client/labellings.ts';
import { type Answer, answerOf, patchOf } from './answers.ts';

const RETRY_MS = 3000;

interface Unsaved {
  labelling: Labelling;
  answer: Answer;
  person: string;
}

/**
 * Saves answers, each at once, in the order in which they were given. What the server cannot take because it is away is
 * kept and tried again; what it refuses is given up, and told.
 */
export function useAnswers({
  onSaved,
  onRefused,
}: {
  onSaved: (labelling: Labelling) => void;
  onRefused: (failure: unknown) => void;
}) {
  /** By labelling: the newest answer that is not saved yet. */
  const unsaved = reactive(new Map<string, Unsaved>());
  const lastSaved = ref<Labelling>();
  const isRetrying = ref(false);
  /** Labellings as they were before each answer. */
  const earlier: Labelling[] = [];
  const earlierCount = ref(0);
  let isSaving = false;
  let again: ReturnType<typeof setTimeout> | undefined;

  async function saveAll() {
    if (isSaving) return;
    isSaving = true;
    clearTimeout(again);
    try {
      for (;;) {
        const [next] = unsaved.values();
        if (!next) return;
        const { labelling_id: id } = next.labelling;
        try {
          const saved = await patchLabelling(id, patchOf(next.answer, next.person));
          isRetrying.value = false;
          lastSaved.value = saved;
          onSaved(saved);
        } catch (failure) {
          if (!(failure instanceof ApiFailure) || isPassing(failure.status)) {
            isRetrying.value = true;
            again = setTimeout(() => void saveAll(), RETRY_MS);
            return;
          }
          onRefused(failure);
        }
        // Another answer may have been given to it meanwhile.
        if (unsaved.get(id) === next) unsaved.delete(id);
      }
    } finally {
      isSaving = false;
    }
  }
  function save(labelling: Labelling, answer: Answer, person: string) {
    // Deleted first: the newest answer goes to the end of the queue.
    unsaved.delete(labelling.labelling_id);
    unsaved.set(labelling.labelling_id, { labelling, answer, person });
    void saveAll();
  }

  function warnBeforeLeaving(event: BeforeUnloadEvent) {
    if (unsaved.size > 0) event.preventDefault();
  }
  window.addEventListener('beforeunload', warnBeforeLeaving);
  onScopeDispose(() => window.removeEventListener('beforeunload', warnBeforeLeaving));

  return {
    unsaved,
    lastSaved,
    isRetrying,
    canUndo: computed(() => earlierCount.value > 0),
    /** Answers a spectrum. */
    give: (labelling: Labelling, answer: Answer, person: string) => {
      earlier.push(labelling);
      earlierCount.value = earlier.length;
      save(labelling, answer, person);
    },
    /** Takes the newest answer back, to what was there before. @returns of which spectrum; undefined where there is none */
    undo: (person: string): Labelling | undefined => {
      const before = earlier.pop();
      earlierCount.value = earlier.length;
      if (before) save(before, answerOf(before), before.labelled_by ?? person);
      return before;
    },
  };
}

/** Whether it is worth trying again: nothing came, or a server that is not well, or asks for patience. */
function isPassing(status: number): boolean {
  return !countsAsReachable(status) || status >= 500 || status === 408 || status === 429;
}
