/** Root mean square difference of two spectra on one grid, over the points that both have; infinite where there is none. */
export function distanceOf(a: ArrayLike<number | null>, b: ArrayLike<number | null>): number {
  let sum = 0;
  let count = 0;
  for (let index = 0; index < a.length; index += 1) {
    const one = a[index];
    const other = b[index];
    if (typeof one !== 'number' || typeof other !== 'number') continue;
    const difference = one - other;
    if (!Number.isFinite(difference)) continue;
    sum += difference * difference;
    count += 1;
  }
  return count === 0 ? Infinity : Math.sqrt(sum / count);
}

export interface Similar {
  filename: string;
  distance: number;
}

/** The spectra that are most like one of them, nearest first: neighbours in the space that the map (t-SNE) is drawn of. */
export function mostSimilar(
  spectra: ReadonlyMap<string, ArrayLike<number | null>>,
  filename: string,
  { count, among }: { count: number; among: (filename: string) => boolean },
): Similar[] {
  const wanted = spectra.get(filename);
  if (!wanted) return [];
  const found: Similar[] = [];
  for (const [name, flux] of spectra) {
    if (name === filename || flux.length !== wanted.length || !among(name)) continue;
    const distance = distanceOf(wanted, flux);
    if (Number.isFinite(distance)) found.push({ filename: name, distance });
  }
  return found.sort((a, b) => a.distance - b.distance).slice(0, count);
}
