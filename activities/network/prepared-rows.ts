import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a campaign finds out about its pool at its beginning: JSON, and numbers a row of the pool. */
export const PREPARED = 'pool.json';
const CUT = 'pool-cut.bin';
const OBJECTS = 'pool-objects.bin';
export const PREPARED_FILES = [PREPARED, CUT, OBJECTS];

export interface PreparedRows {
  /** 1 for each row that the cuts took out; absent without cuts. */
  cut?: Uint8Array;
  /** Object of each row; absent where every spectrum counts as an object of its own. */
  objects?: Int32Array;
}

export async function writePreparedRows(directory: string, { cut, objects }: PreparedRows): Promise<void> {
  if (cut) await writeFile(join(directory, CUT), cut);
  if (objects) await writeFile(join(directory, OBJECTS), objects);
}

export async function readPreparedRows(directory: string): Promise<PreparedRows> {
  const read = async (name: string) => {
    const path = join(directory, name);
    return existsSync(path) ? new Uint8Array(await readFile(path)) : undefined;
  };
  const [cut, objects] = [await read(CUT), await read(OBJECTS)];
  return { ...(cut && { cut }), ...(objects && { objects: new Int32Array(objects.slice().buffer) }) };
}
