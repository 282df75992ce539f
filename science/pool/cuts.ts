import type { PoolCuts } from '../../contracts/cuts.ts';
import { NetworkError } from '../cnn/error.ts';
import { type InputDataset, type InputFile, openInput } from '../hdf5/reading.ts';
import { haversine } from '../objects/by-position.ts';

const BLOCK_ROWS = 8192;

export interface CutCount {
  cut: 'class' | 'snr' | 'magnitude' | 'sky' | 'coverage';
  /** Rows that this cut took out, of those that passed the cuts before it. */
  removed: number;
  /** Rows without the value it needs, of the same; whether they count as removed says `missing` of the cuts. */
  missing: number;
}

export interface CutPool {
  /** Rows that stay, rising. */
  rows: Int32Array;
  /** Rows there were. */
  total: number;
  /** In the order in which the cuts were applied; their `removed` add up to what is gone. */
  counts: CutCount[];
}

/** Whether rows `first` … `end` − 1 pass; `undefined`: the value is missing. */
type ReadBlock = (first: number, end: number) => (boolean | undefined)[];
interface Cut {
  name: CutCount['cut'];
  read: ReadBlock;
}

/**
 * Finds the spectra of a `result.h5` that pass all cuts, from its columns, block by block.
 * @throws NetworkError `bad-data` where it lacks a column that a cut needs; the file system's error where there is no file
 */
export async function readCutPool(path: string, cuts: PoolCuts): Promise<CutPool> {
  const file = await openInput(path);
  try {
    const total = file.dataset('filenames').rows;
    const applied = cutsOf(file, total, cuts);
    const counts = applied.map(({ name }): CutCount => ({ cut: name, removed: 0, missing: 0 }));
    const rows = new Int32Array(total);
    let kept = 0;
    for (let first = 0; first < total; first += BLOCK_ROWS) {
      const end = Math.min(total, first + BLOCK_ROWS);
      const answers = applied.map(({ read }) => read(first, end));
      for (let i = 0; i < end - first; i++) {
        const removedBy = applied.findIndex((_, cut) => {
          const passes = answers[cut]?.[i];
          const count = counts[cut];
          if (passes === undefined && count) count.missing++;
          return passes === undefined ? cuts.missing === 'remove' : !passes;
        });
        const count = counts[removedBy];
        if (count) count.removed++;
        else rows[kept++] = first + i;
      }
    }
    return { rows: rows.slice(0, kept), total, counts };
  } finally {
    file.close();
  }
}

function cutsOf(file: InputFile, rows: number, cuts: PoolCuts): Cut[] {
  const column = (name: string, cut: Cut['name']) => columnOf(file, name, { rows, cut });
  const applied: Cut[] = [];
  if (cuts.class !== undefined) {
    const wanted = new Set(cuts.class.map((name) => name.toUpperCase()));
    const classes = column('metadata/class', 'class');
    applied.push({
      name: 'class',
      read: (first, end) =>
        classes
          .texts(first, end)
          .map((name) => (name.trim() === '' ? undefined : wanted.has(name.trim().toUpperCase()))),
    });
  }
  const within = (name: Cut['name'], columnName: string, { min = -Infinity, max = Infinity }) => {
    const values = column(columnName, name);
    applied.push({
      name,
      read: (first, end) =>
        Array.from(numbersOf(values, first, end), (value) =>
          Number.isNaN(value) ? undefined : value >= min && value <= max,
        ),
    });
  };
  if (cuts.snr !== undefined) {
    const { band, min } = cuts.snr;
    within('snr', band === 'median' ? 'quality/median_snr' : `metadata/snr_${band}`, { min });
  }
  if (cuts.magnitude !== undefined) {
    const { band, min, max } = cuts.magnitude;
    within('magnitude', `metadata/mag_${band}`, {
      ...(min === undefined ? {} : { min }),
      ...(max === undefined ? {} : { max }),
    });
  }
  if (cuts.sky !== undefined) {
    const isInside = skyTest(cuts.sky);
    const [ra, dec] = [column('metadata/ra', 'sky'), column('metadata/dec', 'sky')];
    applied.push({
      name: 'sky',
      read: (first, end) => {
        const declinations = numbersOf(dec, first, end);
        return Array.from(numbersOf(ra, first, end), (raDeg, i) => {
          const decDeg = declinations[i] ?? NaN;
          return Number.isNaN(raDeg) || Number.isNaN(decDeg) ? undefined : isInside(raDeg, decDeg);
        });
      },
    });
  }
  if (cuts.coverage !== undefined) within('coverage', 'quality/coverage', { min: cuts.coverage.min });
  return applied;
}

function skyTest(sky: NonNullable<PoolCuts['sky']>): (raDeg: number, decDeg: number) => boolean {
  if ('radius_deg' in sky) {
    const most = Math.sin((sky.radius_deg * Math.PI) / 360) ** 2;
    return (raDeg, decDeg) => haversine(raDeg, decDeg, sky.ra, sky.dec) <= most;
  }
  const { ra_min, ra_max, dec_min, dec_max } = sky;
  return (raDeg, decDeg) =>
    decDeg >= dec_min &&
    decDeg <= dec_max &&
    (ra_min <= ra_max ? raDeg >= ra_min && raDeg <= ra_max : raDeg >= ra_min || raDeg <= ra_max);
}

function numbersOf(column: InputDataset, first: number, end: number): Float64Array {
  const values = new Float64Array(end - first);
  column.readInto(values, first, end);
  return values;
}

function columnOf(
  file: InputFile,
  name: string,
  { rows, cut }: { rows: number; cut: Cut['name'] },
): InputDataset {
  const column = file.find(name);
  if (column === undefined || column.rows !== rows || column.width !== 1)
    throw new NetworkError(
      'bad-data',
      `cuts.${cut}: ${file.name} has no ${name} with a value for each spectrum; a preprocessing of now writes it`,
    );
  return column;
}
