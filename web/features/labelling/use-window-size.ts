import { onScopeDispose, ref } from 'vue';

/** Of the window, in CSS pixels. */
export function useWindowSize() {
  const width = ref(window.innerWidth);
  const height = ref(window.innerHeight);
  const measure = () => {
    width.value = window.innerWidth;
    height.value = window.innerHeight;
  };
  window.addEventListener('resize', measure);
  onScopeDispose(() => window.removeEventListener('resize', measure));
  return { width, height };
}
