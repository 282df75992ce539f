import { type Ref, ref, watch } from 'vue';

/** A setting that this browser remembers. */
export function useKept(key: string, fallback: string): Ref<string> {
  const value = ref(localStorage.getItem(key) ?? fallback);
  watch(value, (now) => localStorage.setItem(key, now));
  return value;
}

/** A switch that this browser remembers. */
export function useKeptSwitch(key: string, fallback: boolean): Ref<boolean> {
  const isOn = ref((localStorage.getItem(key) ?? (fallback ? 'on' : 'off')) === 'on');
  watch(isOn, (now) => localStorage.setItem(key, now ? 'on' : 'off'));
  return isOn;
}
