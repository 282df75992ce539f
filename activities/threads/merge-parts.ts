import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { PreprocessingPreview } from '../../contracts/job.ts';
import type { PreprocessingConfig } from '../../contracts/preprocessing.ts';
import { createResultFile, type ResultFile } from '../../science/hdf5/result-file.ts';
import { decodeFluxes, decodeTables, PartDamaged, stringsOf } from '../../science/preprocess/part.ts';
import { createLocalDiskStore } from '../../storage/local-disk.ts';
import { ObjectNotFound, type ObjectStore, objectUri } from '../../storage/object-store.ts';
import type { PartReference } from '../plan.ts';

export interface MergeStart {
  step: 'start';
  /** Root of the object store. */
  objectsDir: string;
  /** Host path of the file to write; an earlier one is overwritten. */
  target: string;
  wavelengthAngstrom: Float64Array;
  attributes: Record<string, string>;
  maxRows: number;
  compression: PreprocessingConfig['compression'];
}

/** Appends the fluxes of parts, which come in order. */
export interface MergeAppend {
  step: 'append';
  parts: PartReference[];
}

/** Appends the tables of all parts, and brings the file to disk. */
export interface MergeFinish {
  step: 'finish';
}

export type MergeTask = MergeStart | MergeAppend | MergeFinish;

export interface MergeAnswer {
  /** Keys of the parts so far that are gone or damaged. Where there is one, the merge has failed and only looks on. */
  lost: string[];
  finished?: { bytes: number; sha256: string; preview: PreprocessingPreview };
}

const PREVIEW_ROWS = 24;
/** The disk writes behind us all the time, so that the last sync does not have all of it before it. */
const SYNC_BYTES = 16 * 1024 * 1024;
const HASH_BYTES = 4 * 1024 * 1024;

interface Merge {
  store: ObjectStore;
  start: MergeStart;
  file: ResultFile;
  /** The same file, opened again, to sync it. */
  handle: FileHandle;
  parts: PartReference[];
  lost: string[];
  unsyncedBytes: number;
  syncing: Promise<void> | undefined;
}
let merge: Merge | undefined;

/** One step in the making of a result.h5. A thread makes one, and holds a part in memory at a time. */
export default async function mergeParts(task: MergeTask): Promise<MergeAnswer> {
  if (task.step === 'start') {
    const file = await createResultFile(task.target, task);
    merge = {
      store: createLocalDiskStore(task.objectsDir),
      start: task,
      file,
      handle: await open(task.target, 'r+'),
      parts: [],
      lost: [],
      unsyncedBytes: 0,
      syncing: undefined,
    };
    return { lost: [] };
  }
  if (!merge) throw new Error('the merge has not been started');
  if (task.step === 'append') {
    for (const part of task.parts) await unlessLost(merge, part, append);
    return { lost: merge.lost };
  }
  const totals = totalsOf(merge.parts);
  for (const part of merge.parts)
    await unlessLost(merge, part, async ({ store, file, lost }, { header, key }) => {
      const tables = decodeTables(
        await store.read(objectUri(key), header.tables, memoryFor(header.tables)),
        header,
      );
      if (lost.length === 0) file.appendTables(tables, totals);
    });
  if (merge.lost.length > 0) return { lost: merge.lost };
  merge.file.close(totals);
  const preview = await previewOf(merge, totals.rows);
  await merge.syncing;
  const [, hashed] = await Promise.all([merge.handle.sync(), hashOf(merge.start.target)]);
  await merge.handle.close();
  merge = undefined;
  return { lost: [], finished: { ...hashed, preview } };
}

async function unlessLost(
  current: Merge,
  part: PartReference,
  work: (current: Merge, part: PartReference) => Promise<void>,
): Promise<void> {
  try {
    await work(current, part);
  } catch (error) {
    if (!(error instanceof ObjectNotFound || error instanceof PartDamaged)) throw error;
    current.lost.push(part.key);
  }
}

let memory = new Uint8Array(0);

/** Memory for a stretch of a part, the same each time: new memory costs as much as reading into it. */
function memoryFor({ start, end }: { start: number; end: number }): Uint8Array {
  if (memory.length < end - start) memory = new Uint8Array(end - start);
  return memory;
}

async function append(current: Merge, part: PartReference): Promise<void> {
  const { header, key } = part;
  const bytes = await current.store.read(objectUri(key), header.fluxes, memoryFor(header.fluxes));
  const fluxes = decodeFluxes(bytes, header);
  current.parts.push(part);
  if (current.lost.length > 0) return;
  current.file.appendFluxes(fluxes);
  current.unsyncedBytes += bytes.length;
  if (current.unsyncedBytes < SYNC_BYTES || current.syncing) return;
  current.unsyncedBytes = 0;
  const syncing = current.handle.datasync().then(() => {
    current.syncing = undefined;
  });
  // Whoever waits for it hears of a failure; nobody may before the end.
  syncing.catch(() => undefined);
  current.syncing = syncing;
}

function totalsOf(parts: readonly PartReference[]) {
  const totals = { rows: 0, rejects: 0, widths: {} as Record<string, number> };
  for (const { header } of parts) {
    totals.rows += header.rows;
    totals.rejects += header.rejects;
    for (const [name, width] of Object.entries(header.widths))
      totals.widths[name] = Math.max(totals.widths[name] ?? 0, width);
  }
  return totals;
}

async function hashOf(path: string): Promise<{ bytes: number; sha256: string }> {
  const handle = await open(path);
  try {
    const hash = createHash('sha256');
    const memory = Buffer.allocUnsafeSlow(HASH_BYTES);
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await handle.read(memory, 0, HASH_BYTES, null);
      if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') };
      hash.update(memory.subarray(0, bytesRead));
      bytes += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

/** A few rows, evenly spread. */
async function previewOf({ store, start, parts }: Merge, rows: number): Promise<PreprocessingPreview> {
  const preview: PreprocessingPreview = { wave: Array.from(start.wavelengthAngstrom), spectra: [] };
  const count = Math.min(PREVIEW_ROWS, rows);
  const wanted = Array.from({ length: count }, (_, i) => Math.floor((i * rows) / count));
  let before = 0;
  for (const { key, header } of parts) {
    const here = wanted.filter((row) => row >= before && row < before + header.rows);
    if (here.length > 0) {
      const { texts } = decodeTables(await store.read(objectUri(key), header.tables), header);
      const [names, paths] = ['filenames', 'metadata/path'].map((name) => {
        const values = texts[name];
        return values ? stringsOf(values) : [];
      });
      for (const row of here) {
        const at = header.fluxes.start + (row - before) * header.points * 4;
        const bytes = await store.read(objectUri(key), { start: at, end: at + header.points * 4 });
        const flux = new Float32Array(bytes.buffer, bytes.byteOffset, header.points);
        preview.spectra.push({
          filename: names?.[row - before] ?? '',
          path: paths?.[row - before] ?? '',
          flux: Array.from(flux, (value) => (Number.isFinite(value) ? value : null)),
        });
      }
    }
    before += header.rows;
  }
  return preview;
}
