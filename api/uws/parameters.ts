import { z } from 'zod';
import { issuePath } from '../../contracts/error.ts';
import { JOB_CONFIG_SCHEMAS, type JsonObject, JobType } from '../../contracts/job.ts';
import { invalid } from '../errors.ts';
import type { Form } from '../form.ts';
import { depthProblems, storableProblems } from '../storable.ts';

type Configuration = z.infer<typeof JsonObject>;

/** What of a JSON Schema tells how a text is to be read. */
const KeySchema = z.object({
  type: z.string().optional(),
  anyOf: z.array(z.object({ type: z.string().optional() })).optional(),
  items: z.object({ type: z.string().optional() }).optional(),
  prefixItems: z.array(z.object({ type: z.string().optional() })).optional(),
});
const ObjectSchema = z.object({ properties: z.record(z.string(), z.json()) });

/** The JSON Schema of each key of a job type's configuration, from the zod schema that checks it at RUN. */
function keysOf(type: JobType): Map<string, z.infer<typeof KeySchema>> {
  const document = z.toJSONSchema(JOB_CONFIG_SCHEMAS[type], { io: 'input' });
  const own = document.$ref?.replace('#/$defs/', '');
  const { properties } = ObjectSchema.parse(own === undefined ? document : document.$defs?.[own]);
  return new Map(Object.entries(properties).map(([key, schema]) => [key, KeySchema.parse(schema)]));
}

const KEYS = new Map(JobType.options.map((type) => [type, keysOf(type)]));

/** Names of the configuration's keys, which are the parameters of a job. */
export const parameterNames = (type: JobType): string[] => [...(KEYS.get(type)?.keys() ?? [])];

/** A number or a boolean where the text is one; other text stays as it is, for the schema to refuse. */
function scalarOf(text: string, type: string | undefined): boolean | number | string {
  const trimmed = text.trim();
  if (type === 'number' || type === 'integer') {
    const number = Number(trimmed);
    return trimmed === '' || !Number.isFinite(number) ? text : number;
  }
  if (type === 'boolean') {
    if (/^(true|1)$/i.test(trimmed)) return true;
    if (/^(false|0)$/i.test(trimmed)) return false;
  }
  return text;
}

/** @throws HttpError 422 */
function jsonOf(name: string, text: string): z.infer<ReturnType<typeof z.json>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw invalid('The parameters are not valid', [
      { path: name, message: `must be JSON: ${error.message}` },
    ]);
  }
  const tooDeep = depthProblems(value);
  if (tooDeep.length > 0)
    throw invalid(
      'The parameters are not valid',
      tooDeep.map(({ message }) => ({ path: name, message })),
    );
  return z.json().parse(value);
}

/** An element of an array: where that is an interval itself, its numbers are separated by blanks (DALI 1.1). */
function elementOf(text: string, type: string | undefined): Configuration[string] {
  if (type !== 'array') return scalarOf(text, type);
  return text
    .trim()
    .split(/\s+/)
    .map((number) => scalarOf(number, 'number'));
}

function valueOf(
  name: string,
  values: readonly string[],
  schema: z.infer<typeof KeySchema>,
): Configuration[string] {
  const [first = ''] = values;
  const type = schema.type ?? (schema.anyOf?.every((one) => one.type === 'string') ? 'string' : undefined);
  if (type === 'array') {
    if (values.length > 1) return values.map((text) => elementOf(text, schema.items?.type));
    if (first.trimStart().startsWith('[')) return jsonOf(name, first);
    return first === '' ? [] : first.split(',').map((text) => elementOf(text.trim(), schema.items?.type));
  }
  if (values.length > 1)
    throw invalid('The parameters are not valid', [{ path: name, message: 'is given more than once' }]);
  return type === undefined || type === 'object' ? jsonOf(name, first) : scalarOf(first, type);
}

/**
 * The configuration that a form gives: numbers and booleans read as the schema of the job type has them; an array is a
 * repeated parameter, a list with commas, or JSON; an object is JSON. Keys may be missing: RUN asks for those.
 * @param form without the parameters of UWS itself
 * @throws HttpError 422 for a key that the job type does not have, or a value that its schema refuses
 */
export function configOfForm(type: JobType, form: Form): Configuration {
  const keys = KEYS.get(type) ?? new Map<string, never>();
  const config: Configuration = {};
  const unknown: { path: string; message: string }[] = [];
  for (const [name, values] of form) {
    const schema = keys.get(name);
    if (schema === undefined) unknown.push({ path: name, message: 'is no parameter of this job type' });
    else config[name] = valueOf(name, values, schema);
  }
  if (unknown.length > 0) throw invalid('The parameters are not valid', unknown);
  const unstorable = storableProblems(config);
  if (unstorable.length > 0) throw invalid('The parameters are not valid', unstorable);
  const parsed = JOB_CONFIG_SCHEMAS[type].safeParse(config);
  const wrong = (parsed.error?.issues ?? []).filter(({ path: [key] }) => key !== undefined && key in config);
  if (wrong.length > 0)
    throw invalid(
      'The parameters are not valid',
      wrong.map(({ path, message }) => ({ path: issuePath(path), message })),
    );
  return config;
}

/** Parameters as UWS lists them, so that sending them again gives the same configuration. */
export function parametersOf(config: Configuration): { id: string; value: string }[] {
  return Object.entries(config).flatMap(([id, value]) => {
    if (Array.isArray(value) && value.length > 1 && value.every((one) => typeof one !== 'object'))
      return value.map((one) => ({ id, value: String(one) }));
    return [{ id, value: typeof value === 'object' ? JSON.stringify(value) : String(value) }];
  });
}
