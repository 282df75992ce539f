import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PoolCuts } from '../../contracts/cuts.ts';
import { readOracleData } from '../../science/artifacts/json-files.ts';
import { NetworkError } from '../../science/cnn/error.ts';
import { readTrainingSet } from '../../science/hdf5/labelled-spectra.ts';
import { openSpectra } from '../../science/hdf5/spectra-blocks.ts';
import { readObjects } from '../../science/objects/read-objects.ts';
import { readCutPool } from '../../science/pool/cuts.ts';
import type { PreparedPool, PrepareTask, Tell } from './messages.ts';
import { PREPARED, writePreparedRows } from './prepared-rows.ts';

const BLOCK_ROWS = 65_536;

/**
 * Finds which spectra of a pool have labels before its first batch: those in labelled files, and those that JSON names.
 * @throws NetworkError where a file will not do, or a label is none of the classes
 */
export async function preparePool(task: PrepareTask, tell: Tell): Promise<void> {
  const { classes } = task;
  const known = new Set<string>();
  let trainingRows = 0;
  for (const path of task.earlierPaths) {
    const { filenames } = await readTrainingSet(path, { classes, mayLackClasses: true });
    trainingRows += filenames.length;
    for (const name of filenames) known.add(name);
  }
  const labels =
    task.oracleDataPath === undefined ? new Map() : await oracleLabels(task.oracleDataPath, classes);
  const pool = await openSpectra(task.poolPath);
  try {
    const prepared: PreparedPool = {
      rows: pool.rows,
      points: pool.points,
      known: [],
      added: { rows: [], labels: [] },
      trainingRows,
    };
    const found = new Set<string>();
    for (let first = 0; first < pool.rows; first += BLOCK_ROWS) {
      pool.readFilenames(first, Math.min(pool.rows, first + BLOCK_ROWS)).forEach((name, i) => {
        const label = labels.get(name);
        // Of several spectra of one name, the first has the label.
        if (label !== undefined && !found.has(name)) {
          found.add(name);
          prepared.added.rows.push(first + i);
          prepared.added.labels.push(label);
        } else if (known.has(name)) prepared.known.push(first + i);
      });
    }
    const missing = [...labels.keys()].find((name) => !found.has(name));
    if (missing !== undefined)
      throw new NetworkError(
        'bad-data',
        `${labels.size - found.size} of the ${labels.size} spectra in oracle_data_to_add_path are not in the pool, ${missing} for one`,
      );
    await writePreparedRows(task.targetDir, {
      ...(task.cuts && { cut: await cutRows(task.poolPath, task.cuts, tell) }),
      ...(task.objects && { objects: (await readObjects(task.poolPath, task.objects)).objects }),
    });
    await writeFile(join(task.targetDir, PREPARED), JSON.stringify(prepared));
    tell({
      kind: 'prepared',
      pool: { rows: pool.rows, labelled: trainingRows + prepared.added.rows.length },
    });
  } finally {
    pool.close();
  }
}

/** 1 for each row that the cuts take out. */
async function cutRows(poolPath: string, cuts: PoolCuts, tell: Tell): Promise<Uint8Array> {
  const { rows, total, counts } = await readCutPool(poolPath, cuts);
  const cut = new Uint8Array(total).fill(1);
  for (const row of rows) cut[row] = 0;
  const removed = counts.map(
    ({ cut: name, removed: n, missing }) => `${name} ${n} (${missing} without a value)`,
  );
  tell({
    kind: 'log',
    level: 'info',
    key: 'cuts',
    message: `cuts leave ${rows.length} of ${total} spectra; taken out by ${removed.join(', ')}`,
  });
  if (rows.length === 0) throw new NetworkError('bad-data', 'The cuts leave no spectrum in the pool');
  return cut;
}

/** @throws NetworkError where two labels of one spectrum differ, or one is no class */
async function oracleLabels(path: string, classes: readonly string[]): Promise<Map<string, number>> {
  const { filenames, labels } = await readOracleData(path);
  const found = new Map<string, number>();
  filenames.forEach((name, i) => {
    const label = labels[i] ?? -1;
    if (classes[label] === undefined)
      throw new NetworkError(
        'bad-data',
        `Label ${label} of ${name} is none of the ${classes.length} classes`,
      );
    found.set(name, label);
  });
  return found;
}
