import { open, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import type { ActiveLearningConfig } from '../../contracts/active-learning.ts';
import { NetworkError } from '../cnn/error.ts';
import { readFluxRows } from '../hdf5/read-rows.ts';
import type { SpectraFile } from '../hdf5/spectra-blocks.ts';
import { shortestFloat32 } from './decimal.ts';

/** `oracle_data.json`: what people have labelled; a label is an index into the classes. */
export const OracleData = z
  .object({ filenames: z.array(z.string()), labels: z.array(z.int().min(0)) })
  .refine(({ filenames, labels }) => filenames.length === labels.length, {
    path: ['labels'],
    message: 'must be as many as filenames',
  });
export type OracleData = z.infer<typeof OracleData>;

/** `perf_est_list.json`: estimated precision of each iteration, 0 … 1. */
export const PerformanceEstimates = z.array(z.number().min(0).max(1));
export type PerformanceEstimates = z.infer<typeof PerformanceEstimates>;

/** `dim_reduc.json`: the map of the training set, a point a spectrum; a label is an index into `classes`. */
export const DimensionReduction = z
  .object({
    x: z.array(z.number()),
    y: z.array(z.number()),
    labels: z.array(z.int().min(0)),
    classes: z.array(z.string()),
    /** This project's own, so that a point can be opened. */
    filenames: z.array(z.string()).optional(),
  })
  .refine(
    ({ x, y, labels, filenames }) =>
      y.length === x.length && labels.length === x.length && (filenames?.length ?? x.length) === x.length,
    'x, y, labels and filenames must be as many as each other',
  );
export type DimensionReduction = z.infer<typeof DimensionReduction>;

/** @throws NetworkError `bad-data` where the file is none; the file system's error where there is no file */
export async function readOracleData(path: string): Promise<OracleData> {
  const shape = '{"filenames": [text, …], "labels": [number of a class, …]}';
  return parseJson(await readFile(path, 'utf8'), basename(path), OracleData, shape);
}

/** @param name of the file, for its reader. @throws NetworkError `bad-data` where it is none */
export function parsePerformanceEstimates(text: string, name: string): PerformanceEstimates {
  return parseJson(text, name, PerformanceEstimates, '[precision of 0 to 1, …]');
}

function parseJson<T>(text: string, name: string, schema: z.ZodType<T>, shape: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new NetworkError('bad-data', `${name} is no JSON: ${error.message}`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path: at, message } = parsed.error.issues[0] ?? { path: [], message: 'it does not fit' };
  throw new NetworkError(
    'bad-data',
    `${name} must be ${shape}${at.length > 0 ? `; ${at.join('.')}` : ''}: ${message}`,
  );
}

/** The text of an `oracle_data.json`. @throws ZodError where the data do not fit together */
export function oracleDataText(data: OracleData): string {
  return JSON.stringify(OracleData.parse(data));
}

/** The text of a `perf_est_list.json`. @throws ZodError where a value is no fraction */
export function performanceEstimatesText(estimates: PerformanceEstimates): string {
  return JSON.stringify(PerformanceEstimates.parse(estimates));
}

/** @throws ZodError where the data do not fit together */
export function writeDimensionReduction(path: string, map: DimensionReduction): Promise<void> {
  return writeText(path, [JSON.stringify(DimensionReduction.parse(map))]);
}

/**
 * What an old client submits as the next step, `new_config.json`: every key, `""` for a path that is not used.
 * @param next.trainingDataPath of all that has been learned from so far; absent where there is none yet
 * @param next.performanceEstimatesPath absent where there is none yet: without a model there is nothing to estimate
 */
export function nextStepConfiguration(
  config: ActiveLearningConfig,
  next: {
    iteration: number;
    trainingDataPath?: string;
    oracleDataPath: string;
    performanceEstimatesPath?: string;
  },
): Record<string, unknown> {
  return {
    ...config,
    iteration: next.iteration,
    training_data_path: next.trainingDataPath ?? '',
    // What was added is in the training data by now.
    training_data_to_add_path: '',
    oracle_data_to_add_path: next.oracleDataPath,
    perf_est_list_path: next.performanceEstimatesPath ?? '',
  };
}

/** The text of a `new_config.json`, for people to read. */
export function nextStepText(configuration: Record<string, unknown>): string {
  return `${JSON.stringify(configuration, null, 2)}\n`;
}

/**
 * Writes `prep_spectra.json`, `{wave: [Å, …], spectra: {filename: [flux, …], …}}`, in blocks: the spectra of a batch as
 * people are to see them. A flux is the shortest decimal of its float32, and null where it is not finite. Rows are written
 * as they lie in the file; of rows with the same name the first is taken, for JSON has each key once.
 * @param chosen.filenames of the rows, in their order
 */
export async function writePreparedSpectra(
  path: string,
  { spectra, rows, filenames }: { spectra: SpectraFile; rows: Int32Array; filenames: readonly string[] },
): Promise<void> {
  await writeText(path, preparedSpectra(spectra, rows, filenames));
}

/** Spectra in memory at once. */
const READ_AT_ONCE = 256;

function* preparedSpectra(
  spectra: SpectraFile,
  rows: Int32Array,
  filenames: readonly string[],
): Generator<string> {
  yield `{"wave":${JSON.stringify([...spectra.wavelengthAngstrom])},"spectra":{`;
  const written = new Set<string>();
  // Rising, so that a packed chunk is unpacked once.
  const rising = rows.toSorted();
  const nameOf = new Map(filenames.map((filename, i) => [rows[i], filename]));
  const { points } = spectra;
  for (let from = 0; from < rising.length; from += READ_AT_ONCE) {
    const some = rising.subarray(from, from + READ_AT_ONCE);
    const fluxes = readFluxRows(spectra, some);
    for (const [i, row] of some.entries()) {
      const filename = nameOf.get(row) ?? '';
      if (written.has(filename)) continue;
      const texts = Array.from(fluxes.subarray(i * points, (i + 1) * points), (flux) =>
        Number.isFinite(flux) ? shortestFloat32(flux) : 'null',
      );
      yield `${written.size === 0 ? '' : ','}${JSON.stringify(filename)}:[${texts.join()}]`;
      written.add(filename);
    }
  }
  yield '}}';
}

const WRITTEN_AT_ONCE = 1 << 20;

async function writeText(path: string, pieces: Iterable<string>): Promise<void> {
  const file = await open(path, 'w');
  try {
    let block = '';
    for (const piece of pieces) {
      block += piece;
      if (block.length < WRITTEN_AT_ONCE) continue;
      await file.writeFile(block);
      block = '';
    }
    await file.writeFile(block);
  } finally {
    await file.close();
  }
}
