/**
 * Colours of classes and series on light and dark, in an order in which neighbours differ most also for those who
 * see colours differently (after Okabe & Ito 2008). What they mean is always said by a word beside.
 */
const LIGHT = ['#0b62a4', '#c2510a', '#00795c', '#a1458a', '#8a6a00', '#35789c', '#5a5a5a', '#b3261e'];
const DARK = ['#8cc2f5', '#f5a36b', '#5fd0a8', '#e29bcf', '#e3c65b', '#9fd8e8', '#b8c0c8', '#ffb4ab'];

/** The colour of the class or series of this number; it begins again where there are more. */
export function seriesColour(index: number, isDark: boolean): string {
  const colours = isDark ? DARK : LIGHT;
  return colours[index % colours.length] ?? 'currentColor';
}

/** Lines are told apart by their dashes too. */
export function seriesDash(index: number): number[] {
  return [[], [7, 4], [2, 3], [10, 3, 2, 3]][index % 4] ?? [];
}
