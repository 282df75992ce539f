/** The shortest decimal that is this float32, which has to be finite. */
export function shortestFloat32(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return String(rounded);
  }
  return String(Number(value.toPrecision(9))); // nine digits tell all float32 apart
}
