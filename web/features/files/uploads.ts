import { ref, watch } from 'vue';
import { queryClient } from '../../query-client.ts';
import { isInArchive } from '../../paths.ts';
import { rememberUnsent, takeInterrupted } from './interrupted-uploads.ts';
import { createUploadQueue } from './upload-queue.ts';

const REFRESH_MS = 1000;
const changed = new Set<string>();
let isDue = false;

/** Pages that show a directory look again, once for many files. */
function refresh(parentPath: string) {
  changed.add(parentPath);
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    const paths = [...changed];
    changed.clear();
    void queryClient.invalidateQueries({ queryKey: ['files'] });
    if (paths.some(isInArchive)) void queryClient.invalidateQueries({ queryKey: ['spectra'] });
  }, REFRESH_MS);
}

/** The one queue of the dashboard: uploads go on while one looks at other pages. */
export const uploads = createUploadQueue(refresh);

/** Uploads that a reload of the page broke off. */
export const interrupted = ref(takeInterrupted(sessionStorage));
watch(uploads.now, ({ unsent }) => rememberUnsent([...unsent], sessionStorage));

window.addEventListener('beforeunload', (event) => {
  if (uploads.isBusy()) event.preventDefault();
});
