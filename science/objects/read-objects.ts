import type { ObjectGrouping } from '../../contracts/objects.ts';
import { NetworkError } from '../cnn/error.ts';
import { type InputDataset, type InputFile, openInput } from '../hdf5/reading.ts';
import { groupByDesignation } from './by-designation.ts';
import { groupByPosition } from './by-position.ts';
import type { ObjectGroups } from './groups.ts';

const BLOCK_ROWS = 8192;

/**
 * Which spectra of a `result.h5` are of one object, from `metadata/designation`, or `metadata/ra` and `metadata/dec`.
 * @throws NetworkError `bad-data` where the file has no such columns; the file system's error where there is no file
 */
export async function readObjects(path: string, grouping: ObjectGrouping): Promise<ObjectGroups> {
  const file = await openInput(path);
  try {
    const rows = file.dataset('filenames').rows;
    if (grouping.by === 'designation') {
      const column = columnOf(file, 'metadata/designation', rows);
      return groupByDesignation(textBlocks(column), rows);
    }
    const [ra, dec] = ['metadata/ra', 'metadata/dec'].map((name) => {
      const values = new Float64Array(rows);
      columnOf(file, name, rows).readInto(values, 0, rows);
      return values;
    });
    return groupByPosition(ra ?? new Float64Array(), dec ?? new Float64Array(), grouping.radius_arcsec);
  } finally {
    file.close();
  }
}

function columnOf(file: InputFile, name: string, rows: number): InputDataset {
  const column = file.find(name);
  if (column === undefined || column.rows !== rows || column.width !== 1)
    throw new NetworkError(
      'bad-data',
      `${file.name} has no column ${name} with a value for each spectrum: objects cannot be told from it`,
    );
  return column;
}

function* textBlocks(column: InputDataset): Generator<string[]> {
  for (let first = 0; first < column.rows; first += BLOCK_ROWS)
    yield column.texts(first, Math.min(column.rows, first + BLOCK_ROWS));
}
