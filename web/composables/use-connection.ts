import { useQueryClient } from '@tanstack/vue-query';
import { onScopeDispose, type Ref, ref } from 'vue';
import { onReachability } from '../api-client/http.ts';
import { isApiAlive } from '../api-client/system.ts';

const PROBE_MS = 2000;

/**
 * Whether the API answers. While it does not, it is asked every 2 s; once it is back, everything on the page is
 * read again. `recovered` is true for a moment after that.
 */
export function useConnection(): { reachable: Ref<boolean>; recovered: Ref<boolean> } {
  const queryClient = useQueryClient();
  const reachable = ref(true);
  const recovered = ref(false);
  let probe: ReturnType<typeof setInterval> | undefined;
  let calm: ReturnType<typeof setTimeout> | undefined;

  const stop = onReachability((answers) => {
    if (answers === reachable.value) return;
    reachable.value = answers;
    if (!answers) {
      recovered.value = false;
      probe = setInterval(() => void isApiAlive(), PROBE_MS);
      return;
    }
    clearInterval(probe);
    recovered.value = true;
    calm = setTimeout(() => {
      recovered.value = false;
    }, 4000);
    void queryClient.invalidateQueries();
  });
  onScopeDispose(() => {
    stop();
    clearInterval(probe);
    clearTimeout(calm);
  });
  return { reachable, recovered };
}
