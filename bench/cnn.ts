import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, platform, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { Command } from 'commander';
import { z } from 'zod';
import { VERSION } from '../contracts/version.ts';
import { setUpTensorflow } from '../deploy/tensorflow/set-up-tensorflow.ts';
import { Random } from '../science/cnn/random.ts';
import { hasKeras, WAYS, WayProcess, type Way } from './cnn-process.ts';

// npm run bench:cnn: the default network on our ways and on Keras. See README.md.
const CLASSES = 3;
/** Spectra at a grid, so that an epoch takes a few seconds. */
const DEFAULT_ROWS = (points: number): number => (points <= 200 ? 5000 : 2000);
/** Above this load the machine is not ours alone. */
const QUIET_LOAD = 0.5;

const program: Command = new Command('npm run bench:cnn --')
  .description(
    'Trains the default network as one TensorFlow graph, operation by operation, and with Keras (PYTHON, else python3;\n' +
      'needs tensorflow), by turns epoch by epoch, and predicts the same spectra.',
  )
  .option('--points <list>', 'grid points, with commas between', '140,600')
  .option('--rows <n>', 'spectra (default: 5000 up to 200 points, else 2000)')
  .option('--epochs <n>', 'of each; the first is not in the medians', '4')
  .option('--ways <list>', 'what to run', WAYS.join())
  .option('--json', 'the last line is the result as JSON; all else goes to standard error')
  .addHelpText(
    'after',
    '\nNative TensorFlow is set up first where it is not. Ends with 1 where a way fails. With one grid the JSON has\n' +
      'epoch_seconds and predict_per_second (the best of our ways) and keras_… at its top, else in results[].',
  )
  .parse();

const split = (text: string): string[] => text.split(',');
const positive = (option: string, least: number) =>
  z.coerce.number().pipe(z.int({ error: `${option} takes a whole number` }).min(least));
