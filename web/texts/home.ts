import { formatCount } from '../format.ts';

const plural = (count: number, one: string, many: string) =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

/** Texts of the first page. */
export const home = {
  title: 'Home',
  newJob: 'New job',
  waits: 'Waits for you',
  waitsNone: 'Nothing waits for you. What a campaign asks comes up here; New job starts one.',
  waitsHelp: 'Batches to label come up here when a campaign opens one.',
  label: 'Label',
  open: (count: number) => `${plural(count, 'spectrum', 'spectra')} to label`,
  disagreements: (count: number) => `${plural(count, 'disagreement', 'disagreements')} to settle`,
  paused: 'Paused, until somebody resumes it',
  worker: 'Needs a worker that is not running',
  runs: 'Runs now',
  runsNone: 'Nothing runs. New job starts something.',
  runsProgress: (label: string) => `Progress of ${label}`,
  failed: 'Failed',
  failedNone: 'Nothing has failed.',
  noReason: 'No reason was given; its log may say more.',
  done: 'Finished last',
  doneNone: 'Nothing is finished yet. Jobs come here when they end.',
  all: (count: number) => `All ${formatCount(count)}`,
  workers: 'Workers and queues',
  allWorkers: 'All workers',
  served: (count: number) => plural(count, 'worker', 'workers'),
  unserved: 'nobody: jobs that need it wait',
  unneeded: 'nobody, and nobody is needed',
  queueUse: {
    control: 'Workflows and the database',
    cpu: 'Reading and preprocessing spectra',
    merge: 'Putting results together',
    'cpu-training': 'Training without a GPU',
    gpu: 'Training on a GPU',
  } as Record<string, string>,
  gpu: 'GPU',
  cpu: 'CPU',
  storage: 'Storage',
  spectra: 'Spectra',
  results: 'Results of jobs',
  database: 'Database',
  files: (count: number) => plural(count, 'file', 'files'),
  disk: (free: string, total: string) => `${free} free of ${total}`,
  diskLabel: 'Used part of the disk',
  startTitle: 'Begin with spectra',
  startText:
    'Upload FITS files, preprocess them to one grid, then search them for rare classes. The Hα preset works on the spectra that are here.',
  startUpload: 'Upload spectra',
};
