import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Command } from 'commander';
import { z } from 'zod';
import { packageRoot } from '../storage/package-root.ts';
import { makeSurvey } from './survey.ts';

// npm run bench:survey: a survey of any size out of the sample spectra.
const program: Command = new Command('npm run bench:survey --')
  .description(
    'make many LAMOST-like spectra (92 KB each) out of real ones, with fresh noise from their own IVAR',
  )
  .requiredOption('--out <dir>', 'directory to make; an equal survey that is there is kept')
  .requiredOption('--count <n>', 'number of files')
  .option('--seed <n>', 'of the noise', '0')
  .option('--source <dir>', 'of the real spectra', join(packageRoot(), 'samples', 'spectra'))
  .option('--nested', 'a directory for each 4,000 files (default: one flat directory)')
  .parse();
const Options = z.object({
  out: z.string().min(1),
  source: z.string().min(1),
  count: z.coerce.number({ error: '--count is a whole number from 1' }).int().min(1),
  seed: z.coerce.number({ error: '--seed is a whole number' }).int(),
  nested: z.boolean().default(false),
});
const options = Options.safeParse(program.opts());
if (!options.success) program.error(options.error.issues.map(({ message }) => message).join('\n'));
const { out, source, count, seed, nested } = options.data;

const began = performance.now();
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => interrupt.abort(new Error(`ended by ${signal}`)));
try {
  const { reused } = await makeSurvey({
    source,
    directory: out,
    count,
    seed,
    nested,
    signal: interrupt.signal,
  });
  const seconds = (performance.now() - began) / 1000;
  console.log(
    reused
      ? `${out} is there already: ${count} files`
      : `${count} files in ${out}, ${(count / seconds).toFixed(0)} a second`,
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
