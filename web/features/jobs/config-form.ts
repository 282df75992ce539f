import type { z } from 'zod';
import { problemsOf } from '../../../contracts/error.ts';
import { JsonObject } from '../../../contracts/job.ts';
import { NetworkArchitecture, type NetworkLayer } from '../../../contracts/network.ts';

/** The form of a `config.json` as data: which option each field holds, and how. One for each type of job. */
export type Json = z.infer<typeof JsonObject>;
type JsonValue = Json[string];

interface FieldBase<Key extends string> {
  key: Key;
  required?: true;
  /** Only there, also in `config.json`, while another field has one of these values. */
  when?: { key: Key; is: readonly string[] };
}
export type ConfigField<Key extends string> =
  | (FieldBase<Key> & {
      kind: 'path' | 'number' | 'names' | 'layers' | 'switch';
      /** Where the option lies in `config.json`. */
      path: readonly [string, ...string[]];
    })
  | (FieldBase<Key> & {
      kind: 'choice';
      choices: readonly string[];
      path: readonly [string, ...string[]];
      /** The object that this choice decides the other options of; it is written whenever that has any. */
      decides?: readonly [string, ...string[]];
    })
  /** A choice that `config.json` tells only by which options it has. */
  | (FieldBase<Key> & {
      kind: 'choice';
      choices: readonly string[];
      path?: undefined;
      toldBy: (config: Json) => string;
    });

/** What the form holds: texts as typed, and what the text editor brought that no field can hold. */
export interface ConfigDraft {
  values: Readonly<Record<string, string>>;
  other: Json;
}
/** Messages by field; `label`, `description` and `config` (beside the text editor) are fields of every job. */
export type FieldErrors = Partial<Record<string, string>>;

