import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { readEach } from '../activities/threads/file-reader.ts';
import { PreprocessingConfig } from '../contracts/preprocessing.ts';
import { packageRoot } from '../storage/package-root.ts';
import {
  neededRange,
  planPreprocessing,
  preprocessSpectrum,
} from '../science/preprocess/preprocess-spectrum.ts';
import { readSpectrum } from '../science/spectra/read-spectrum.ts';

// How fast one thread preprocesses the sample spectra, ours and Python's one after the other. Files are gzipped.
const ROUNDS = 20;
const root = join(packageRoot(), 'samples', 'spectra');
const config = PreprocessingConfig.parse({
  data_dir_path: '/',
  wave_start_point: 6519,
  wave_end_point: 6732,
  wave_point_count: 140,
});
const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) =>
  path.endsWith('.fits.gz'),
);
const plan = planPreprocessing(config);
const row = new Float32Array(config.wave_point_count);

async function round(): Promise<void> {
  await readEach({ directory: root }, paths, (_, file) => {
    if ('error' in file) throw file.error;
    const needed = (metadata: Parameters<typeof neededRange>[1]) => neededRange(plan, metadata);
    preprocessSpectrum(readSpectrum(file.bytes, { neededRange: needed, reuseMemory: true }), plan, row);
  });
}

async function ours(): Promise<number> {
  await round(); // warm: page cache and compiler
  const began = performance.now();
  for (let i = 0; i < ROUNDS; i++) await round();
  return (ROUNDS * paths.length * 1000) / (performance.now() - began);
}

/** The reference program's speed; undefined where Python or its libraries are absent. */
function pythons(): number | undefined {
  const script = join(packageRoot(), 'bench', 'read_spectra.py');
  const { status, stdout } = spawnSync(process.env.PYTHON ?? 'python3', [script, root, String(ROUNDS)], {
    encoding: 'utf8',
  });
  return status === 0 ? Number(stdout) : undefined;
}

const oursPerSecond = await ours();
const referencePerSecond = pythons();
const ratio = referencePerSecond === undefined ? undefined : oursPerSecond / referencePerSecond;
if (process.argv.includes('--json'))
  console.log(JSON.stringify({ files: paths.length, oursPerSecond, referencePerSecond, ratio }));
else {
  console.log(`ours, one thread: ${oursPerSecond.toFixed(0)} spectra/s (${paths.length} gzipped files)`);
  console.log(
    referencePerSecond === undefined || ratio === undefined
      ? 'no reference: set PYTHON to a python with astropy and numpy'
      : `astropy and numpy: ${referencePerSecond.toFixed(0)} spectra/s; ratio ${ratio.toFixed(1)}`,
  );
}
