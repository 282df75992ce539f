import { type z } from 'zod';
import { FittingOptions } from '../../../contracts/network.ts';
import { TrainingConfig } from '../../../contracts/training.ts';
import { type ConfigField, createConfigForm } from '../jobs/config-form.ts';

/** The form of a TRAINING job as data. */
export type TrainingKey =
  | 'training_data_path'
  | 'labels_path'
  | 'classes'
  | 'epochs'
  | 'batch_size'
  | 'learning_rate'
  | 'schedule'
  | 'schedule_every_epochs'
  | 'schedule_factor'
  | 'schedule_epochs'
  | 'validation_fraction'
  | 'class_weights'
  | 'seed'
  | 'monitor'
  | 'patience'
  | 'min_delta'
  | 'network'
  | 'accelerator'
  | 'pool_data_path'
  | 'batch_size_predict';

const SCHEDULE = ['fitting', 'learning_rate_schedule'] as const;
const schedules = FittingOptions.shape.learning_rate_schedule.unwrap().options;
const stopping = FittingOptions.shape.early_stopping.unwrap().shape;
const choicesOf = (schema: z.ZodDefault<z.ZodEnum>) => schema.unwrap().options.map(String);

/** Every field, in the order of the form. */
export const FIELDS: readonly ConfigField<TrainingKey>[] = [
  { key: 'training_data_path', kind: 'path', path: ['training_data_path'], required: true },
  { key: 'labels_path', kind: 'path', path: ['labels_path'] },
  { key: 'classes', kind: 'names', path: ['classes'] },
  { key: 'epochs', kind: 'number', path: ['fitting', 'epochs'], required: true },
  { key: 'batch_size', kind: 'number', path: ['fitting', 'batch_size'], required: true },
  { key: 'learning_rate', kind: 'number', path: ['fitting', 'learning_rate'], required: true },
  {
    key: 'schedule',
    kind: 'choice',
    path: [...SCHEDULE, 'kind'],
    choices: schedules.flatMap(({ shape }) => [...shape.kind.values]),
    decides: SCHEDULE,
  },
  {
    key: 'schedule_every_epochs',
    kind: 'number',
    path: [...SCHEDULE, 'every_epochs'],
    required: true,
    when: { key: 'schedule', is: ['step'] },
  },
  {
    key: 'schedule_factor',
    kind: 'number',
    path: [...SCHEDULE, 'factor'],
    required: true,
    when: { key: 'schedule', is: ['step'] },
  },
  {
    key: 'schedule_epochs',
    kind: 'number',
    path: [...SCHEDULE, 'epochs'],
    required: true,
    when: { key: 'schedule', is: ['cosine'] },
  },
  { key: 'validation_fraction', kind: 'number', path: ['fitting', 'validation_fraction'], required: true },
  {
    key: 'class_weights',
    kind: 'choice',
    path: ['fitting', 'class_weights'],
    choices: choicesOf(FittingOptions.shape.class_weights),
  },
  { key: 'seed', kind: 'number', path: ['fitting', 'seed'], required: true },
  {
    key: 'monitor',
    kind: 'choice',
    path: ['fitting', 'early_stopping', 'monitor'],
    choices: choicesOf(stopping.monitor),
  },
  { key: 'patience', kind: 'number', path: ['fitting', 'early_stopping', 'patience'], required: true },
  { key: 'min_delta', kind: 'number', path: ['fitting', 'early_stopping', 'min_delta'], required: true },
  { key: 'network', kind: 'layers', path: ['network', 'layers'], required: true },
  {
    key: 'accelerator',
    kind: 'choice',
    path: ['accelerator'],
    choices: choicesOf(TrainingConfig.shape.accelerator),
  },
  { key: 'pool_data_path', kind: 'path', path: ['pool_data_path'] },
  { key: 'batch_size_predict', kind: 'number', path: ['batch_size_predict'], required: true },
];

export const DATA_KEYS: readonly TrainingKey[] = ['training_data_path', 'labels_path', 'classes'];
export const FITTING_KEYS: readonly TrainingKey[] = [
  'epochs',
  'batch_size',
  'learning_rate',
  'schedule',
  'schedule_every_epochs',
  'schedule_factor',
  'schedule_epochs',
  'validation_fraction',
  'class_weights',
  'seed',
];
export const STOPPING_KEYS: readonly TrainingKey[] = ['monitor', 'patience', 'min_delta'];
/** Folded away: what most leave as it is. */
export const MORE_KEYS: readonly TrainingKey[] = [
  'network',
  'accelerator',
  'pool_data_path',
  'batch_size_predict',
];

export const {
  fieldsOf,
  emptyDraft,
  configOfDraft,
  draftOfConfig,
  changeDraft,
  changedCount,
  errorsAtFields,
  validateDraft,
} = createConfigForm<TrainingKey>({
  fields: FIELDS,
  schema: TrainingConfig,
  samples: [{ training_data_path: '/' }],
  placesOfErrors: [
    { key: 'network', path: 'network' },
    { key: 'schedule', path: SCHEDULE.join('.') },
  ],
});
