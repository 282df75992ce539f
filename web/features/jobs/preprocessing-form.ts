import { z } from 'zod';
import { problemsOf } from '../../../contracts/error.ts';
import { type JsonObject } from '../../../contracts/job.ts';
import { PreprocessingConfig } from '../../../contracts/preprocessing.ts';

/**
 * The form of a preprocessing job as data. Fields and their kinds come from the schema that the API validates with,
 * so an option added there appears here.
 */
export type OptionKey = keyof PreprocessingConfig;
type Json = z.infer<typeof JsonObject>;

export type Field =
  | { key: OptionKey; kind: 'number' | 'ranges' | 'path'; required: boolean; fallback: string }
  | { key: OptionKey; kind: 'choice'; required: false; fallback: string; choices: readonly string[] }
  | { key: OptionKey; kind: 'switch'; required: false; fallback: boolean };

function fieldOf(key: OptionKey, schema: z.ZodType): Field {
  const hasDefault = schema instanceof z.ZodDefault;
  const core = hasDefault || schema instanceof z.ZodOptional ? schema.unwrap() : schema;
  const fallback: unknown = hasDefault ? schema.def.defaultValue : undefined;
  const required = core === schema;
  if (core instanceof z.ZodEnum)
    return {
      key,
      kind: 'choice',
      required: false,
      fallback: String(fallback),
      choices: core.options.map(String),
    };
  if (core instanceof z.ZodBoolean)
    return { key, kind: 'switch', required: false, fallback: fallback === true };
  if (core instanceof z.ZodNumber)
    return { key, kind: 'number', required, fallback: fallback === undefined ? '' : String(fallback) };
  if (core instanceof z.ZodArray) return { key, kind: 'ranges', required, fallback: '' };
  return { key, kind: 'path', required, fallback: '' };
}

const OPTION_KEYS = PreprocessingConfig.keyof().options;
/** Every option of the configuration, in the schema's order. */
export const FIELDS: readonly Field[] = OPTION_KEYS.map((key) =>
  fieldOf(key, PreprocessingConfig.shape[key]),
);

/** Which option stands where in the form: what every job says … */
export const WHAT_KEYS: readonly OptionKey[] = ['data_dir_path', 'recursive'];
export const GRID_KEYS: readonly OptionKey[] = ['wave_start_point', 'wave_end_point', 'wave_point_count'];
/** … and under "More options" what most leave as it is. */
export const MORE_SECTIONS: readonly {
  id: 'grid' | 'pixels' | 'resampling' | 'result';
  keys: readonly OptionKey[];
}[] = [
  { id: 'grid', keys: ['grid', 'medium', 'rest_frame'] },
  {
    id: 'pixels',
    keys: ['bad_pixels', 'max_gap', 'min_coverage', 'required_ranges', 'outside', 'despike'],
  },
  { id: 'resampling', keys: ['interpolation', 'resolution_from', 'resolution_to', 'smoothing_sigma'] },
  { id: 'result', keys: ['scaling', 'compression', 'max_reject_fraction', 'reuse'] },
];
export const MORE_KEYS: readonly OptionKey[] = MORE_SECTIONS.flatMap(({ keys }) => keys);

export function fieldsOf(keys: readonly OptionKey[]): Field[] {
  return keys.flatMap((key) => FIELDS.filter((field) => field.key === key));
}

/** What the form holds: texts as typed, switches, and what the text editor brought that no field can hold. */
export interface Draft {
  values: Record<string, string | boolean>;
  other: Json;
}

export function emptyDraft(): Draft {
  const values = Object.fromEntries(FIELDS.map((field) => [field.key, field.fallback]));
  return { values: { ...values, data_dir_path: '/' }, other: {} };
}

/** `6550-6580, 6700–6710` → pairs; undefined where it cannot be read as such. */
export function parseRanges(text: string): [number, number][] | undefined {
  const parts = text.split(/[,;\n]/).filter((part) => part.trim() !== '');
  const pairs: [number, number][] = [];
  for (const part of parts) {
    const match = /^\s*(\d+(?:\.\d+)?)\s*[-–…]\s*(\d+(?:\.\d+)?)\s*$/.exec(part);
    if (!match) return undefined;
    pairs.push([Number(match[1]), Number(match[2])]);
  }
  return pairs;
}

export function formatRanges(ranges: readonly (readonly [number, number])[]): string {
  return ranges.map(([from, to]) => `${from}–${to}`).join(', ');
}

/** The JSON value of one field; undefined where it is left out. A text that is no number stays a text, for the schema to refuse. */
function jsonOf(field: Field, value: string | boolean): Json[string] | undefined {
  if (value === field.fallback && !field.required) return undefined;
  if (typeof value === 'boolean') return value;
  const text = value.trim();
  if (text === '') return undefined;
  if (field.kind === 'number') return Number.isFinite(Number(text)) ? Number(text) : text;
  if (field.kind === 'ranges') return parseRanges(text) ?? text;
  return text;
}