const Options = z.object({
  points: z
    .string()
    .transform((text) => split(text).map(Number))
    .pipe(z.array(z.int({ error: '--points takes whole numbers with commas between' }).min(36))),
  rows: positive('--rows', 64).optional(),
  epochs: positive('--epochs', 2),
  ways: z
    .string()
    .transform(split)
    .pipe(z.array(z.enum(WAYS))),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof Options>;

const Epoch = z.object({ seconds: z.number(), loss: z.number() });
const Prediction = z.object({ seconds: z.number() });
const Memory = z.object({ peakBytes: z.number() });

/** One way on one grid. */
interface Measured {
  way: Way;
  /** Median of the epochs after the first. */
  epochSeconds: number;
  epochs: z.infer<typeof Epoch>[];
  predictPerSecond: number;
  peakBytes: number;
}
interface Grid {
  points: number;
  rows: number;
  measured: Measured[];
}

const parsed = Options.safeParse(program.opts());
if (!parsed.success) program.error(parsed.error.issues.map(({ message }) => message).join('\n'));
else {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => interrupt.abort(new Error(`ended by ${signal}`)));
  try {
    await run(parsed.data, interrupt.signal);
  } catch (error) {
    const reason: unknown = interrupt.signal.aborted ? interrupt.signal.reason : error;
    say(reason instanceof Error ? reason.message : String(reason));
    process.exitCode = 1;
  }
}

async function run(options: Options, signal: AbortSignal): Promise<void> {
  const ways = options.ways.filter((way) => way !== 'keras' || hasKeras());
  if (options.ways.length > ways.length) say('No reference: set PYTHON to a python with tensorflow.');
  if (ways.some((way) => way !== 'keras')) await setUpTensorflow({ say, signal });
  const load = loadavg()[0] ?? 0;
  if (load > QUIET_LOAD)
    say(`Others use this machine (load ${load.toFixed(1)}): seconds will be too many, ratios less so.`);
  const scratch = await mkdtemp(join(tmpdir(), 'bench-cnn-'));
  const grids: Grid[] = [];
  try {
    for (const points of options.points) {
      const rows = options.rows ?? DEFAULT_ROWS(points);
      const data = join(scratch, `${points}.bin`);
      await writeFile(data, trainingSet(points, rows));
      say(`${rows} spectra of ${points} points …`);
      grids.push({ points, rows, measured: await measure(ways, { data, points, rows, options, signal }) });
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  if (options.json) say(tableOf(grids));
  else console.log(tableOf(grids));
  if (!options.json) return;
  const results = grids.map(resultOf);
  console.log(
    JSON.stringify({
      benchmark: 'cnn',
      at: new Date().toISOString(),
      version: VERSION,
      machine: {
        cpus: availableParallelism(),
        model: cpus()[0]?.model ?? 'unknown',
        memory_bytes: totalmem(),
        platform: `${platform()} ${release()}`,
        load_average: load,
      },
      ...(results.length === 1 ? results[0] : { results }),
    }),
  );
}

/** All ways of a grid, each a process; they train and predict by turns, so that what others do hits all alike. */
async function measure(
  ways: readonly Way[],
  setting: { data: string; points: number; rows: number; options: Options; signal: AbortSignal },
): Promise<Measured[]> {
  const { rows, options, signal } = setting;
  const started = ways.map((way) => new WayProcess(way, setting));
  try {
    for (const one of started) await one.ready();
    const epochs = started.map((): z.infer<typeof Epoch>[] => []);
    for (let epoch = 1; epoch <= options.epochs; epoch++)
      for (const [i, one] of started.entries()) {
        signal.throwIfAborted();
        const answer = Epoch.parse(await one.ask('epoch'));
        epochs[i]?.push(answer);
        say(`  ${one.way}: epoch ${epoch}, ${answer.seconds.toFixed(2)} s, loss ${answer.loss.toFixed(4)}`);
      }
    const predictions = started.map((): number[] => []);
    for (let repeat = 0; repeat < 3; repeat++)
      for (const [i, one] of started.entries()) {
        signal.throwIfAborted();
        predictions[i]?.push(rows / Prediction.parse(await one.ask('predict')).seconds);
      }
    const measured: Measured[] = [];
    for (const [i, one] of started.entries())
      measured.push({
        way: one.way,
        epochSeconds: median((epochs[i] ?? []).slice(1).map(({ seconds }) => seconds)),
        epochs: epochs[i] ?? [],
        predictPerSecond: median(predictions[i] ?? []),
        peakBytes: Memory.parse(await one.ask('memory')).peakBytes,
      });
    return measured;
  } finally {
    await Promise.all(started.map((one) => one.end()));
  }
}

/** Noise, with a line where the class has it: losses fall, so that they can be compared. Same for all ways. */
function trainingSet(points: number, rows: number): Uint8Array {
  const random = new Random(1);
  const spectra = new Float32Array(rows * points).map(() => 2 * random.uniform() - 1);
  const labels = Int32Array.from({ length: rows }, () => random.below(CLASSES));
  labels.forEach((label, row) => {
    const centre = Math.round((points * (label + 1)) / (CLASSES + 1));
    for (let pixel = centre - 2; pixel <= centre + 2; pixel++) {
      const at = row * points + pixel;
      spectra[at] = Math.min(1, (spectra[at] ?? 0) + 0.3);
    }
  });
  return Buffer.concat([new Uint8Array(spectra.buffer), new Uint8Array(labels.buffer)]);
}

function resultOf({ points, rows, measured }: Grid): Record<string, unknown> {
  const ours = measured.filter(({ way }) => way !== 'keras');
  const keras = measured.find(({ way }) => way === 'keras');
  const [best] = ours.toSorted((a, b) => a.epochSeconds - b.epochSeconds);
  const epochSeconds = best?.epochSeconds;
  const predictPerSecond = ours.length > 0 ? Math.max(...ours.map((one) => one.predictPerSecond)) : undefined;
  const ratioTo = (theirs: number | undefined, own: number | undefined): number | undefined =>
    theirs === undefined || own === undefined ? undefined : theirs / own;
  return {
    points,
    rows,
    way: best?.way,
    epoch_seconds: epochSeconds,
    predict_per_second: predictPerSecond,
    keras_epoch_seconds: keras?.epochSeconds,
    keras_predict_per_second: keras?.predictPerSecond,
    training_ratio: ratioTo(keras?.epochSeconds, epochSeconds),
    prediction_ratio: ratioTo(predictPerSecond, keras?.predictPerSecond),
    ways: measured.map((one) => ({
      way: one.way,
      epoch_seconds: one.epochSeconds,
      predict_per_second: one.predictPerSecond,
      peak_bytes: one.peakBytes,
      epochs: one.epochs,
    })),
  };
}

function tableOf(grids: readonly Grid[]): string {
  const table = new Table({
    head: [
      'points',
      'spectra',
      'way',
      's/epoch',
      'Keras’ / this',
      'predicted/s',
      'this / Keras’',
      'peak MB',
      'loss',
    ],
    style: { head: [], border: [] },
  });
  for (const { points, rows, measured } of grids) {
    const keras = measured.find(({ way }) => way === 'keras');
    for (const one of measured) {
      const ratios = keras && [
        keras.epochSeconds / one.epochSeconds,
        one.predictPerSecond / keras.predictPerSecond,
      ];
      table.push([
        ...[points, rows, one.way, one.epochSeconds.toFixed(2), ratios?.[0]?.toFixed(2) ?? '–'],
        ...[one.predictPerSecond.toFixed(0), ratios?.[1]?.toFixed(2) ?? '–'],
        ...[(one.peakBytes / 1e6).toFixed(0), one.epochs.at(-1)?.loss.toFixed(4) ?? '–'],
      ]);
    }
  }
  return [
    table.toString(),
    'Medians: of the epochs after the first, of three predictions. Loss: mean over the last epoch as it was trained on.',
  ].join('\n');
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}

function say(message: string): void {
  process.stderr.write(`${message}\n`);
}
