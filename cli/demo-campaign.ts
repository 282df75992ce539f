import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CataloguePage } from '../contracts/spectrum.ts';
import { Job } from '../contracts/job.ts';
import { LabellingPage } from '../contracts/labelling.ts';
import { openPredictions } from '../science/artifacts/predictions.ts';
import { predictedClasses } from '../science/cnn/evaluation.ts';
import { call } from './api-client.ts';
import { type LabellingOptions, labelUntilEnd } from './label.ts';

/** Stars by what their headers call them, and the letters that SUBCLASS begins with: dM is a dwarf of type M. */
const HEADER_CLASSES = { 'A or F': ['A', 'F'], G: ['G'], 'K or M': ['K', 'M', 'dM'] };
const CLASSES = Object.keys(HEADER_CLASSES);
const ITERATIONS = 3;
const LABELS_AN_ITERATION = 12;
/** Small enough for TensorFlow in JavaScript, where the native one is not set up yet. */
const CONFIG = {
  classes: CLASSES,
  candidate_classes: CLASSES,
  cuts: { class: ['STAR'] },
  oracle_batch_size: LABELS_AN_ITERATION,
  perf_est_batch_size: 0,
  epochs_train: 40,
  batch_size_train: 8,
  max_iterations: ITERATIONS,
  embedding: 'none',
  network: {
    layers: [
      { kind: 'conv1d', filters: 8, kernel_size: 5 },
      { kind: 'max_pooling1d' },
      { kind: 'conv1d', filters: 16, kernel_size: 5 },
      { kind: 'max_pooling1d' },
      { kind: 'flatten' },
      { kind: 'dense', units: 32 },
    ],
  },
};

/** What the networks of a campaign were worth, all on the same spectra: those of which none saw a label. */
export interface LearningCurve {
  spectra: number;
  points: { labels: number; right: number }[];
}

/**
 * Runs a campaign of three iterations on the sample spectra, the classes of whose headers stand in for people, through
 * the REST API.
 * @param poolPath of the samples' result.h5 in the file store
 * @param filesDirectory root of the file store
 * @throws Error where the campaign does not complete
 */
export async function runDemoCampaign(
  api: string,
  {
    poolPath,
    filesDirectory,
    ...labelling
  }: { poolPath: string; filesDirectory: string } & Omit<LabellingOptions, 'pause'>,
): Promise<LearningCurve> {
  const { job_id: id, dir_path: path } = await call(api, Job, 'POST', '/jobs', {
    type: 'ACTIVE_ML',
    label: 'Demo',
    config: { ...CONFIG, pool_data_path: poolPath },
  });
  await call(api, Job, 'POST', `/jobs/${id}/process/RUN`);
  const truth = await headerClasses(api);
  const oracle = { labels: truth, errorRate: 0, seed: 0, labelledBy: 'simulated oracle' };
  const job = await labelUntilEnd(api, id, oracle, { pause: 0, ...labelling });
  if (job.phase !== 'COMPLETED')
    throw new Error(`the campaign ended ${job.phase}: ${job.error?.message ?? job.status_detail ?? ''}`);
  const { labellings } = await call(api, LabellingPage, 'GET', `/labellings?job_id=${id}`);
  const asked = new Set(labellings.map((one) => one.spectrum_filename));
  const points: LearningCurve['points'] = [];
  const unseen = [...truth].filter(([filename]) => !asked.has(filename));
  let spectra = 0;
  for (let iteration = 1; iteration <= ITERATIONS; iteration++) {
    const predicted = await predictionsOf(join(filesDirectory, path, `iteration-00${iteration}`));
    const known = unseen.filter(([filename]) => predicted.has(filename));
    spectra = known.length;
    points.push({
      labels: labellings.filter((one) => one.sequence_iteration < iteration && one.user_label !== undefined)
        .length,
      right: known.filter(([filename, name]) => predicted.get(filename) === name).length,
    });
  }
  return { spectra, points };
}

/** The class of each star of the archive, by file name. */
async function headerClasses(api: string): Promise<Map<string, string>> {
  const { spectra } = await call(api, CataloguePage, 'GET', '/spectra?limit=1000&type=STAR');
  const classes = new Map<string, string>();
  for (const { filename, subtype = '' } of spectra)
    for (const [name, beginnings] of Object.entries(HEADER_CLASSES))
      if (beginnings.some((beginning) => subtype.startsWith(beginning))) classes.set(filename, name);
  return classes;
}

/** What the network of an iteration took each spectrum of the pool for. */
async function predictionsOf(directory: string): Promise<Map<string, string>> {
  // The last network chooses no batch, so it has no result.h5.
  const result = join(directory, 'result.h5');
  const predictions = await openPredictions(existsSync(result) ? result : join(directory, 'predictions.h5'));
  try {
    const { classes, rows } = predictions;
    const names = predictions.readFilenames(0, rows);
    const numbers = predictedClasses(predictions.readProbabilities(0, rows), classes.length);
    return new Map(names.map((name, row) => [name, classes[numbers[row] ?? -1] ?? '']));
  } finally {
    predictions.close();
  }
}
