import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { packageRoot } from '../storage/package-root.ts';
import type { Grid } from './grids.ts';

const run = promisify(execFile);
const python = process.env.PYTHON || 'python3';
const script = join(packageRoot(), 'bench', 'preprocess_reference.py');

const Versions = z.record(z.string(), z.string());

export const ReferenceRun = z.object({
  rows: z.number(),
  failed: z.number(),
  /** Its own clock: the interpreter's start and the imports are not in it. */
  seconds: z.number(),
  peakBytes: z.number(),
});
export type ReferenceRun = z.infer<typeof ReferenceRun>;

/** Versions of Python and of what the reference program imports; undefined where any of it is absent. */
export async function referenceVersions(): Promise<Record<string, string> | undefined> {
  try {
    const { stdout } = await run(python, [script, '--versions']);
    return Versions.parse(JSON.parse(stdout));
  } catch {
    return undefined; // no Python, or one without them: either way there is nothing to compare with
  }
}

/**
 * Runs the reference program over a flat directory.
 * @throws Error with its own words where it fails
 */
export async function runReference(
  directory: string,
  out: string,
  { fromAngstrom, toAngstrom, points }: Grid,
  signal: AbortSignal,
): Promise<ReferenceRun> {
  const { stdout } = await run(
    python,
    [script, directory, out, String(fromAngstrom), String(toAngstrom), String(points)],
    { signal },
  );
  return ReferenceRun.parse(JSON.parse(stdout));
}
