import { issuePath } from '../../../contracts/error.ts';
import { CatalogueQuery } from '../../../contracts/spectrum.ts';

/** The filters of the catalogue as the address holds them: the API's own names, texts. */
export const FILTER_KEYS = [
  'q',
  'dir',
  'type',
  'subtype',
  'min_sn_g',
  'z_min',
  'z_max',
  'mag_band',
  'mag_min',
  'mag_max',
  'ra',
  'dec',
  'radius',
] as const;
export type FilterKey = (typeof FILTER_KEYS)[number];
export type Filters = Record<FilterKey, string>;

export const SORTABLE = [
  'filename',
  'type',
  'subtype',
  'ra',
  'dec',
  'z',
  'sn_g',
  'sn_r',
  'observed_at',
] as const;

export type SortColumn = (typeof SORTABLE)[number];

export function filtersOf(query: Readonly<Record<string, string>>): Filters {
  const read = (key: FilterKey) => query[key] ?? '';
  return {
    q: read('q'),
    dir: read('dir'),
    type: read('type'),
    subtype: read('subtype'),
    min_sn_g: read('min_sn_g'),
    z_min: read('z_min'),
    z_max: read('z_max'),
    mag_band: read('mag_band'),
    mag_min: read('mag_min'),
    mag_max: read('mag_max'),
    ra: read('ra'),
    dec: read('dec'),
    radius: read('radius'),
  };
}

/**
 * What to ask the API for, or the first problem of each filter, found by the schema that the API validates with
 * (an empty filter is none; an offset or order that is none is left out).
 */
export function catalogueQueryOf(
  query: Readonly<Record<string, string>>,
  limit: number,
):
  | { ok: true; query: Record<string, string | number> }
  | { ok: false; problems: Partial<Record<string, string>> } {
  const filters = filtersOf(query);
  const given = Object.fromEntries(
    Object.entries(filters)
      .map(([key, value]) => [key, value.trim()] as const)
      .filter(([, value]) => value !== ''),
  );
  const asked = { ...given, limit, offset: query['offset'], sort: query['sort'] };
  const parsed = CatalogueQuery.safeParse(asked);
  if (!parsed.success) {
    const problems: Partial<Record<string, string>> = {};
    for (const issue of parsed.error.issues) problems[issuePath(issue.path)] ??= issue.message;
    return { ok: false, problems };
  }
  return {
    ok: true,
    query: { ...given, limit, offset: parsed.data.offset, sort: parsed.data.sort },
  };
}

/** The next order when a column's head is pressed: rising, falling, and back to the path. */
export function nextSort(current: string | undefined, column: string): string {
  if (current === column) return `-${column}`;
  return current === `-${column}` ? '' : column;
}

/** For `aria-sort`. */
export function sortDirection(current: string | undefined, column: string) {
  if (current === column) return 'ascending';
  return current === `-${column}` ? 'descending' : 'none';
}