function isObject(value: JsonValue | undefined): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function valueAt(json: Json, path: readonly string[]): JsonValue | undefined {
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

/** Layers as JSON, one a line: that is how they are read and moved about. */
export function formatLayers(layers: readonly NetworkLayer[]): string {
  const lines = layers.map((layer) => `  ${JSON.stringify(layer).replaceAll(/([:,])(?=["\d])/g, '$1 ')}`);
  return lines.length === 0 ? '[]' : `[\n${lines.join(',\n')}\n]`;
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

/** The text of a field for what `config.json` says; undefined where the field cannot hold it. */
function draftValueOf<Key extends string>(
  field: ConfigField<Key>,
  value: JsonValue | undefined,
): string | undefined {
  if (field.kind === 'number') return typeof value === 'number' ? String(value) : undefined;
  if (field.kind === 'switch') return typeof value === 'boolean' ? String(value) : undefined;
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

/** The JSON value of a field; undefined where it is left out. What is no number or JSON stays a text, for the schema to refuse. */
function jsonOf<Key extends string>(field: ConfigField<Key>, typed: string): JsonValue | undefined {
  const text = typed.trim();
  if (text === '') return undefined;
  if (field.kind === 'number') return Number.isFinite(Number(text)) ? Number(text) : text;
  if (field.kind === 'switch') return text === 'true';
  if (field.kind === 'names') return parseNames(text);
  if (field.kind === 'layers') return parseJson(text) ?? text;
  return text;
}

/** Whether a field is there, with what the others of the draft say. */
export function applies<Key extends string>(
  { when }: Pick<ConfigField<Key>, 'when'>,
  { values }: Pick<ConfigDraft, 'values'>,
): boolean {
  return when === undefined || when.is.includes(values[when.key] ?? '');
}

/**
 * What a form does, made from its fields and its schema.
 * @param samples configurations that the schema takes; what it fills in beside what they say is a field's default
 */
export function createConfigForm<Key extends string>({
  fields,
  schema,
  samples,
  placesOfErrors = [],
}: {
  fields: readonly ConfigField<Key>[];
  schema: z.ZodType;
  samples: readonly Json[];
  /** Where problems stand that are of no field's own path. */
  placesOfErrors?: readonly { key: Key; path: string }[];
}) {
  const filled = samples.map((sample) => ({
    sample,
    config: JsonObject.parse(JSON.parse(JSON.stringify(schema.parse(sample)))),
  }));
  function defaultOf(field: ConfigField<Key>): string {
    if (field.path !== undefined)
      for (const { sample, config } of filled) {
        if (valueAt(sample, field.path) !== undefined) continue;
        const held = draftValueOf(field, valueAt(config, field.path));
        if (held !== undefined) return held;
      }
    return field.kind === 'switch' ? 'false' : '';
  }
  const defaults: Readonly<Record<string, string>> = Object.fromEntries(
    fields.map((field) => [field.key, defaultOf(field)]),
  );

  function emptyDraft(): ConfigDraft {
    return { values: defaults, other: {} };
  }

  function fieldsOf(keys: readonly Key[]): ConfigField<Key>[] {
    return keys.flatMap((key) => fields.filter((field) => field.key === key));
  }

  function isAtDefault(field: ConfigField<Key>, text: string): boolean {
    const byDefault = defaults[field.key];
    if (text.trim() === byDefault) return true;
    const value = field.kind === 'layers' ? draftValueOf(field, parseJson(text)) : undefined;
    return value !== undefined && value === byDefault;
  }

  /** The `config.json` of a draft; options at their default are left out. */
  function configOfDraft(draft: ConfigDraft): Json {
    return fields
      .filter((field) => applies(field, draft))
      .reduce((config, field) => {
        if (field.path === undefined) return config;
        const text = draft.values[field.key] ?? '';
        const isNeeded =
          'decides' in field &&
          field.decides !== undefined &&
          valueAt(draft.other, field.decides) !== undefined;
        const value = isAtDefault(field, text) && !isNeeded ? undefined : jsonOf(field, text);
        // What the editor brought and this field could not hold.
        if (value === undefined || valueAt(draft.other, field.path) !== undefined) return config;
        return withValue(config, field.path, value);
      }, draft.other);
  }

  /** The draft of a `config.json`; what no field can hold (unknown keys, wrong types) is kept, not lost. */
  function draftOfConfig(config: Json): ConfigDraft {
    const values: Record<string, string> = { ...defaults };
    let other = config;
    for (const field of fields) {
      if (!applies(field, { values })) continue;
      if (field.path === undefined) {
        values[field.key] = field.toldBy(config);
        continue;
      }
      const value = draftValueOf(field, valueAt(config, field.path));
      if (value === undefined) continue;
      values[field.key] = value;
      other = withoutValue(other, field.path);
    }
    return { values, other };
  }

  /** The draft after a field was typed in: it now says what the editor had said in a way that it could not hold. */
  function changeDraft(draft: ConfigDraft, key: Key, value: string): ConfigDraft {
    const [field] = fieldsOf([key]);
    // What was said of one kind says nothing of another.
    const path = field && 'decides' in field ? (field.decides ?? field.path) : field?.path;
    return {
      values: { ...draft.values, [key]: value },
      other: path ? withoutValue(draft.other, path) : draft.other,
    };
  }

  /** How many of these options are there and not at their default. */
  function changedCount(draft: ConfigDraft, keys: readonly Key[]): number {
    return fieldsOf(keys).filter(
      (field) =>
        field.path !== undefined &&
        ((applies(field, draft) && !isAtDefault(field, draft.values[field.key] ?? '')) ||
          valueAt(draft.other, field.path) !== undefined),
    ).length;
  }

  const places: readonly { key: string; path: string }[] = [
    ...fields.flatMap(({ key, path }) => (path === undefined ? [] : [{ key, path: path.join('.') }])),
    ...placesOfErrors,
    { key: 'label', path: 'label' },
    { key: 'description', path: 'description' },
  ];

  /**
   * Problems (of a failed parse here, or of a 422) at the fields they belong to; the first of each field.
   * What belongs to no field goes to `config`, beside the text editor.
   */
  function errorsAtFields(problems: readonly { path: string; message: string }[]): FieldErrors {
    const errors: FieldErrors = {};
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
  function validateDraft(
    draft: ConfigDraft,
    words: { required: string; number: string; layers: string },
  ): FieldErrors {
    const parsed = schema.safeParse(configOfDraft(draft));
    const errors = parsed.success ? {} : errorsAtFields(problemsOf(parsed.error));
    for (const field of fields.filter((one) => applies(one, draft))) {
      const text = (draft.values[field.key] ?? '').trim();
      if (field.path === undefined || valueAt(draft.other, field.path) !== undefined) continue;
      if (text === '' && field.required) errors[field.key] = words.required;
      else if (field.kind === 'number' && !Number.isFinite(Number(text))) errors[field.key] = words.number;
      else if (field.kind === 'layers' && !Array.isArray(parseJson(text))) errors[field.key] = words.layers;
    }
    return errors;
  }

  return {
    fieldsOf,
    emptyDraft,
    configOfDraft,
    draftOfConfig,
    changeDraft,
    changedCount,
    errorsAtFields,
    validateDraft,
  };
}

export type ConfigForm<Key extends string> = ReturnType<typeof createConfigForm<Key>>;
