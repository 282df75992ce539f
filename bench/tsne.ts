import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Command } from 'commander';
import { z } from 'zod';
import { Random } from '../science/cnn/random.ts';
import { trustworthiness } from '../science/embedding/trustworthiness.ts';
import { tsne } from '../science/embedding/tsne.ts';
import { packageRoot } from '../storage/package-root.ts';
import { injectLines, readHosts } from './injected-lines.ts';

// npm run bench:tsne: time and trustworthiness of our t-SNE and of scikit-learn's on equal spectra. See README.md.
const NEIGHBOURS = 12;
const RARE_FRACTION = 0.3;

const program: Command = new Command('npm run bench:tsne --')
  .description(
    'Maps sample spectra with injected lines by t-SNE, ours and scikit-learn’s (PYTHON, else python3), each on one thread.',
  )
  .option('--rows <n>', 'spectra', '1500')
  .option('--seed <n>', 'of the spectra and of our map', '0')
  .option('--json', 'the last line is the result as JSON; all else goes to standard error')
  .parse();
const Options = z.object({
  rows: z.coerce.number().pipe(z.int({ error: '--rows takes a whole number' }).min(2 * NEIGHBOURS + 1)),
  seed: z.coerce.number().pipe(z.int({ error: '--seed takes a whole number' }).min(0)),
  json: z.boolean().default(false),
});
const Reference = z.object({
  version: z.string(),
  seconds: z.number(),
  trustworthiness: z.number(),
  trustworthiness_of_given: z.number(),
});

const parsed = Options.safeParse(program.opts());
if (!parsed.success) program.error(parsed.error.issues.map(({ message }) => message).join('\n'));
const { rows, seed, json } = parsed.data;
const say = (line: string): void => (json ? console.error(line) : console.log(line));

const hosts = readHosts(join(packageRoot(), 'samples', 'spectra'));
const random = new Random(seed);
const { spectra, points } = injectLines(hosts, { count: rows, rareFraction: RARE_FRACTION, random });
const began = performance.now();
const map = tsne(spectra, { points, random });
const seconds = (performance.now() - began) / 1000;
const trust = trustworthiness(spectra, points, map, NEIGHBOURS);
say(
  `ours: ${seconds.toFixed(1)} s, trustworthiness ${trust.toFixed(4)} (${rows} × ${points}, injected lines)`,
);

const reference = await measureReference();
if (reference === undefined) say('No reference: set PYTHON to a python with scikit-learn.');
else
  say(
    `scikit-learn ${reference.version}: ${reference.seconds.toFixed(1)} s, trustworthiness ` +
      `${reference.trustworthiness.toFixed(4)}; it gives ours ${reference.trustworthiness_of_given.toFixed(4)}`,
  );
if (json)
  console.log(
    JSON.stringify({ benchmark: 'tsne', rows, points, seed, seconds, trustworthiness: trust, reference }),
  );

/** undefined where there is no Python that it runs on. @throws Error where it fails otherwise */
async function measureReference(): Promise<z.infer<typeof Reference> | undefined> {
  const python = process.env['PYTHON'] || 'python3';
  if (spawnSync(python, ['-c', 'import sklearn']).status !== 0) return undefined;
  const scratch = await mkdtemp(join(tmpdir(), 'bench-tsne-'));
  try {
    const files = { spectra: join(scratch, 'spectra'), map: join(scratch, 'map') };
    await writeFile(files.spectra, spectra);
    await writeFile(files.map, map);
    const script = join(packageRoot(), 'bench', 'tsne_reference.py');
    const { status, stdout, stderr } = spawnSync(python, [script, files.spectra, String(points), files.map], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`The reference failed: ${stderr.trim().slice(-1000)}`);
    return Reference.parse(JSON.parse(stdout));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
