import 'vuetify/styles/core';
import { createVuetify } from 'vuetify';
import { aliases, mdi } from 'vuetify/iconsets/mdi-svg';

export const THEME_STORAGE_KEY = 'spectrolabe.theme';
export type ThemeChoice = 'system' | 'light' | 'dark';

/** What the user chose last; the system's own setting until then. */
export function storedThemeChoice(storage: Pick<Storage, 'getItem'>): ThemeChoice {
  const stored = storage.getItem(THEME_STORAGE_KEY);
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}

const light = {
  dark: false,
  colors: {
    background: '#f4f6f8',
    surface: '#ffffff',
    primary: '#17568c',
    secondary: '#4d5b6a',
    error: '#b3261e',
    warning: '#8a5300',
    success: '#1b6e3c',
    info: '#17568c',
    'on-background': '#18212b',
    'on-surface': '#18212b',
    'plot-main': '#17568c',
    'plot-raw': '#dba867',
    'plot-grid': '#e4e8ec',
    'plot-text': '#4d5b6a',
    'plot-mark': '#a8480c',
    'set-oracle': '#17568c',
    'set-precision': '#7a3e9d',
    'set-candidate': '#0a6760',
  },
  variables: { 'border-color': '#18212b', 'border-opacity': 0.13, 'medium-emphasis-opacity': 0.72 },
};

const dark = {
  dark: true,
  colors: {
    background: '#0e1319',
    surface: '#161d26',
    primary: '#8cc2f5',
    secondary: '#a9b6c4',
    error: '#ffb4ab',
    warning: '#f5bd6b',
    success: '#84d6a0',
    info: '#8cc2f5',
    'on-background': '#e3e8ee',
    'on-surface': '#e3e8ee',
    'plot-main': '#8cc2f5',
    'plot-raw': '#9c6f35',
    'plot-grid': '#263039',
    'plot-text': '#a9b6c4',
    'plot-mark': '#f5a36b',
    'set-oracle': '#8cc2f5',
    'set-precision': '#d3a6f0',
    'set-candidate': '#6fd3c6',
  },
  variables: { 'border-color': '#e3e8ee', 'border-opacity': 0.14, 'medium-emphasis-opacity': 0.74 },
};

export const vuetify = createVuetify({
  theme: {
    defaultTheme: storedThemeChoice(localStorage),
    themes: { light, dark },
    transition: false,
  },
  icons: { defaultSet: 'mdi', aliases, sets: { mdi } },
  defaults: {
    VBtn: { variant: 'text', rounded: 'md' },
    VCard: { flat: true, border: true, rounded: 'md' },
    VTextField: { variant: 'outlined', density: 'compact', hideDetails: 'auto' },
    VTextarea: { variant: 'outlined', density: 'compact', hideDetails: 'auto' },
    VSelect: { variant: 'outlined', density: 'compact', hideDetails: 'auto' },
    VCheckbox: { color: 'primary', density: 'compact', hideDetails: 'auto' },
    VAlert: { variant: 'tonal', density: 'compact' },
    VChip: { size: 'small', label: true, variant: 'tonal' },
    VTooltip: { location: 'bottom' },
    VProgressLinear: { color: 'primary', rounded: true },
  },
});
