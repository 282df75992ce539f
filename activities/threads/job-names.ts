import { type PartTables, stringsOf, textValuesOf } from '../../science/preprocess/part.ts';
import { baseName, baseNameHash, type JobNames } from '../plan.ts';

/** Columns of names in result.h5, and those of the paths beside them. */
const NAMED: readonly (readonly [name: string, path: string])[] = [
  ['filenames', 'metadata/path'],
  ['rejects/filename', 'rejects/path'],
];

/**
 * Gives files whose base name is not unique in the job their path below its directory as name: parts know base names
 * only, for they are made while the rest is still being listed.
 * @returns undefined where all are unique
 */
export function createRename({
  directory,
  repeated,
}: JobNames): ((texts: PartTables['texts']) => void) | undefined {
  if (repeated.length === 0) return undefined;
  const several = new Set(repeated);
  const start = directory === '' ? 0 : directory.length + 1;
  return (texts) => {
    for (const [name, path] of NAMED) {
      const paths = texts[path];
      if (paths)
        texts[name] = textValuesOf(
          stringsOf(paths).map((one) => (several.has(baseNameHash(one)) ? one.slice(start) : baseName(one))),
        );
    }
  };
}

/** Widens the columns of names so that there is room for paths. @param widths of the text columns [bytes] */
export function roomForPaths(widths: Record<string, number>): void {
  for (const [name, path] of NAMED) widths[name] = Math.max(widths[name] ?? 0, widths[path] ?? 0);
}
