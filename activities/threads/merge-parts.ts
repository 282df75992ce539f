import { type FileHandle, open } from 'node:fs/promises';
import type { PreprocessingPreview } from '../../contracts/job.ts';
import type { StorageLocation } from '../../contracts/storage-location.ts';
import type { PreprocessingConfig } from '../../contracts/preprocessing.ts';
import { createResultFile, type ResultFile } from '../../science/hdf5/result-file.ts';
import {
  decodeFluxes,
  decodeTables,
  decodeTexts,
  PartDamaged,
  type PartTables,
  type TextValues,
  textsIn,
} from '../../science/preprocess/part.ts';
import { ObjectNotFound, type ObjectStore, objectUri } from '../../storage/object-store.ts';
import { openObjectStore } from '../../storage/open-object-store.ts';
import type { JobNames, PartReference } from '../plan.ts';
import { createRename, roomForPaths } from './job-names.ts';

export interface MergeStart {
  step: 'start';
  objects: StorageLocation;
  /** Host path of the file to write; an earlier one is overwritten. */
  target: string;
  wavelengthAngstrom: Float64Array;
  /** Those of the root that are known before all files are. */
  attributes: Record<string, string>;
  maxRows: number;
  compression: PreprocessingConfig['compression'];
}

/** Appends the rows of parts, which come in order, but for their texts. */
export interface MergeAppend {
  step: 'append';
  parts: PartReference[];
}

/** Appends the texts of all parts, and brings the file to disk. */
export interface MergeFinish {
  step: 'finish';
  names: JobNames;
  /** Further attributes of the root. */
  attributes: Record<string, string>;
}

export type MergeTask = MergeStart | MergeAppend | MergeFinish;

export interface MergeAnswer {
  /** Keys of the parts so far that are gone or damaged. Where there is one, the merge has failed and only looks on. */
  lost: string[];
  finished?: { bytes: number; preview: PreprocessingPreview };
}

const PREVIEW_ROWS = 24;
/** The disk writes behind us all the time, so that the last sync does not have all of it before it. */
const SYNC_BYTES = 16 * 1024 * 1024;
const KEPT_TEXT_BYTES = 16 * 1024 * 1024;

interface Merge {
  store: ObjectStore;
  start: MergeStart;
  file: ResultFile;
  /** The same file, opened again, to sync it. */
  handle: FileHandle;
  parts: PartReference[];
  lost: string[];
  /** The texts of the first parts, so that a survey of usual size is not read again for them. */
  texts: Map<string, Uint8Array>;
  textBytes: number;
  unsyncedBytes: number;
  syncing: Promise<void> | undefined;
}
let merge: Merge | undefined;

