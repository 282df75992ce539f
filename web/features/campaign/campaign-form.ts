import type { z } from 'zod';
import {
  AcquisitionStrategy,
  ActiveLearningConfig,
  type StoppingRule,
} from '../../../contracts/active-learning.ts';
import { PHOTOMETRIC_BANDS, PoolCuts } from '../../../contracts/cuts.ts';
import { type ConfigField, createConfigForm, type Json, valueAt } from '../jobs/config-form.ts';

/** The form of an ACTIVE_ML job as data. */
export type CampaignKey =
  | 'pool_data_path'
  | 'classes'
  | 'candidate_classes'
  | 'oracle_batch_size'
  | 'perf_est_batch_size'
  | 'strategy'
  | 'first_batch'
  | 'show_candidates'
  | 'stopping_rule'
  | 'stopping_labels'
  | 'stopping_kappa'
  | 'stopping_mean_entropy'
  | 'stopping_fraction'
  | 'stopping_iterations'
  | 'stopping_precision'
  | 'stopping_audit_size'
  | 'max_iterations'
  | 'training_data_path'
  | 'training_data_to_add_path'
  | 'oracle_data_to_add_path'
  | 'perf_est_list_path'
  | 'initial_model_path'
  | 'cut_class'
  | 'snr_band'
  | 'snr_min'
  | 'magnitude_band'
  | 'magnitude_min'
  | 'magnitude_max'
  | 'sky'
  | 'cone_ra'
  | 'cone_dec'
  | 'cone_radius_deg'
  | 'box_ra_min'
  | 'box_ra_max'
  | 'box_dec_min'
  | 'box_dec_max'
  | 'coverage_min'
  | 'missing'
  | 'objects_by'
  | 'objects_radius_arcsec'
  | 'epochs_train'
  | 'batch_size_train'
  | 'min_delta_train'
  | 'patience_train'
  | 'oversampling'
  | 'seed'
  | 'network'
  | 'accelerator'
  | 'batch_size_predict'
  | 'embedding'
  | 'save_model';

const { shape } = ActiveLearningConfig;
const choicesOf = (schema: z.ZodDefault<z.ZodEnum>) => schema.unwrap().options.map(String);
type Rule = StoppingRule['rule'];
const RULES = shape.stopping.unwrap().options.flatMap((rule) => [...rule.shape.rule.values]);
const forRules = (...is: readonly Rule[]) => ({ key: 'stopping_rule', is }) as const;

/** What a region of the sky is told by. */
function skyOf(config: Json): string {
  if (valueAt(config, ['cuts', 'sky', 'radius_deg']) !== undefined) return 'cone';
  return valueAt(config, ['cuts', 'sky']) === undefined ? '' : 'box';
}
const CONE = { key: 'sky', is: ['cone'] } as const;
const BOX = { key: 'sky', is: ['box'] } as const;
const MAGNITUDE = { key: 'magnitude_band', is: PHOTOMETRIC_BANDS } as const;

