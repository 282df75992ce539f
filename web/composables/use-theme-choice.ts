import { computed } from 'vue';
import { useTheme } from 'vuetify';
import { THEME_STORAGE_KEY } from '../theme.ts';

/** Light or dark: the system's setting until the user switches, from then on the user's. */
export function useThemeChoice() {
  const theme = useTheme();
  const isDark = computed(() => theme.current.value.dark);
  return {
    isDark,
    toggle: () => {
      const next = isDark.value ? 'light' : 'dark';
      localStorage.setItem(THEME_STORAGE_KEY, next);
      void theme.change(next);
    },
  };
}
