export interface Grid {
  fromAngstrom: number;
  toAngstrom: number;
  points: number;
}

/** What is measured: a window around H alpha, as for emission-line stars, and nearly the whole spectrum. */
export const GRIDS: readonly Grid[] = [
  { fromAngstrom: 6519, toAngstrom: 6732, points: 140 },
  { fromAngstrom: 4000, toAngstrom: 8900, points: 3700 },
];