/** One step in the making of a result.h5. A thread makes one, and holds two parts in memory at a time. */
export default async function mergeParts(task: MergeTask): Promise<MergeAnswer> {
  if (task.step === 'start') {
    const file = await createResultFile(task.target, task);
    merge = {
      store: await openObjectStore(task.objects),
      start: task,
      file,
      handle: await open(task.target, 'r+'),
      parts: [],
      lost: [],
      texts: new Map(),
      textBytes: 0,
      unsyncedBytes: 0,
      syncing: undefined,
    };
    return { lost: [] };
  }
  if (!merge) throw new Error('the merge has not been started');
  if (task.step === 'append') {
    await appendParts(merge, task.parts);
    return { lost: merge.lost };
  }
  const totals = totalsOf(merge.parts);
  const rename = createRename(task.names);
  if (rename) roomForPaths(totals.widths);
  const preview = new Preview(merge.start.wavelengthAngstrom, totals.rows);
  for (const part of merge.parts)
    await unlessLost(merge, part, async (current, { header, key }) => {
      const kept = current.texts.get(key);
      const texts = kept
        ? decodeTexts(kept, header)
        : decodeTables(
            await current.store.read(objectUri(key), header.tables, memoryFor(header.tables)),
            header,
          ).texts;
      if (rename) rename(texts);
      if (current.lost.length > 0) return;
      current.file.appendTexts(texts, totals);
      await preview.add(current.store, part, texts);
    });
  if (merge.lost.length > 0) return { lost: merge.lost };
  merge.file.close(totals, task.attributes);
  await merge.syncing;
  await merge.handle.sync();
  const { size } = await merge.handle.stat();
  await merge.handle.close();
  merge = undefined;
  return { lost: [], finished: { bytes: size, preview: preview.content } };
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

/** Memory for stretches of parts, the same each time: new memory costs as much as reading into it. */
const memories: [Uint8Array, Uint8Array] = [new Uint8Array(0), new Uint8Array(0)];

function memoryFor({ start, end }: { start: number; end: number }, which: 0 | 1 = 0): Uint8Array {
  if (memories[which].length < end - start) memories[which] = new Uint8Array(end - start);
  return memories[which];
}

/** Appends parts; the next one is read meanwhile. */
async function appendParts(current: Merge, parts: readonly PartReference[]): Promise<void> {
  const read = (index: number): Promise<Uint8Array> | undefined => {
    const part = parts[index];
    if (!part) return undefined;
    const range = rowsOf(part);
    const reading = current.store.read(objectUri(part.key), range, memoryFor(range, index % 2 === 0 ? 0 : 1));
    // Whoever waits for it hears of a failure; after an earlier one nobody does.
    reading.catch(() => undefined);
    return reading;
  };
  let ahead = read(0);
  for (const [index, part] of parts.entries()) {
    const reading = ahead;
    // Of what lies in this memory nothing is needed any more.
    ahead = read(index + 1);
    await unlessLost(current, part, async () => {
      const bytes = await reading;
      if (bytes) append(current, part, bytes);
    });
  }
}

/** Where all lies of a part but its header. */
const rowsOf = ({ header }: PartReference) => ({ start: header.tables.start, end: header.fluxes.end });

function append(current: Merge, part: PartReference, bytes: Uint8Array): void {
  const { header, key } = part;
  const split = header.fluxes.start - header.tables.start;
  const { numbers } = decodeTables(bytes.subarray(0, split), header);
  const fluxes = decodeFluxes(bytes.subarray(split), header);
  current.parts.push(part);
  if (current.lost.length > 0) return;
  current.file.appendRows(fluxes, numbers);
  const texts = textsIn(bytes.subarray(0, split), header);
  if (current.textBytes + texts.length <= KEPT_TEXT_BYTES) {
    current.texts.set(key, texts.slice());
    current.textBytes += texts.length;
  }
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

/** A few rows, evenly spread. */
class Preview {
  readonly content: PreprocessingPreview;
  readonly #wanted: number[];
  #before = 0;

  constructor(wavelengthAngstrom: Float64Array, rows: number) {
    this.content = { wave: Array.from(wavelengthAngstrom), spectra: [] };
    const count = Math.min(PREVIEW_ROWS, rows);
    this.#wanted = Array.from({ length: count }, (_, i) => Math.floor((i * rows) / count));
  }

  /** Takes what it wants of the next part. */
  async add(store: ObjectStore, { key, header }: PartReference, texts: PartTables['texts']): Promise<void> {
    const here = this.#wanted.map((row) => row - this.#before).filter((row) => row >= 0 && row < header.rows);
    this.#before += header.rows;
    for (const row of here) {
      const start = header.fluxes.start + row * header.points * 4;
      const bytes = await store.read(objectUri(key), { start, end: start + header.points * 4 });
      const flux = new Float32Array(bytes.buffer, bytes.byteOffset, header.points);
      this.content.spectra.push({
        filename: stringAt(texts['filenames'], row),
        path: stringAt(texts['metadata/path'], row),
        flux: Array.from(flux, (value) => (Number.isFinite(value) ? value : null)),
      });
    }
  }
}

function stringAt(column: TextValues | undefined, row: number): string {
  if (!column) return '';
  const start = row === 0 ? 0 : column.ends[row - 1];
  return Buffer.from(column.bytes.subarray(start, column.ends[row])).toString();
}
