export type PreviewKind = 'json' | 'csv' | 'image' | 'hdf5' | 'text';

const ENDINGS: Record<string, PreviewKind> = {
  json: 'json',
  csv: 'csv',
  png: 'image',
  svg: 'image',
  jpg: 'image',
  jpeg: 'image',
  h5: 'hdf5',
  hdf5: 'hdf5',
  txt: 'text',
  vot: 'text',
};

/** How a file can be looked at; undefined where it cannot. */
export function previewKindOf(path: string): PreviewKind | undefined {
  return ENDINGS[/\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? ''];
}

/** What is fetched whole to be looked at [bytes]. An HDF5 file is read piece by piece. */
export const MAX_PREVIEW_BYTES: Record<Exclude<PreviewKind, 'hdf5'>, number> = {
  json: 4_000_000,
  csv: 10_000_000,
  image: 50_000_000,
  text: 2_000_000,
};

/** JSON as text with line ends; arrays of numbers stay on their line, cut where they are long. */
export function prettyJson(value: unknown, maxItems = 30): string {
  const shorten = (one: unknown): unknown => {
    if (Array.isArray(one)) {
      const shown: unknown[] = one.slice(0, maxItems).map(shorten);
      return one.length > maxItems ? [...shown, `… ${one.length - maxItems} more`] : shown;
    }
    if (typeof one === 'object' && one !== null)
      return Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, shorten(inner)]));
    return one;
  };
  return JSON.stringify(shorten(value), null, 2).replaceAll(/\[\s+([^[\]{}]*?)\s+\]/g, (_, inner: string) => {
    const line = inner.replaceAll(/\s*\n\s*/g, ' ');
    return `[${line}]`;
  });
}
