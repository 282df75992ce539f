/** Paul Tol's "bright" colours, which the colour-blind can tell apart; the classes take them in turn. */
const COLOURS = ['#4477aa', '#ee6677', '#228833', '#ccbb44', '#66ccee', '#aa3377', '#bbbbbb'] as const;

export function classColour(index: number): string {
  return COLOURS[index % COLOURS.length] ?? COLOURS[0];
}
