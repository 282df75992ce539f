import { writeDimensionReduction } from '../../science/artifacts/json-files.ts';
import { Random } from '../../science/cnn/random.ts';
import { tsne } from '../../science/embedding/tsne.ts';
import { readTrainingSet } from '../../science/hdf5/labelled-spectra.ts';
import type { EmbedTask, Tell } from './messages.ts';

/** Time grows with the square: 3,000 spectra take about half a minute. */
const MOST_SPECTRA = 3000;

/** Maps a training set, of a large one a random part, into dim_reduc.json. */
export async function embedTrainingSet(task: EmbedTask, tell: Tell): Promise<void> {
  const { classes } = task;
  const set = await readTrainingSet(task.trainingDataPath, { classes, mayLackClasses: true });
  const points = set.wavelengthAngstrom.length;
  const random = new Random(task.seed);
  const drawn = random
    .shuffle(Int32Array.from(set.labels, (_, row) => row))
    .subarray(0, MOST_SPECTRA)
    .sort();
  const spectra = new Float32Array(drawn.length * points);
  drawn.forEach((row, i) => spectra.set(set.spectra.subarray(row * points, (row + 1) * points), i * points));
  const map = tsne(spectra, { points, random });
  const numbers = [...drawn];
  await writeDimensionReduction(task.target, {
    x: numbers.map((_, i) => map[2 * i] ?? NaN),
    y: numbers.map((_, i) => map[2 * i + 1] ?? NaN),
    labels: numbers.map((row) => set.labels[row] ?? 0),
    classes: [...classes],
    filenames: numbers.map((row) => set.filenames[row] ?? ''),
  });
  tell({ kind: 'embedded' });
}
