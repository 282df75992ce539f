import { type z } from 'zod';
import { problemsOf } from '../../../contracts/error.ts';
import { JsonObject } from '../../../contracts/job.ts';
import {
  DEFAULT_NETWORK,
  FittingOptions,
  NetworkArchitecture,
  type NetworkLayer,
} from '../../../contracts/network.ts';
import { TrainingConfig } from '../../../contracts/training.ts';

/** The form of a TRAINING job as data: which option of `config.json` each field holds, and how. */
type Json = z.infer<typeof JsonObject>;
type JsonValue = Json[string];

interface FieldBase {
  /** Where the option lies in `config.json`. */
  path: readonly [string, ...string[]];
  required?: true;
  /** Only there, also in `config.json`, while another field has this value. */
  when?: { key: TrainingKey; is: string };
}
export type TrainingField =
  | (FieldBase & { key: TrainingKey; kind: 'path' | 'number' | 'names' | 'layers' })
  | (FieldBase & { key: TrainingKey; kind: 'choice'; choices: readonly string[] });

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
export const FIELDS: readonly TrainingField[] = [
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
  },
  {
    key: 'schedule_every_epochs',
    kind: 'number',
    path: [...SCHEDULE, 'every_epochs'],
    required: true,
    when: { key: 'schedule', is: 'step' },
  },
  {
    key: 'schedule_factor',
    kind: 'number',
    path: [...SCHEDULE, 'factor'],
    required: true,
    when: { key: 'schedule', is: 'step' },
  },
  {
    key: 'schedule_epochs',
    kind: 'number',
    path: [...SCHEDULE, 'epochs'],
    required: true,
    when: { key: 'schedule', is: 'cosine' },
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

export function fieldsOf(keys: readonly TrainingKey[]): TrainingField[] {
  return keys.flatMap((key) => FIELDS.filter((field) => field.key === key));
}

/** Whether a field is there, with what the others of the draft say. */
export function applies({ when }: TrainingField, { values }: Pick<TrainingDraft, 'values'>): boolean {
  return when === undefined || values[when.key] === when.is;
}

/** What the form holds: texts as typed, and what the text editor brought that no field can hold. */
export interface TrainingDraft {
  values: Record<TrainingKey, string>;
  other: Json;
}

/** Layers as JSON, one a line: that is how they are read and moved about. */
export function formatLayers(layers: readonly NetworkLayer[]): string {
  const lines = layers.map((layer) => `  ${JSON.stringify(layer).replaceAll(/([:,])(?=["\d])/g, '$1 ')}`);
  return lines.length === 0 ? '[]' : `[\n${lines.join(',\n')}\n]`;
}
const DEFAULT_LAYERS = formatLayers(DEFAULT_NETWORK.layers);

function isObject(value: JsonValue | undefined): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueAt(json: Json, path: readonly string[]): JsonValue | undefined {
  const [name = '', ...rest] = path;
  const value = json[name];
  if (rest.length === 0) return value;
  return isObject(value) ? valueAt(value, rest) : undefined;
}

/** `json` with `value` at `path`; as it was where something else than an object is in the way. */
function withValue(json: Json, path: readonly string[], value: JsonValue): Json {
  const [name = '', ...rest] = path;
  if (rest.length === 0) return { ...json, [name]: value };
  const inner = json[name] ?? {};
  return isObject(inner) ? { ...json, [name]: withValue(inner, rest, value) } : json;
}

/** `json` without what is at `path`, and without the objects that are empty then. */
function withoutValue(json: Json, path: readonly string[]): Json {
  const [name = '', ...rest] = path;
  const inner = json[name];
  const left = rest.length > 0 && isObject(inner) ? withoutValue(inner, rest) : {};
  const others = Object.entries(json).filter(([key]) => key !== name);
  return Object.fromEntries(Object.keys(left).length > 0 ? [...others, [name, left]] : others);
}

function draftValueOf(field: TrainingField, value: JsonValue | undefined): string | undefined {
  if (field.kind === 'number') return typeof value === 'number' ? String(value) : undefined;
  if (field.kind === 'names') {
    const names = Array.isArray(value) && value.length > 0 ? value : undefined;
    const areHeld = names?.every((name) => typeof name === 'string' && name !== '' && name.trim() === name);
    return areHeld && !names?.some((name) => String(name).includes('\n')) ? names?.join('\n') : undefined;
  }
  if (field.kind === 'layers') {
    const network = NetworkArchitecture.safeParse({ layers: value });
    return network.success ? formatLayers(network.data.layers) : undefined;
  }
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  return field.kind !== 'choice' || field.choices.includes(value) ? value : undefined;
}

/** What a field shows where `config.json` does not say: the default of the schema. */
function schemaDefaults(): Record<TrainingKey, string> {
  const filled = JsonObject.parse(TrainingConfig.parse({ training_data_path: '/' }));
  const value = (key: TrainingKey) => {
    const [field] = fieldsOf([key]);
    return (field && draftValueOf(field, valueAt(filled, field.path))) ?? '';
  };
  return {
    training_data_path: '',
    labels_path: '',
    classes: '',
    epochs: value('epochs'),
    batch_size: value('batch_size'),
    learning_rate: value('learning_rate'),
    schedule: value('schedule'),
    schedule_every_epochs: '',
    schedule_factor: '',
    schedule_epochs: '',
    validation_fraction: value('validation_fraction'),
    class_weights: value('class_weights'),
    seed: value('seed'),
    monitor: value('monitor'),
    patience: value('patience'),
    min_delta: value('min_delta'),
    network: value('network'),
    accelerator: value('accelerator'),
    pool_data_path: '',
    batch_size_predict: value('batch_size_predict'),
  };
}
const DEFAULTS = schemaDefaults();

export function emptyDraft(): TrainingDraft {
  return { values: { ...DEFAULTS }, other: {} };
}

/** The names in a text, one a line. */
export function parseNames(text: string): string[] {
  return text
    .split('\n')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** A text as JSON; undefined where it is none. */
function parseJson(text: string): JsonValue | undefined {
  try {
    return JsonObject.parse({ value: JSON.parse(text) })['value'];
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The JSON value of a field; undefined where it is left out. What is no number or JSON stays a text, for the schema to refuse. */
function jsonOf(field: TrainingField, typed: string): JsonValue | undefined {
  const text = typed.trim();
  if (text === '') return undefined;
  if (field.kind === 'number') return Number.isFinite(Number(text)) ? Number(text) : text;
  if (field.kind === 'names') return parseNames(text);
  if (field.kind === 'layers') return parseJson(text) ?? text;
  return text;
}

/** The `config.json` of a draft; options at their default are left out. */
export function configOfDraft(draft: TrainingDraft): Json {
  return FIELDS.filter((field) => applies(field, draft)).reduce((config, field) => {
    const text = draft.values[field.key];
    // A schedule with something in it needs its kind.
    const isNeeded = field.key === 'schedule' && valueAt(draft.other, SCHEDULE) !== undefined;
    const value = isAtDefault(field, text) && !isNeeded ? undefined : jsonOf(field, text);
    // What the editor brought and this field could not hold.
    if (value === undefined || valueAt(draft.other, field.path) !== undefined) return config;
    return withValue(config, field.path, value);
  }, draft.other);
}

function isAtDefault(field: TrainingField, text: string): boolean {
  if (text.trim() === DEFAULTS[field.key]) return true;
  const value = field.kind === 'layers' ? draftValueOf(field, parseJson(text)) : undefined;
  return value !== undefined && value === DEFAULT_LAYERS;
}

/** The draft of a `config.json`; what no field can hold (unknown keys, wrong types) is kept, not lost. */
export function draftOfConfig(config: Json): TrainingDraft {
  const draft: TrainingDraft = {
    values: { ...DEFAULTS },
    other: config,
  };
  for (const field of FIELDS) {
    const held = draftValueOf(field, valueAt(config, field.path));
    if (held === undefined || !applies(field, draft)) continue;
    draft.values[field.key] = held;
    draft.other = withoutValue(draft.other, field.path);
  }
  return draft;
}

/** The draft after a field was typed in: it now says what the editor had said in a way that it could not hold. */
export function changeDraft(draft: TrainingDraft, key: TrainingKey, value: string): TrainingDraft {
  const [field] = fieldsOf([key]);
  // What was said of one kind of schedule says nothing of another.
  const path = key === 'schedule' ? SCHEDULE : field?.path;
  return {
    values: { ...draft.values, [key]: value },
    other: path ? withoutValue(draft.other, path) : draft.other,
  };
}

/** How many of these options are not at their default. */
export function changedCount(draft: TrainingDraft, keys: readonly TrainingKey[]): number {
  return fieldsOf(keys).filter(
    (field) => !isAtDefault(field, draft.values[field.key]) || valueAt(draft.other, field.path) !== undefined,
  ).length;
}

export type TrainingErrors = Partial<Record<TrainingKey | 'label' | 'description' | 'config', string>>;

/**
 * Problems (of a failed parse here, or of a 422) at the fields they belong to; the first of each field.
 * What belongs to no field goes to `config`, beside the text editor.
 */
export function errorsAtFields(problems: readonly { path: string; message: string }[]): TrainingErrors {
  const errors: TrainingErrors = {};
  const places: { key: keyof TrainingErrors; path: string }[] = [
    ...FIELDS.map(({ key, path }) => ({ key, path: path.join('.') })),
    { key: 'network', path: 'network' },
    { key: 'schedule', path: SCHEDULE.join('.') },
    { key: 'label', path: 'label' },
    { key: 'description', path: 'description' },
  ];
  for (const { path, message } of problems) {
    const inConfig = path.replace(/^config\./, '');
    const place = places.find(
      (one) =>
        inConfig === one.path ||
        (inConfig.startsWith(one.path) && /^[.[]/.test(inConfig.slice(one.path.length))),
    );
    const rest = place ? inConfig.slice(place.path.length).replace(/^\./, '') : path;
    errors[place?.key ?? 'config'] ??= rest ? `${rest}: ${message}` : message;
  }
  return errors;
}

/** Problems of the draft in the words of a form. */
export function validateDraft(
  draft: TrainingDraft,
  words: { required: string; number: string; layers: string },
): TrainingErrors {
  const parsed = TrainingConfig.safeParse(configOfDraft(draft));
  const errors = parsed.success ? {} : errorsAtFields(problemsOf(parsed.error));
  for (const field of FIELDS.filter((one) => applies(one, draft))) {
    const text = draft.values[field.key].trim();
    if (valueAt(draft.other, field.path) !== undefined) continue;
    if (text === '' && field.required) errors[field.key] = words.required;
    else if (field.kind === 'number' && !Number.isFinite(Number(text))) errors[field.key] = words.number;
    else if (field.kind === 'layers' && !Array.isArray(parseJson(text))) errors[field.key] = words.layers;
  }
  return errors;
}
