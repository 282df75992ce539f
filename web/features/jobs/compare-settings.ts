import { type Job, JOB_CONFIG_SCHEMAS, JsonObject } from '../../../contracts/job.ts';

type Json = unknown;

/** Settings of a job with every default written out, each by its path: `fitting.epochs`. */
export function settingsOf({ type, config }: Pick<Job, 'type' | 'config'>): ReadonlyMap<string, string> {
  const parsed = JOB_CONFIG_SCHEMAS[type].safeParse(config);
  const full = JsonObject.safeParse(
    parsed.success ? JSON.parse(JSON.stringify(parsed.data)) : (config ?? {}),
  );
  return new Map(full.success ? flatten(full.data, '') : []);
}

/** Objects are gone into; lists are one setting. */
function flatten(value: Json, path: string): [string, string][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.entries(value).flatMap(([key, inner]) => flatten(inner, path ? `${path}.${key}` : key));
  return [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
}

export interface SettingRow {
  path: string;
  /** Of each job; undefined where it has none. */
  values: (string | undefined)[];
  isDifferent: boolean;
}

/** The settings of jobs beside each other, by path; those that differ first in each group of equal beginning. */
export function compareSettings(jobs: readonly Pick<Job, 'type' | 'config'>[]): SettingRow[] {
  const all = jobs.map(settingsOf);
  const paths = [...new Set(all.flatMap((settings) => [...settings.keys()]))];
  return paths.map((path) => {
    const values = all.map((settings) => settings.get(path));
    return { path, values, isDifferent: new Set(values).size > 1 };
  });
}

/** The ids in `?ids=a,b`, each once, at most five. */
export function idsOf(text: string | undefined): string[] {
  const ids = (text ?? '').split(',').map((id) => id.trim().toLowerCase());
  return [...new Set(ids.filter((id) => /^[0-9a-f-]{36}$/.test(id)))].slice(0, MAX_COMPARED);
}
export const MAX_COMPARED = 5;
