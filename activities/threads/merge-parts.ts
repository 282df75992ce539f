import { open } from 'node:fs/promises';
import type { PreprocessingPreview } from '../../contracts/job.ts';
import { createResultFile } from '../../science/hdf5/result-file.ts';
import {
  decodePart,
  decodeSummary,
  type Part,
  type PartSummary,
  SUMMARY_BYTES,
} from '../../science/preprocess/part.ts';
import { createLocalDiskStore } from '../../storage/local-disk.ts';
import { objectUri } from '../../storage/object-store.ts';
import { partKey } from '../shard-manifest.ts';

export interface MergePartsTask {
  objectsDir: string;
  workId: string;
  shardCount: number;
  wavelengthAngstrom: Float64Array;
  attributes: Record<string, string>;
  /** Host path of the file to write; an earlier one is overwritten. */
  target: string;
}

export interface MergePartsResult {
  rows: number;
  rejects: number;
  /** How many rows carry each flag. */
  flags: { constant: number; extrapolated: number; unbridgedGap: number; mediumUnknown: number };
  preview: PreprocessingPreview;
}

const PREVIEW_ROWS = 24;

/** Joins the parts of a job into one result.h5, synced to disk. Holds one part in memory at a time. */
export default async function mergeParts(task: MergePartsTask): Promise<MergePartsResult> {
  const store = createLocalDiskStore(task.objectsDir);
  const uris = Array.from({ length: task.shardCount }, (_, shard) => objectUri(partKey(task.workId, shard)));
  const parts: PartSummary[] = [];
  for (const uri of uris) parts.push(decodeSummary(await store.read(uri, { start: 0, end: SUMMARY_BYTES })));
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const rejects = parts.reduce((sum, part) => sum + part.rejects, 0);

  const result: MergePartsResult = {
    rows,
    rejects,
    flags: { constant: 0, extrapolated: 0, unbridgedGap: 0, mediumUnknown: 0 },
    preview: { wave: Array.from(task.wavelengthAngstrom), spectra: [] },
  };
  const file = await createResultFile(task.target, {
    wavelengthAngstrom: task.wavelengthAngstrom,
    parts,
    attributes: task.attributes,
  });
  let before = 0;
  for (const uri of uris) {
    const part = decodePart(await store.read(uri));
    file.append(part);
    for (const { quality } of part.rows) {
      result.flags.constant += Number(quality.constant);
      result.flags.extrapolated += Number(quality.extrapolated);
      result.flags.unbridgedGap += Number(quality.unbridgedGap);
      result.flags.mediumUnknown += Number(quality.mediumUnknown);
    }
    for (let i = 0; i < Math.min(PREVIEW_ROWS, rows); i++) {
      const wanted = Math.floor((i * rows) / Math.min(PREVIEW_ROWS, rows)) - before;
      if (wanted >= 0 && wanted < part.rows.length) result.preview.spectra.push(previewOf(part, wanted));
    }
    before += part.rows.length;
  }
  file.close();
  const handle = await open(task.target);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  return result;
}

function previewOf(part: Part, index: number): PreprocessingPreview['spectra'][number] {
  const row = part.rows[index];
  if (!row) throw new Error(`the part has no row ${index}`);
  const flux = part.fluxes.subarray(index * part.points, (index + 1) * part.points);
  return {
    filename: row.filename,
    path: row.path,
    flux: Array.from(flux, (value) => (Number.isFinite(value) ? value : null)),
  };
}
