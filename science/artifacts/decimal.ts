/** The shortest decimal that is this float32, which has to be finite (below 2⁻¹²⁶ not always the shortest). */
export function shortestFloat32(value: number): string {
  // Up to 1 two neighbours are 6·10⁻⁸ apart at most, so that the shortest is among these, mostly; they are cheap.
  if (Math.abs(value) <= 1)
    for (const scale of [1e7, 1e8]) {
      const rounded = Math.round(value * scale) / scale;
      if (Math.fround(rounded) === value) return String(rounded);
    }
  for (let digits = 6; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return String(rounded);
  }
  return String(Number(value.toPrecision(9))); // nine digits tell all float32 apart
}
