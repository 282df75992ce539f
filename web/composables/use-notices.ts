import { readonly, ref } from 'vue';
import { ApiFailure } from '../api-client/http.ts';

interface Notice {
  text: string;
  kind: 'success' | 'error';
}
const current = ref<Notice | undefined>();

/** The one short message at the foot of the page. Errors stay until they are closed. */
export function useNotices() {
  return {
    notice: readonly(current),
    tell: (text: string) => {
      current.value = { text, kind: 'success' };
    },
    tellFailure: (failure: unknown) => {
      const text = failure instanceof Error ? failure.message : String(failure);
      const id = failure instanceof ApiFailure && failure.requestId ? ` (${failure.requestId})` : '';
      current.value = { text: `${text}${id}`, kind: 'error' };
    },
    dismiss: () => {
      current.value = undefined;
    },
  };
}
