import { useTheme } from 'vuetify';

/** The colour that a name has in the theme which is on, for what is not drawn by style sheets. */
export function useThemeColour(): (name: string) => string {
  const theme = useTheme();
  return (name) => String(theme.current.value.colors[name] ?? 'currentColor');
}

/** What a plot that is saved as SVG is drawn with, but for its curves. */
export function svgColours(colour: (name: string) => string): { text: string; grid: string; ground: string } {
  return { text: colour('plot-text'), grid: colour('plot-grid'), ground: colour('surface') };
}
