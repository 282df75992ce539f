import { formatCount } from '../format.ts';

/** Of the pages that show spectra, and of uploads. */

const plural = (count: number, one: string, many: string) =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

export const uploadTexts = {
  title: 'Uploads',
  region: 'Uploads and how far they are',
  summary: (done: number, total: number) => `${formatCount(done)} of ${plural(total, 'file', 'files')}`,
  failed: (count: number) => `${formatCount(count)} failed`,
  skipped: (count: number) => `${formatCount(count)} there already`,
  cancelled: (count: number) => `${formatCount(count)} cancelled`,
  left: (duration: string) => `about ${duration} left`,
  paused: 'Paused',
  finished: 'All are there',
  pause: 'Pause',
  resume: 'Resume',
  cancelAll: 'Cancel the rest',
  retryFailed: 'Try the failed again',
  clear: 'Clear the list',
  progress: 'Progress of all uploads',
  progressOf: (name: string) => `Upload of ${name}`,
  cancel: (name: string) => `Cancel the upload of ${name}`,
  failures: 'Failed',
  done: 'Arrived',
  skippedHelp:
    'Of a directory that is uploaded again, files that are there with the same size and are not newer are left out. So an upload that was interrupted is taken up by choosing the directory again.',
  interrupted: (count: number, into: string) =>
    `${plural(count, 'file was', 'files were')} not sent to ${into} when this page was loaded again.`,
  interruptedHelp:
    'A browser does not give files to a page a second time. To go on, choose the same directory again (what has arrived is left out), or the same files, in',
  dismiss: 'Dismiss',
  folder: 'Upload a directory',
  listing: 'Looking through what was dropped …',
  look: (name: string) => `Look at ${name}`,
  dropUpload: (path: string) => `Drop here to upload to ${path}`,
  dropLook: 'Drop FITS files here to look at them first',
};

export const lookTexts = {
  title: 'Look at files',
  intro: 'Files are read in this browser. Nothing is uploaded until you say so.',
  choose: 'Choose files',
  emptyTitle: 'Drop FITS files here',
  emptyText:
    'Spectra of LAMOST (all releases), SDSS, 1-D images and tables, packed by gzip or not, are drawn at once. Drop as many as you like, or whole directories.',
  files: (count: number) => plural(count, 'file', 'files'),
  list: 'Dropped files',
  filter: 'Filter by name',
  shown: (shown: number, total: number) =>
    `The first ${formatCount(shown)} of ${formatCount(total)} are listed.`,
  remove: 'Forget all',
  unreadable: 'This file cannot be drawn',
  drop: 'Drop FITS files to look at them',
  noneDropped: 'No FITS files were dropped: their names end with .fits, .fit or .fits.gz.',
  uploadTitle: 'Keep them',
  uploadText: 'In the archive they join the catalogue, and can be preprocessed.',
  target: 'Directory in the archive',
  targetProblem: 'must be a path like /my/spectra',
  upload: (count: number) => (count === 1 ? 'Upload it' : `Upload all ${formatCount(count)}`),
  uploaded: (count: number, path: string) =>
    `${plural(count, 'file is', 'files are')} on the way to ${path}.`,
  toCatalogue: 'See them in the catalogue',
  preprocess: 'Preprocess this directory',
  readOnly: 'The archive is mounted read-only here: files cannot be uploaded.',
};

export const spectrumViewTexts = {
  lines: 'Lines',
  noLines: 'None',
  groups: {
    hydrogen: 'Hydrogen',
    stellar: 'Stars: Ca, Mg, Na, G band',
    nebular: 'Emission: O, N, S, Ne, He',
    quasar: 'Quasars: Lyα to Mg II',
    telluric: 'Telluric bands (of the air above)',
  },
  medium: 'Line list in',
  media: { air: 'Air', vacuum: 'Vacuum' },
  mediumOfFile: (medium: string) => `Wavelengths of this file: ${medium}`,
  mediumUnknown: 'This file does not say whether its wavelengths are in air or in vacuum',
  z: 'Redshift z',
  velocity: 'cz [km/s]',
  slider: 'Shift the line list',
  sliderUnit: 'The slider moves',
  units: { velocity: 'cz', z: 'z' },
  resetZ: 'As in the catalogue',
  smoothing: 'Smoothing σ',
  pixels: (sigma: number) => (sigma === 0 ? 'none' : `${formatCount(sigma)} px`),
  errors: 'Errors ±1σ',
  noErrors: 'This file has no inverse variance',
  bad: 'Bad pixels',
  clip: 'Ignore spikes',
  clipHelp: 'The flux axis shows 99 % of the values: cosmic rays do not flatten the rest',
  preprocessed: 'Preprocessed by',
  notPreprocessed: 'Raw only',
  notInJob: 'This spectrum is not among the rows of that job: it was rejected, or lies in another directory.',
  preprocessedLabel: 'Preprocessed',
  rawLabel: 'Raw, scaled to match',
  flux: 'Flux',
  smoothedLabel: (sigma: number) => `Flux, smoothed (σ ${formatCount(sigma)} px)`,
  pixelsOf: (pixels: number, bad: number) =>
    `${plural(pixels, 'pixel', 'pixels')}${bad > 0 ? `, ${formatCount(bad)} marked bad` : ''}`,
  controls: 'What is drawn',
};