/** Every field, in the order of the form. */
export const FIELDS: readonly ConfigField<CampaignKey>[] = [
  { key: 'pool_data_path', kind: 'path', path: ['pool_data_path'], required: true },
  { key: 'classes', kind: 'names', path: ['classes'], required: true },
  { key: 'candidate_classes', kind: 'names', path: ['candidate_classes'], required: true },
  { key: 'oracle_batch_size', kind: 'number', path: ['oracle_batch_size'], required: true },
  { key: 'perf_est_batch_size', kind: 'number', path: ['perf_est_batch_size'], required: true },
  { key: 'strategy', kind: 'choice', path: ['strategy'], choices: AcquisitionStrategy.options },
  { key: 'first_batch', kind: 'choice', path: ['first_batch'], choices: choicesOf(shape.first_batch) },
  { key: 'show_candidates', kind: 'switch', path: ['show_candidates'] },
  { key: 'stopping_rule', kind: 'choice', path: ['stopping', 'rule'], choices: RULES, decides: ['stopping'] },
  {
    key: 'stopping_labels',
    kind: 'number',
    path: ['stopping', 'labels'],
    required: true,
    when: forRules('label_budget'),
  },
  {
    key: 'stopping_kappa',
    kind: 'number',
    path: ['stopping', 'kappa'],
    required: true,
    when: forRules('prediction_agreement'),
  },
  {
    key: 'stopping_mean_entropy',
    kind: 'number',
    path: ['stopping', 'mean_entropy'],
    required: true,
    when: forRules('overall_uncertainty'),
  },
  {
    key: 'stopping_fraction',
    kind: 'number',
    path: ['stopping', 'fraction'],
    required: true,
    when: forRules('classification_change'),
  },
  {
    key: 'stopping_iterations',
    kind: 'number',
    path: ['stopping', 'iterations'],
    required: true,
    when: forRules('prediction_agreement', 'classification_change'),
  },
  {
    key: 'stopping_precision',
    kind: 'number',
    path: ['stopping', 'precision'],
    required: true,
    when: forRules('target_precision'),
  },
  {
    key: 'stopping_audit_size',
    kind: 'number',
    path: ['stopping', 'audit_size'],
    required: true,
    when: forRules('target_precision'),
  },
  { key: 'max_iterations', kind: 'number', path: ['max_iterations'] },
  { key: 'training_data_path', kind: 'path', path: ['training_data_path'] },
  { key: 'training_data_to_add_path', kind: 'path', path: ['training_data_to_add_path'] },
  { key: 'oracle_data_to_add_path', kind: 'path', path: ['oracle_data_to_add_path'] },
  { key: 'perf_est_list_path', kind: 'path', path: ['perf_est_list_path'] },
  { key: 'initial_model_path', kind: 'path', path: ['initial_model_path'] },
  { key: 'cut_class', kind: 'names', path: ['cuts', 'class'] },
  {
    key: 'snr_band',
    kind: 'choice',
    path: ['cuts', 'snr', 'band'],
    choices: PoolCuts.shape.snr.unwrap().shape.band.unwrap().options,
    decides: ['cuts', 'snr'],
  },
  { key: 'snr_min', kind: 'number', path: ['cuts', 'snr', 'min'] },
  {
    key: 'magnitude_band',
    kind: 'choice',
    path: ['cuts', 'magnitude', 'band'],
    choices: ['', ...PHOTOMETRIC_BANDS],
    decides: ['cuts', 'magnitude'],
  },
  { key: 'magnitude_min', kind: 'number', path: ['cuts', 'magnitude', 'min'], when: MAGNITUDE },
  { key: 'magnitude_max', kind: 'number', path: ['cuts', 'magnitude', 'max'], when: MAGNITUDE },
  { key: 'sky', kind: 'choice', choices: ['', 'cone', 'box'], toldBy: skyOf },
  { key: 'cone_ra', kind: 'number', path: ['cuts', 'sky', 'ra'], required: true, when: CONE },
  { key: 'cone_dec', kind: 'number', path: ['cuts', 'sky', 'dec'], required: true, when: CONE },
  { key: 'cone_radius_deg', kind: 'number', path: ['cuts', 'sky', 'radius_deg'], required: true, when: CONE },
  { key: 'box_ra_min', kind: 'number', path: ['cuts', 'sky', 'ra_min'], required: true, when: BOX },
  { key: 'box_ra_max', kind: 'number', path: ['cuts', 'sky', 'ra_max'], required: true, when: BOX },
  { key: 'box_dec_min', kind: 'number', path: ['cuts', 'sky', 'dec_min'], required: true, when: BOX },
  { key: 'box_dec_max', kind: 'number', path: ['cuts', 'sky', 'dec_max'], required: true, when: BOX },
  { key: 'coverage_min', kind: 'number', path: ['cuts', 'coverage', 'min'] },
  {
    key: 'missing',
    kind: 'choice',
    path: ['cuts', 'missing'],
    choices: choicesOf(PoolCuts.shape.missing),
  },
  {
    key: 'objects_by',
    kind: 'choice',
    path: ['objects', 'by'],
    choices: ['', 'designation', 'position'],
    decides: ['objects'],
  },
  {
    key: 'objects_radius_arcsec',
    kind: 'number',
    path: ['objects', 'radius_arcsec'],
    required: true,
    when: { key: 'objects_by', is: ['position'] },
  },
  { key: 'epochs_train', kind: 'number', path: ['epochs_train'], required: true },
  { key: 'batch_size_train', kind: 'number', path: ['batch_size_train'], required: true },
  { key: 'min_delta_train', kind: 'number', path: ['min_delta_train'], required: true },
  { key: 'patience_train', kind: 'number', path: ['patience_train'], required: true },
  { key: 'oversampling', kind: 'choice', path: ['oversampling'], choices: choicesOf(shape.oversampling) },
  { key: 'seed', kind: 'number', path: ['seed'], required: true },
  { key: 'network', kind: 'layers', path: ['network', 'layers'], required: true },
  { key: 'accelerator', kind: 'choice', path: ['accelerator'], choices: choicesOf(shape.accelerator) },
  { key: 'batch_size_predict', kind: 'number', path: ['batch_size_predict'], required: true },
  { key: 'embedding', kind: 'choice', path: ['embedding'], choices: choicesOf(shape.embedding) },
  { key: 'save_model', kind: 'switch', path: ['save_model'] },
];

