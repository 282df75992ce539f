import { useQueryClient } from '@tanstack/vue-query';
import { onScopeDispose, ref } from 'vue';
import { jobEventsUrl } from '../../api-client/jobs.ts';

const RECONNECT_MS = 3000;
/** Several people's labels within this time are read at once. */
const TOGETHER_MS = 250;

/**
 * Reads the labellings of a job again whenever somebody has labelled, and the job whenever it has gone on.
 * @returns whether the server is heard; while it is not, the page has to ask by itself; and how to read a part again
 */
export function useLabelEvents(jobId: string) {
  const queryClient = useQueryClient();
  const isHeard = ref(false);
  const waiting = new Map<string, ReturnType<typeof setTimeout>>();
  let source: EventSource | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;

  function readAgain(...part: string[]) {
    const name = part.join(' ');
    if (waiting.has(name)) return;
    const read = () => {
      waiting.delete(name);
      void queryClient.invalidateQueries({ queryKey: ['jobs', jobId, ...part] });
    };
    waiting.set(name, setTimeout(read, TOGETHER_MS));
  }

  function open() {
    const current = new EventSource(jobEventsUrl(jobId, 'newest'));
    source = current;
    current.addEventListener('open', () => {
      isHeard.value = true;
      // What happened while nobody listened.
      readAgain();
    });
    current.addEventListener('error', () => {
      isHeard.value = false;
      if (current.readyState !== EventSource.CLOSED) return;
      again = setTimeout(open, RECONNECT_MS);
    });
    current.addEventListener('labels', () => {
      readAgain('labellings');
      readAgain('batches');
      readAgain('disagreements');
    });
    for (const kind of ['phase', 'iteration']) current.addEventListener(kind, () => readAgain());
  }
  open();
  onScopeDispose(() => {
    clearTimeout(again);
    for (const timer of waiting.values()) clearTimeout(timer);
    source?.close();
  });
  return { isHeard, readAgain };
}