/** The `config.json` of a draft; options at their default are left out. */
export function configOfDraft(draft: Draft): Json {
  const entries = FIELDS.flatMap((field) => {
    const value = jsonOf(field, draft.values[field.key] ?? field.fallback);
    return value === undefined ? [] : [[field.key, value] as const];
  });
  return { ...Object.fromEntries(entries), ...draft.other };
}

const Ranges = z.array(z.tuple([z.number(), z.number()]));

function draftValueOf(field: Field, value: Json[string]): string | boolean | undefined {
  if (field.kind === 'switch') return typeof value === 'boolean' ? value : undefined;
  if (field.kind === 'number') return typeof value === 'number' ? String(value) : undefined;
  if (field.kind === 'ranges') {
    const ranges = Ranges.safeParse(value);
    return ranges.success ? formatRanges(ranges.data) : undefined;
  }
  return typeof value === 'string' ? value : undefined;
}

/** The draft of a `config.json`; what no field can hold (unknown keys, wrong types) is kept, not lost. */
export function draftOfConfig(config: Json): Draft {
  const draft = emptyDraft();
  draft.values.data_dir_path = '';
  for (const [key, value] of Object.entries(config)) {
    const field = FIELDS.find((one) => one.key === key);
    const held = field && draftValueOf(field, value);
    if (field && held !== undefined) draft.values[field.key] = held;
    else draft.other[key] = value;
  }
  return draft;
}

/** How many of these options are not at their default. */
export function changedCount(draft: Draft, keys: readonly OptionKey[]): number {
  const config = configOfDraft(draft);
  return keys.filter((key) => key in config).length;
}

export type FieldErrors = Partial<Record<OptionKey | 'label' | 'description' | 'config', string>>;

/**
 * Problems (of a failed parse here, or of a 422) at the fields they belong to; the first of each field.
 * What belongs to no field goes to `config`, beside the text editor.
 */
export function errorsAtFields(problems: readonly { path: string; message: string }[]): FieldErrors {
  const errors: FieldErrors = {};
  const names = [...OPTION_KEYS, 'label', 'description'] as const;
  for (const { path, message } of problems) {
    const name = /^(?:config\.)?([^.[]*)/.exec(path)?.[1] ?? '';
    const key = names.find((one) => one === name) ?? 'config';
    errors[key] ??= key === 'config' && path ? `${path}: ${message}` : message;
  }
  return errors;
}

/** Messages of the schema in the words of a form. */
export function validateDraft(
  draft: Draft,
  words: { required: string; number: string; ranges: string },
): FieldErrors {
  const parsed = PreprocessingConfig.safeParse(configOfDraft(draft));
  if (parsed.success) return {};
  const errors = errorsAtFields(problemsOf(parsed.error));
  for (const field of FIELDS) {
    const text = draft.values[field.key] ?? '';
    if (!errors[field.key] || typeof text === 'boolean' || field.key in draft.other) continue;
    if (text.trim() === '' && field.required) errors[field.key] = words.required;
    else if (field.kind === 'number' && !Number.isFinite(Number(text))) errors[field.key] = words.number;
    else if (field.kind === 'ranges' && !parseRanges(text)) errors[field.key] = words.ranges;
  }
  return errors;
}

/** The text editor's content as an object, or why it is none. */
export function parseConfigText(text: string): { config: Json } | { problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
  const object = z.record(z.string(), z.json()).safeParse(value);
  return object.success ? { config: object.data } : { problem: 'must be a JSON object' };
}

export interface Preset {
  id: 'halpha' | 'full';
  values: Partial<Record<OptionKey, string>>;
}

export const PRESETS: readonly Preset[] = [
  { id: 'halpha', values: { wave_start_point: '6519', wave_end_point: '6732', wave_point_count: '140' } },
  { id: 'full', values: { wave_start_point: '3700', wave_end_point: '9000', wave_point_count: '3700' } },
];

/** The step between grid points [Å] at the start of the grid, where the three numbers make sense. */
export function gridStepAngstrom(draft: Draft): number | undefined {
  const parsed = PreprocessingConfig.safeParse({ ...configOfDraft(draft), data_dir_path: '/' });
  if (!parsed.success) return undefined;
  const { wave_start_point: start, wave_end_point: end, wave_point_count: count, grid } = parsed.data;
  return grid === 'linear'
    ? (end - start) / (count - 1)
    : start * (Math.exp(Math.log(end / start) / (count - 1)) - 1);
}
