import { onScopeDispose, type Ref, ref } from 'vue';

/** Milliseconds since the epoch, renewed every `everyMs`, for ages and running times. */
export function useNow(everyMs = 1000): Readonly<Ref<number>> {
  const now = ref(Date.now());
  const timer = setInterval(() => {
    now.value = Date.now();
  }, everyMs);
  onScopeDispose(() => clearInterval(timer));
  return now;
}
