import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_SPECTRUM_BYTES } from '../../contracts/limits.ts';
import type { PreprocessingConfig } from '../../contracts/preprocessing.ts';
import type { SpectrumMetadata } from '../../contracts/spectrum.ts';
import { FitsError } from '../../science/fits/error.ts';
import {
  planPreprocessing,
  preprocessSpectrum,
  type Quality,
} from '../../science/preprocess/preprocess-spectrum.ts';
import { readSpectrum } from '../../science/spectra/read-spectrum.ts';
import type { ManifestEntry } from '../shard-manifest.ts';

export interface ReadSpectraTask {
  /** Host path of the archive. */
  root: string;
  files: ManifestEntry[];
  /** Absent: metadata only, for the catalogue. */
  config?: PreprocessingConfig;
}

/** What came of one file: readable or not, and on the grid or not. */
export type ReadOutcome =
  | { kind: 'row'; layout: string; metadata: SpectrumMetadata; quality: Quality }
  | { kind: 'catalogued'; layout: string; metadata: SpectrumMetadata }
  | { kind: 'rejected'; layout: string; metadata: SpectrumMetadata; reason: string }
  | { kind: 'unreadable'; reason: string };

export interface ReadSpectraResult {
  /** One for each file, in order. */
  outcomes: ReadOutcome[];
  /** The rows of those of kind `row`, in order: rows × points. */
  fluxes: Float32Array;
}

/** Reads a block of files in a worker thread, so that the activity's own thread stays free to heartbeat. */
export default function readSpectra({ root, files, config }: ReadSpectraTask): ReadSpectraResult {
  const plan = config && planPreprocessing(config);
  const points = plan?.grid.length ?? 0;
  const fluxes = new Float32Array(files.length * points);
  let rows = 0;
  const outcomes = files.map((file): ReadOutcome => {
    try {
      const { layout, metadata, ...rest } = readSpectrum(readWhole(root, file));
      if (!plan) return { kind: 'catalogued', layout, metadata };
      const row = fluxes.subarray(rows * points, (rows + 1) * points);
      const result = preprocessSpectrum({ layout, metadata, ...rest }, plan, row);
      if ('rejected' in result) return { kind: 'rejected', layout, metadata, reason: result.rejected };
      rows++;
      return { kind: 'row', layout, metadata, quality: result.quality };
    } catch (error) {
      // Any other error is a fault of ours; it still must not take the other files with it.
      const reason = error instanceof FitsError ? error.message : `cannot be read: ${messageOf(error)}`;
      return { kind: 'unreadable', reason };
    }
  });
  return { outcomes, fluxes: fluxes.slice(0, rows * points) };
}

function readWhole(root: string, file: ManifestEntry): Uint8Array {
  if (file.problem !== undefined) throw new FitsError('not-a-spectrum', file.problem);
  const path = join(root, file.path);
  const { size } = statSync(path);
  if (size > MAX_SPECTRUM_BYTES)
    throw new FitsError('too-large', `${size} bytes are more than ${MAX_SPECTRUM_BYTES}`);
  return readFileSync(path);
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Not the host's path: reasons are read by people who know archive paths only.
  return 'code' in error && typeof error.code === 'string' ? error.code : `${error.name}: ${error.message}`;
}
