import { formatCount } from '../format.ts';

const plural = (count: number, one: string, many: string) =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

/** Points in two dimensions. */
export const scatter = {
  lasso: 'Lasso',
  readoutEmpty: 'Point to read off, click to open',
  hint: 'Drag moves, the wheel zooms, Shift-drag draws a lasso.',
  help: 'Keys: arrows go from point to point, Enter opens it, + − zoom, 0 everything.',
  summary: (title: string, points: number, groups: string) =>
    `${title}, ${plural(points, 'point', 'points')}: ${groups}`,
  toggle: (name: string) => `Show or hide ${name}`,
};

/** The page of a campaign. */
export const campaign = {
  now: 'Now',
  iteration: 'Iteration',
  iterationNumber: (iteration: number) => `Iteration ${formatCount(iteration)}`,
  waits: (open: number, iteration: number) =>
    `${plural(open, 'spectrum waits', 'spectra wait')} for a label in iteration ${formatCount(iteration)}`,
  answered: (done: number, total: number) => `${formatCount(done)} of ${formatCount(total)} answered`,
  works: 'Nothing to do for you now: the network learns, classifies the pool and chooses the next batch.',
  epochNow: (epoch: number, iteration: number, loss: string) =>
    `Iteration ${formatCount(iteration)} trains: epoch ${formatCount(epoch)}, loss ${loss}`,
  pausedTitle: 'The campaign is paused',
  paused: 'You may go on labelling; nothing new begins until you resume it.',
  pending: 'Not started yet. Run it: the first batch opens within seconds.',
  finished: 'The campaign is finished.',
  ended: 'The campaign has ended. Its files and labels are kept.',
  stepDone: 'This is one step of a loop that a client drives. Its batch can be labelled.',
  labelNow: 'Label now',
  look: 'Look at the labels',
  close: 'Close the batch early',
  closeTitle: 'Close this batch early?',
  closeText: (open: number) =>
    `${plural(open, 'spectrum has', 'spectra have')} no answer. The campaign goes on with the answers that are there.`,
  closed: 'The batch is closed; the campaign goes on.',
  finish: 'Finish',
  finishTitle: 'Finish this campaign?',
  finishText:
    'An open batch closes with the labels it has. A last network learns from all labels and classifies the pool; then the catalogue is written.',
  finishing: 'The campaign finishes: a last training, then the catalogue.',
  settings: 'Settings',
  settingsTitle: 'Settings from the next iteration on',
  settingsText: (iteration: number) =>
    `They hold from iteration ${formatCount(iteration)} on. What is open now stays as it is.`,
  settingsSave: 'Save',
  settingsSaved: 'The settings hold from the next iteration on.',
  settingsNow: (oracle: number, estimate: number, strategy: string) =>
    `Next: ${formatCount(oracle)} to learn from, ${formatCount(estimate)} for the estimate, ${strategy}`,
  downloads: 'Catalogue of candidates',
  downloadFile: (kind: string) => `Catalogue, ${kind}`,
  bundle: 'Bundle',
  curve: 'Learning curve',
  measure: 'Measure',
  measures: {
    precision: 'Precision of candidates',
    meanEntropy: 'Mean entropy of the pool',
    kappa: 'Agreement with the network before',
    changed: 'Share of the pool that changed its class',
    candidates: 'Candidates in the pool',
    predicted: 'Spectra of each class',
  },
  labelsLearnt: 'Labels learnt from',
  atLabels: (labels: number, iteration: number) =>
    `${plural(labels, 'label', 'labels')} (iteration ${formatCount(iteration)})`,
  curveEmpty: {
    title: 'No point of the curve yet',
    text: 'Precision is known once a batch with its sample is labelled and closed: from iteration 1 on.',
  },
  measureEmpty: {
    title: 'Nothing was measured yet',
    text: 'The first network classifies the pool in iteration 1; its numbers appear here.',
  },
  curveHelp:
    'Each point is one network, on a sample drawn for it alone; bars are 95 % intervals (Clopper–Pearson). It says nothing of what was missed.',
  numbers: 'Numbers of every iteration',
  columns: {
    iteration: 'Iteration',
    labels: 'Labels learnt from',
    asked: 'Asked',
    labelled: 'Labelled',
    candidates: 'Candidates',
    meanEntropy: 'Mean entropy [nat]',
    kappa: 'Kappa',
    changed: 'Changed',
    precisionOf: (name: string) => `Precision of ${name}`,
  },
  estimate: 'Precision of this network',
  estimateOf: (right: number, labelled: number) => `${formatCount(right)} of ${formatCount(labelled)} right`,
  estimateOpen: (open: number) => `${formatCount(open)} still to label`,
  interval: (low: string, high: string) => `${low} to ${high} (95 %)`,
  intervalLater: 'The interval comes when the batch is closed.',
  estimateEmpty: {
    title: 'No sample in this iteration',
    text: 'From iteration 1 on spectra are drawn at random from what the network takes for a class searched for. The setting “Spectra to estimate precision with” says how many.',
  },
  sample: 'Labels of the sample',
  sampleHelp: 'Columns: what the network says. Rows: what people say.',
  peopleNetwork: 'People say ↓ The network says →',
  undecided: 'unsure or skipped',
  open: 'no answer yet',
  shares: 'Classes of the pool',
  sharesHelp: 'One row an iteration; numbers are spectra.',
  sharesDescription: (text: string) =>
    `Share of each class in the pool, by iteration. In the newest: ${text}`,
  sharesEmpty: {
    title: 'The pool is not classified yet',
    text: 'Iteration 0 has no network. Once its batch is labelled, the first one classifies the pool.',
  },
  shareOf: (name: string, count: number, share: string) => `${name}: ${formatCount(count)} (${share})`,
  spectra: 'Spectra',
  entropy: 'How sure the network is',
  entropyAxis: 'Entropy of a prediction [nat]',
  entropyFrom: 'Entropy from [nat]',
  entropyTo: 'Entropy to [nat]',
  entropyDescription: (mean: string, spectra: number) =>
    `Histogram of the entropy of ${plural(spectra, 'prediction', 'predictions')}, mean ${mean} nat`,
  sure: 'sure',
  unsure: 'unsure',
  entropyMean: (mean: string) => `mean ${mean}`,
  map: 'Map of the training set (t-SNE)',
  mapEmpty: {
    title: 'No map of this iteration',
    text: 'It is drawn from iteration 1 on, some time after the batch is open, where “Map of the training set” is not None.',
  },
  mapHelp:
    'What lies near each other looks alike. A point among those of another class may be labelled wrongly.',
  caught: (count: number) => plural(count, 'spectrum in the lasso', 'spectra in the lasso'),
  spectrum: 'Spectrum',
  class: 'Class',
  people: 'Who has labelled',
  person: 'Person',
  nobody: 'without a name',
  labelled: 'Labels',
  skipped: 'Skipped',
  unsureCount: 'Unsure',
  last: 'Last answer',
  peopleEmpty: { title: 'Nobody has labelled yet', text: 'Answers are counted here by person.' },
  candidates: 'Candidates',
  probability: 'Probability',
  label: 'Label',
  labelledBy: 'By',
  designation: 'Designation',
  ra: 'RA [deg]',
  dec: 'Dec [deg]',
  inCatalogue: (count: number) => `${plural(count, 'spectrum', 'spectra')} of the catalogue`,
  mostProbable: (count: number) => `The ${formatCount(count)} most probable of this iteration`,
  uncalibrated: 'Probabilities are the network’s own, not calibrated.',
  candidatesEmpty: {
    title: 'No list of candidates yet',
    running:
      'The catalogue is written when the campaign finishes. Campaigns with “List candidates at the bench” list the most probable in every iteration.',
    none: 'The campaign ended without a catalogue. result.h5 among the result files has the predictions.',
  },
  catalogueLarge: (size: string) =>
    `The catalogue is too large for this page (${size}). Download it with the buttons above.`,
  failed: 'It could not be read',
};