export const BATCH_KEYS: readonly CampaignKey[] = [
  'oracle_batch_size',
  'perf_est_batch_size',
  'strategy',
  'first_batch',
  'show_candidates',
];
export const END_KEYS: readonly CampaignKey[] = [
  'stopping_rule',
  'stopping_labels',
  'stopping_kappa',
  'stopping_mean_entropy',
  'stopping_fraction',
  'stopping_iterations',
  'stopping_precision',
  'stopping_audit_size',
  'max_iterations',
];
/** Folded away, in groups: what most leave as it is. */
export const MORE_SECTIONS = [
  {
    id: 'cuts',
    keys: [
      'cut_class',
      'snr_band',
      'snr_min',
      'magnitude_band',
      'magnitude_min',
      'magnitude_max',
      'sky',
      'cone_ra',
      'cone_dec',
      'cone_radius_deg',
      'box_ra_min',
      'box_ra_max',
      'box_dec_min',
      'box_dec_max',
      'coverage_min',
      'missing',
      'objects_by',
      'objects_radius_arcsec',
    ],
  },
  {
    id: 'known',
    keys: [
      'training_data_path',
      'training_data_to_add_path',
      'oracle_data_to_add_path',
      'perf_est_list_path',
      'initial_model_path',
    ],
  },
  {
    id: 'network',
    keys: [
      'epochs_train',
      'patience_train',
      'min_delta_train',
      'batch_size_train',
      'oversampling',
      'seed',
      'accelerator',
      'batch_size_predict',
      'network',
    ],
  },
  { id: 'output', keys: ['embedding', 'save_model'] },
] as const satisfies readonly { id: string; keys: readonly CampaignKey[] }[];
export const MORE_KEYS: readonly CampaignKey[] = MORE_SECTIONS.flatMap(({ keys }) => keys);

/** What a file name must end in to be offered for a path. */
export const ENDINGS: Partial<Record<CampaignKey, readonly string[]>> = {
  pool_data_path: ['.h5', '.hdf5'],
  training_data_path: ['.h5', '.hdf5'],
  training_data_to_add_path: ['.h5', '.hdf5'],
  oracle_data_to_add_path: ['.json'],
  perf_est_list_path: ['.json'],
  // The directory is what counts; this file is in each.
  initial_model_path: ['model.json'],
};

const SAMPLE = { classes: ['a', 'b'], candidate_classes: ['a'], pool_data_path: '/' };
export const {
  fieldsOf,
  emptyDraft,
  configOfDraft,
  draftOfConfig: draftOfWholeConfig,
  changeDraft,
  changedCount,
  errorsAtFields,
  validateDraft,
} = createConfigForm<CampaignKey>({
  fields: FIELDS,
  schema: ActiveLearningConfig,
  samples: [
    SAMPLE,
    { ...SAMPLE, cuts: { snr: { min: 0 } }, objects: { by: 'position' } },
    ...['prediction_agreement', 'overall_uncertainty', 'classification_change', 'target_precision'].map(
      (rule) => ({ ...SAMPLE, stopping: { rule } }),
    ),
  ],
  placesOfErrors: [
    { key: 'stopping_rule', path: 'stopping' },
    { key: 'snr_min', path: 'cuts.snr' },
    { key: 'magnitude_band', path: 'cuts.magnitude' },
    { key: 'sky', path: 'cuts.sky' },
    { key: 'coverage_min', path: 'cuts.coverage' },
    { key: 'objects_by', path: 'objects' },
    { key: 'network', path: 'network' },
  ],
});

/** The draft of a `config.json`. Old clients write `""` for a path that is not used. */
export function draftOfConfig(config: Json): ReturnType<typeof draftOfWholeConfig> {
  return draftOfWholeConfig(Object.fromEntries(Object.entries(config).filter(([, value]) => value !== '')));
}
