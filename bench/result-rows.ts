import h5wasm, { Dataset, type File } from 'h5wasm/node';

/** How many rows of two results are compared, evenly spread. */
const COMPARED_ROWS = 500;

/** Rows and rejects of a result.h5. */
export async function countRows(path: string): Promise<{ rows: number; rejects: number }> {
  return withFile(path, async (file) => ({
    rows: lengthOf(dataset(file, 'fluxes')),
    rejects: lengthOf(dataset(file, 'rejects/filename')),
  }));
}

/**
 * Compares rows of our result with those of the reference that have the same file name.
 * @returns how many were compared, and the largest difference of any value of them
 * @throws Error where our result has no row of a file that the reference has
 */
export async function compareRows(
  oursPath: string,
  referencePath: string,
): Promise<{ rows: number; largestDifference: number }> {
  return withFile(oursPath, (ours) =>
    withFile(referencePath, async (reference) => {
      const rowOf = new Map(texts(ours, 'filenames').map((name, row) => [name, row]));
      const names = texts(reference, 'filenames');
      const step = Math.max(1, Math.floor(names.length / COMPARED_ROWS));
      let rows = 0;
      let largestDifference = 0;
      for (let row = 0; row < names.length; row += step) {
        const name = names[row] ?? '';
        const ourRow = rowOf.get(name);
        if (ourRow === undefined) throw new Error(`the result has no row of ${name}`);
        const expected = fluxes(reference, row);
        const flux = fluxes(ours, ourRow);
        if (flux.length !== expected.length) throw new Error('the results have different grids');
        for (let i = 0; i < flux.length; i++) {
          const difference = Math.abs((flux[i] ?? NaN) - (expected[i] ?? NaN));
          // A NaN in one of them only is a difference too.
          if (!(difference <= largestDifference) && !(Number.isNaN(flux[i]) && Number.isNaN(expected[i])))
            largestDifference = Number.isNaN(difference) ? Infinity : difference;
        }
        rows++;
      }
      return { rows, largestDifference };
    }),
  );
}

async function withFile<T>(path: string, use: (file: File) => Promise<T>): Promise<T> {
  await h5wasm.ready;
  const file = new h5wasm.File(path, 'r');
  try {
    return await use(file);
  } finally {
    file.close();
  }
}

function dataset(file: File, name: string): Dataset {
  const found = file.get(name);
  if (!(found instanceof Dataset)) throw new Error(`${file.filename} has no dataset ${name}`);
  return found;
}

function lengthOf({ shape }: Dataset): number {
  return shape?.[0] ?? 0;
}

function texts(file: File, name: string): string[] {
  const { value } = dataset(file, name);
  if (!Array.isArray(value) || !value.every((text) => typeof text === 'string'))
    throw new Error(`${name} of ${file.filename} holds no texts`);
  return value;
}

function fluxes(file: File, row: number): Float32Array {
  const values = dataset(file, 'fluxes').slice([[row, row + 1], []]);
  if (!(values instanceof Float32Array)) throw new Error(`fluxes of ${file.filename} are no float32`);
  return values;
}
