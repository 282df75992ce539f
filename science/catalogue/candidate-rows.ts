import { openInput } from '../hdf5/reading.ts';
import { NetworkError } from '../cnn/error.ts';
import { csvRecords } from '../labels/labels-csv.ts';
import { CANDIDATE_TABLE, type CandidateRow } from './table.ts';

/** Rows that are read together. */
const BLOCK_ROWS = 16_384;

/** What a person said about a spectrum of the pool. */
export interface GivenLabel {
  label: string;
  labelledBy: string | undefined;
  iteration: number;
}

export interface CandidateSources {
  /** HDF5 that an iteration wrote: its `result.h5`. */
  resultPath: string;
  /** HDF5 of the pool that it is about. */
  poolPath: string;
  candidateClasses: readonly string[];
  /** By row of the pool. */
  labels: ReadonlyMap<number, GivenLabel>;
}

/**
 * The candidates of an iteration in order of the pool: what its network took for a candidate class, and what people
 * labelled so. Reads them block by block; the files are open until the last was taken, or the reader stops.
 * @throws NetworkError `bad-data` where a file is not what it should be; the file system's error where there is none
 */
export async function* iterationCandidates({
  resultPath,
  poolPath,
  candidateClasses,
  labels,
}: CandidateSources): AsyncGenerator<CandidateRow> {
  const result = await openInput(resultPath);
  try {
    const pool = await openInput(poolPath);
    try {
      const filenames = result.dataset('filenames');
      const predicted = result.dataset('labels');
      const probabilities = result.dataset('probabilities');
      const [indexes, names] = [result.dataset('candidate_indexes'), result.dataset('classes')];
      const classes = names.texts(0, names.rows);
      const ofPool = (name: string) => {
        const found = pool.find(`metadata/${name}`);
        return found?.rows === filenames.rows ? found : undefined;
      };
      const [designation, ra, dec] = ['designation', 'ra', 'dec'].map(ofPool);
      const chosen = new Float64Array(indexes.rows);
      indexes.readInto(chosen, 0, indexes.rows);
      const rows = Array.from(new Set([...chosen, ...labels.keys()]))
        .filter((row) => row < filenames.rows)
        .sort((a, b) => a - b);
      for (let at = 0; at < rows.length;) {
        const first = rows[at] ?? 0;
        const end = Math.min(filenames.rows, first + BLOCK_ROWS);
        const numbers = (column: typeof ra, width = 1): Float64Array => {
          const values = new Float64Array((end - first) * width).fill(NaN);
          column?.readInto(values, first, end);
          return values;
        };
        const block = {
          filenames: filenames.texts(first, end),
          designations: designation?.texts(first, end),
          predicted: numbers(predicted),
          probabilities: numbers(probabilities, classes.length),
          ra: numbers(ra),
          dec: numbers(dec),
        };
        for (; at < rows.length; at++) {
          const row = rows[at] ?? 0;
          if (row >= end) break;
          const i = row - first;
          const index = block.predicted[i] ?? -1;
          const name = classes[index];
          const given = labels.get(row);
          if (![name, given?.label].some((one) => one !== undefined && candidateClasses.includes(one)))
            continue;
          yield {
            filename: block.filenames[i] ?? '',
            designation: block.designations?.[i] || undefined,
            ra: finite(block.ra[i]),
            dec: finite(block.dec[i]),
            class: name ?? given?.label ?? '',
            probability: finite(block.probabilities[i * classes.length + index]),
            label: given?.label,
            labelled_by: given?.labelledBy,
            iteration: given?.iteration,
          };
        }
      }
    } finally {
      pool.close();
    }
  } finally {
    result.close();
  }
}

const finite = (value: number | undefined): number | undefined =>
  value !== undefined && Number.isFinite(value) ? value : undefined;

/** The candidates of a `catalogue.csv`. @throws NetworkError `bad-data` where it is none */
export function* candidatesOfCsv(text: string): Generator<CandidateRow> {
  const records = csvRecords(text);
  const names = records.next().value?.fields ?? [];
  if (names.join() !== CANDIDATE_TABLE.columns.map(({ name }) => name).join())
    throw new NetworkError('bad-data', `a catalogue has other columns than ${names.join()}`);
  for (const { fields } of records) {
    const [filename = '', designation, ra, dec, name = '', probability, label, labelledBy, iteration] =
      fields;
    yield {
      filename,
      designation: designation || undefined,
      ra: number(ra),
      dec: number(dec),
      class: name,
      probability: number(probability),
      label: label || undefined,
      labelled_by: labelledBy || undefined,
      iteration: number(iteration),
    };
  }
}

const number = (text: string | undefined): number | undefined => (text ? Number(text) : undefined);
