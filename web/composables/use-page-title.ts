import { type MaybeRefOrGetter, toValue, watchEffect } from 'vue';
import { documentTitle } from '../texts.ts';

/** Names the document after what the page shows, as soon as that is known. */
export function usePageTitle(title: MaybeRefOrGetter<string | undefined>): void {
  watchEffect(() => {
    const text = toValue(title);
    if (text) document.title = documentTitle(text);
  });
}
