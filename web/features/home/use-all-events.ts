import { useQueryClient } from '@tanstack/vue-query';
import { onScopeDispose, ref } from 'vue';
import { apiUrl } from '../../api-client/http.ts';

const RECONNECT_MS = 5000;
/** What happens within this time is read at once. */
const TOGETHER_MS = 500;

/**
 * Reads the lists of jobs, and what takes room, again whenever something happens to a job.
 * @returns whether the server is heard; while it is not, the page has to ask by itself
 */
export function useAllEvents() {
  const queryClient = useQueryClient();
  const isHeard = ref(false);
  let source: EventSource | undefined;
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;

  function readAgain() {
    waiting ??= setTimeout(() => {
      waiting = undefined;
      for (const key of ['jobs', 'storage']) void queryClient.invalidateQueries({ queryKey: [key] });
    }, TOGETHER_MS);
  }
  function open() {
    const current = new EventSource(apiUrl('/events'));
    source = current;
    current.addEventListener('open', () => {
      isHeard.value = true;
    });
    current.addEventListener('error', () => {
      isHeard.value = false;
      if (current.readyState === EventSource.CLOSED) again = setTimeout(open, RECONNECT_MS);
    });
    for (const kind of ['phase', 'progress', 'iteration', 'labels'])
      current.addEventListener(kind, readAgain);
  }
  open();
  onScopeDispose(() => {
    clearTimeout(waiting);
    clearTimeout(again);
    source?.close();
  });
  return { isHeard };
}
