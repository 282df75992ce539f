import type { SpectraFile } from './spectra-blocks.ts';

/** A call of HDF5 takes as long as reading this much more: a smaller gap between rows is read too, and dropped. */
const GAP = { fluxBytes: 256 << 10, filenames: 128, probabilityRows: 8192 } as const;
const SPAN = { fluxBytes: 4 << 20, filenames: 65_536, probabilityRows: 65_536 } as const;

/** What is read at once: rows `first` to `last`, which hold those at `from` to `end` (exclusive) of the list. */
function* spansOf(
  rows: Int32Array,
  { gap, span }: { gap: number; span: number },
): Generator<{ first: number; last: number; from: number; end: number }> {
  for (let from = 0; from < rows.length;) {
    const first = rows[from] ?? 0;
    let last = first;
    let end = from + 1;
    for (; end < rows.length; end++) {
      const row = rows[end] ?? 0;
      if (row < last || row - last > 1 + gap || row - first >= span) break;
      last = row;
    }
    yield { first, last, from, end };
    from = end;
  }
}

/** Copies the rows of a matrix that `read` gives in spans; best rising, for those near each other are read at once. */
function gatherRows(
  rows: Int32Array,
  width: number,
  limits: { gap: number; span: number },
  read: (first: number, end: number) => Float32Array,
): Float32Array {
  const gathered = new Float32Array(rows.length * width);
  for (const { first, last, from, end } of spansOf(rows, limits)) {
    const values = read(first, last + 1);
    for (let i = from; i < end; i++) {
      const at = ((rows[i] ?? first) - first) * width;
      gathered.set(values.subarray(at, at + width), i * width);
    }
  }
  return gathered;
}

/** @returns rows × points, in the order given; quickest where it rises */
export function readFluxRows(
  { points, readFluxes }: Pick<SpectraFile, 'points' | 'readFluxes'>,
  rows: Int32Array,
): Float32Array {
  const limits = {
    gap: Math.floor(GAP.fluxBytes / (4 * points)),
    span: Math.max(1, Math.floor(SPAN.fluxBytes / (4 * points))),
  };
  return gatherRows(rows, points, limits, readFluxes);
}

/** @returns rows × classes, in the order given; quickest where it rises */
export function readProbabilityRows(
  {
    classes,
    readProbabilities,
  }: { classes: readonly string[]; readProbabilities: (first: number, end: number) => Float32Array },
  rows: Int32Array,
): Float32Array {
  const limits = { gap: GAP.probabilityRows, span: SPAN.probabilityRows };
  return gatherRows(rows, classes.length, limits, readProbabilities);
}

/** @returns the names in the order given; quickest where it rises */
export function readFilenameRows(
  { readFilenames }: Pick<SpectraFile, 'readFilenames'>,
  rows: Int32Array,
): string[] {
  const filenames: string[] = [];
  for (const { first, last, from, end } of spansOf(rows, { gap: GAP.filenames, span: SPAN.filenames })) {
    const names = readFilenames(first, last + 1);
    for (let i = from; i < end; i++) filenames.push(names[(rows[i] ?? first) - first] ?? '');
  }
  return filenames;
}
